import pytest

from slipway.checks.images.image import Weighed, check_image
from slipway.config.workspace import Portal

MB = 1_000_000


@pytest.mark.parametrize(
    ("size", "budget", "found"),
    [
        (90, 100, []),
        (91, 100, [("warning", "has 91 MB, its budget is 100 MB")]),
        (100, 100, [("warning", "has 100 MB, its budget is 100 MB")]),
        (101, 100, [("error", "has 101 MB, its budget is 100 MB")]),
        (9000, None, []),
    ],
)
def test_budget(size: int, budget: int | None, found: list[tuple[str, str]]) -> None:
    image = Weighed("backend", "x/backend:1", size * MB, "amd64", "x86_64", budget and budget * MB)
    assert [(str(issue.severity), issue.message) for issue in check_image(image)] == found


@pytest.mark.parametrize(("made", "engine"), [("arm64", "x86_64"), ("amd64", "aarch64"), ("arm", "x86_64")])
def test_an_image_for_another_processor_is_named(made: str, engine: str) -> None:
    (issue,) = check_image(Weighed("admin", "x/admin:1", 1, made, engine))
    assert (issue.id, issue.where) == ("images.architecture", "x/admin:1")
    assert made in issue.message


@pytest.mark.parametrize(("made", "engine"), [("amd64", "x86_64"), ("arm64", "aarch64"), ("amd64", "")])
def test_an_image_for_this_processor_is_fine(made: str, engine: str) -> None:
    assert check_image(Weighed("admin", "x/admin:1", 1, made, engine)) == []


@pytest.mark.parametrize(("text", "size"), [("400MB", 400 * MB), ("1.5 GB", 1500 * MB), ("900kB", 900_000)])
def test_sizes_are_read(text: str, size: int) -> None:
    assert Portal.model_validate({"path": "x", "budget": text}).budget == size


@pytest.mark.parametrize("text", ["400", "400 mb", "-1MB", "MB", "0MB", "1e9MB", 400, True])
def test_other_sizes_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="budget"):
        Portal.model_validate({"path": "x", "budget": text})
