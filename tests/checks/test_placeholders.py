"""What somebody meant to replace, and names that only look like it."""

import time
from pathlib import Path

import pytest

from slipway.checks.environment import check_environment
from slipway.checks.placeholders import _PLACEHOLDER
from slipway.config.workspace import Workspace


@pytest.mark.parametrize(
    "text",
    [
        "changeme",
        "please_change_me",
        "change-this-key",
        "changeme123",
        "YOUR_KEY",
        "YOUR_STRIPE_SECRET",
        "your-secret-here",
        "your_domain.com",
        "https://yourdomain.com",
        "your-aws-access-key",
        "Your Name <a@b.com>",
        "your secret",
        "<your key>",
        "<password>",
        "todo",
        "to" + "do: later",
        "TO" + "DO",
        "app:TO" + "DO@db",
        "xxxxxx",
        "key-xxxx",
        "fill-in",
        "replace-me",
        "placeholder",
        "django-insecure-8f",
        "https://api.example.com",
    ],
)
def test_a_placeholder(text: str) -> None:
    assert _PLACEHOLDER.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your Music <no-reply@zamio.com>",
        "yourmusic.com",
        "your-music.com",
        "todo.app",
        "https://api.todo.app",
        "my-todo-list",
        "Todo App <hello@todo.app>",
        "todo@zamio.com",
        "exchange-media.com",
        "exchangemedia.com",
        "interchange-me.com",
        "refill-inc.com",
        "Zamio <no-reply@zamio.com>",
        "maxxxwell",
        "counterexample.community",
        "changement.fr",
        "keyholder",
    ],
)
def test_a_name_is_none(text: str) -> None:
    assert not _PLACEHOLDER.search(text)


def test_it_is_told_once_where_it_is_written(root: Path, workspace: Workspace) -> None:
    file = root / "env" / "production.env"
    file.write_text(file.read_text().replace("DOMAIN=zamio.com", "DOMAIN=your-domain.com"))
    found = [one.where for one in check_environment(root, "production", workspace) if one.id == "env.placeholder"]
    assert found == ["env/production.env:2"]


@pytest.mark.parametrize(
    "part", ["your-", "your_a_", "<a ", "<", "change", "xxx ", " ", "fill-", "example.", "your-a1-b2-"]
)
def test_a_hostile_megabyte_is_read_at_once(part: str) -> None:
    before = time.process_time()
    _PLACEHOLDER.search(part * (1_000_000 // len(part)))
    assert time.process_time() - before < 1.5
