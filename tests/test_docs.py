"""What the documents say is held against the code: tasks, options, links, files, ids, the page of variables."""

import ast
import copy
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke import Argument

from tasks import namespace

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# Invoke takes a task's help away when it is asked for its arguments, so a copy is asked, and before any test runs.
ARGUMENTS: dict[str, list[Argument]] = {
    name: copy.deepcopy(namespace[name]).get_arguments() for name in namespace.task_names
}
_CORE_OPTIONS = {"--list", "--help", "--version"}
_FENCE = re.compile(r"^```(?s:.*?)^```|^ {4,}\S.*$", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(?:^|[\s(])(?:\./)?inv ([a-z][a-z.-]*)((?: +[^\s#|&]+)*)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"^(?:src|tasks|tests|docs|env|bases|runtime|images|templates|example)/[\w./-]+$")


def code_of(page: Path) -> str:
    """Return a page's code, blocks and spans, one a line."""
    text = page.read_text()
    blocks = _FENCE.findall(text)
    return "\n".join([*blocks, *_SPAN.findall(_FENCE.sub("", text))])


def options() -> dict[str, set[str]]:
    """Return every name that a task answers to, with its options."""
    found: dict[str, set[str]] = {}
    for name, aliases in namespace.task_names.items():
        given = {f"--{word.replace('_', '-')}" for argument in ARGUMENTS[name] for word in argument.names}
        found |= dict.fromkeys((name, *aliases), given)
    return found


def commands() -> Iterator[tuple[str, str, list[str]]]:
    """Yield (page, task, options) of every `inv TASK` that stands in code."""
    for page in PAGES:
        for task, rest in _COMMAND.findall(code_of(page)):
            yield page.name, task, [word for word in shlex.split(rest) if word.startswith("--")]


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_pages_are_found_and_name_commands() -> None:
    assert len(PAGES) > 12
    assert len(list(commands())) > 50


def test_the_readme_is_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_is_short(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= 40


def test_every_task_is_named_in_a_page() -> None:
    named = {task for _, task, _ in commands()}
    silent = [name for name, aliases in namespace.task_names.items() if not named & {name, *aliases}]
    assert silent == []


def test_every_command_in_a_page_exists_with_its_options() -> None:
    known = options()
    wrong = []
    for page, task, words in commands():
        if task not in known:
            wrong.append(f"{page}: inv {task}")
        else:
            given = {word.partition("=")[0] for word in words}
            wrong += [f"{page}: inv {task} {option}" for option in given - known[task] - _CORE_OPTIONS]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(namespace.task_names))
def test_every_task_says_what_it_does_and_what_each_option_means(name: str) -> None:
    assert (namespace[name].__doc__ or "").strip().endswith(".")
    assert [argument.name for argument in ARGUMENTS[name] if not argument.help] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_path_of_a_page_leads_somewhere(page: Path) -> None:
    wrong = []
    for link in _LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in headings(target)):
            wrong.append(link)
    # What git does not keep, or what stands for something else (<name>, *), is no path of the repository.
    paths = [span for span in _SPAN.findall(page.read_text()) if _PATH.match(span) and "secrets" not in span]
    wrong += [path for path in paths if not (ROOT / path).exists()]
    assert wrong == []


def test_every_key_of_the_workspace_file_is_explained() -> None:
    from slipway.config import policy
    from slipway.config import workspace as models

    page = (ROOT / "docs" / "workspace.md").read_text()
    parts = (
        policy.Vulnerabilities,
        policy.Ignored,
        models.Backend,
        models.Frontend,
        models.Portal,
        models.Database,
        models.Service,
    )
    keys = {name for part in parts for name in part.model_fields}
    keys |= {
        f"{probe}.{name}"
        for probe, model in (
            ("api", models.ApiProbe),
            ("login", models.LoginProbe),
            ("websocket", models.WebSocketProbe),
            ("task", models.TaskProbe),
            ("beat", models.BeatProbe),
        )
        for name in model.model_fields
    }
    assert sorted(key for key in keys if f"`{key}`" not in page) == []
    assert set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) | {"name"} == {
        name for name, field in models.Workspace.model_fields.items() if not field.exclude
    }


def test_every_id_of_an_image_check_is_explained() -> None:
    page = (ROOT / "docs" / "checks.md").read_text()
    library = ROOT / "src" / "slipway"
    folders = (library / "checks" / "images", library / "rehearsal" / "stage")
    files = [*(file for folder in folders for file in folder.glob("*.py")), library / "engines" / "image_tests.py"]
    text = "".join(file.read_text() for file in files)
    found = re.findall(r"""(?:issue|self\.tell)\(\s*(?:[\w.]+, )?"([a-z-]+)",|yield "([a-z-]+)",""", text)
    ids = {f"images.{rule or other}" for rule, other in found}
    assert len(ids) > 18
    assert ids == set(re.findall(r"^\| `(images\.[a-z-]+)`", page, re.MULTILINE))


def test_every_id_of_a_vulnerability_check_is_explained() -> None:
    text = (ROOT / "src/slipway/checks/vulnerabilities.py").read_text()
    ids = set(re.findall(r'^ +(?:return Issue\()?"(vulnerabilities\.[a-z-]+)",', text, re.MULTILINE))
    assert len(ids) == 9
    assert ids == set(
        re.findall(r"^\| `(vulnerabilities\.[a-z-]+)`", (ROOT / "docs" / "checks.md").read_text(), re.MULTILINE)
    )


def test_every_exit_code_is_explained_in_the_readme() -> None:
    from slipway.errors import PersonNeeded, Refused, Unreachable, UsageError

    rows = re.findall(r"^\| (\d) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    errors = (Refused, UsageError, Unreachable, PersonNeeded)
    assert [int(code) for code in rows] == [0, *(error.exit_code for error in errors)]


def texts_of_the_code() -> Iterator[list[str]]:
    """Yield the parts of every text in the code as patterns: what is filled in later stands for anything."""
    for folder in ("src", "tasks"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                values = node.values if isinstance(node, ast.JoinedStr) else [node]
                parts = [value.value if isinstance(value, ast.Constant) else None for value in values]
                if any(isinstance(part, str) for part in parts):
                    yield [re.escape(part) if isinstance(part, str) else ".+" for part in parts]


def says(parts: list[str], words: str) -> bool:
    """Whether some parts of a text in a row, its blanks at both ends aside, are `words`."""
    for begin, end in itertools.combinations(range(len(parts) + 1), 2):
        pattern = "".join(parts[begin:end]).removeprefix(r"\ ").removesuffix(r"\ ")
        if len(pattern) > 12 and re.fullmatch(pattern, words):
            return True
    return False


def test_every_message_in_the_runbook_is_one_that_the_code_says() -> None:
    rows = re.findall(r"^\| (`.+?) \|", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    quoted = [quote for row in rows for quote in _SPAN.findall(row)]
    pieces = [piece.strip(" ,:") for quote in quoted for piece in quote.split("...") if piece.strip(" ,:")]
    code = list(texts_of_the_code())
    whole = "\n".join("".join(parts) for parts in code)
    filled_in = [parts for parts in code if len(parts) > 1]
    unsaid = [piece for piece in pieces if re.escape(piece) not in whole]
    assert len(pieces) > 35
    assert [piece for piece in unsaid if not any(says(parts, piece) for parts in filled_in)] == []
