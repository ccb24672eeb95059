"""The contract table, walked against the running stand-in: every endpoint, every field, every refusal it names."""

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.rehearsal.standin.app import ENDPOINTS
from slipway.rehearsal.standin.engine import Container
from slipway.rehearsal.standin.site import SERVER_UUID
from tests.rehearsal.standin import ground
from tests.rehearsal.standin.no_engine import NoCompose, NoEngine

TABLE = yaml.safe_load((Path(__file__).parents[2] / "contract" / "coolify.yaml").read_text(encoding="utf-8"))
ROWS = {row["name"]: row for row in TABLE["endpoints"]}
FIELDS = [(name, field) for name, row in ROWS.items() for field in row.get("fields", {})]
GUARDED = [name for name, row in ROWS.items() if row.get("guard") == "json"]
ABSENT = "z" * 24
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "list": list, "uuid": str,
}  # fmt: skip
_OTHER_ABILITY = {"read": "write", "write": "deploy", "deploy": "read"}


class Walk:
    """Fills in the table's placeholders with things that exist, made when first needed, new for each walk."""

    def __init__(self, standin: ground.Standin, numbers: Iterator[int]) -> None:
        self.standin = standin
        self._numbers = numbers
        self._made: dict[str, str] = {}

    def value(self, name: str) -> str:
        if name.startswith("fresh"):
            return f"{name}_{next(self._numbers)}"
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> str:
        known = {"server": SERVER_UUID, "hex64": "ab" * 32}
        return known[name] if name in known else str(getattr(self, f"_make_{name}")())

    def _make_project(self) -> Any:
        return self.standin.place()["project_uuid"]

    def _make_application(self) -> str:
        return self.standin.application()

    def _make_env(self) -> Any:
        path = f"/applications/{self.value('application')}/envs"
        return self.standin.good("POST", path, {"key": "KNOWN", "value": "x"})["uuid"]

    def _make_deployment(self) -> str:
        return self.standin.deploy(self.value("application"))

    def _make_running(self) -> str:
        engine = self.standin.site.engine
        assert isinstance(engine, NoEngine)
        engine.present = [Container("c", "c", "running", None, 0)]
        return "c"

    def _make_database(self) -> Any:
        return self.standin.good("POST", "/databases/postgresql", self.standin.place())["uuid"]

    def _make_running_database(self) -> Any:
        uuid = self._make_database()
        self.standin.site.store.update("databases", uuid, status="running:healthy")
        return uuid

    def filled(self, thing: Any) -> Any:
        if isinstance(thing, dict):
            return {key: self.filled(item) for key, item in thing.items()}
        if isinstance(thing, list):
            return [self.filled(item) for item in thing]
        if isinstance(thing, str):
            for name in ("application", "project", "server", "env", "deployment", "running_database", "database",
                         "hex64", "fresh_key", "fresh"):  # fmt: skip
                if f"{{{name}}}" in thing:
                    thing = thing.replace(f"{{{name}}}", self.value(name))
        return thing

    def ask(self, row: dict[str, Any], body: Any = None, **options: Any) -> Any:
        for need in row.get("needs", []):
            self.value(need)
        example = self.filled(copy.deepcopy(row.get("example"))) if body is None else body
        path = options.pop("path", None) or self.filled(row["path"])
        return self.standin.ask(row["method"], path, example, **options)

    def with_field(self, row: dict[str, Any], field: str, value: Any) -> Any:
        """The example with one field set, in its first item where the endpoint takes a list."""
        body = self.filled(copy.deepcopy(row["example"]))
        place = body[row["items"]][0] if "items" in row else body
        place[field] = self.filled(value)
        return body


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ground.Standin]:
    with ground.running(ground.settings(tmp_path_factory.mktemp("contract")), held=True) as found:
        found.site.engine, found.site.compose = NoEngine(), NoCompose()
        yield found


@pytest.fixture
def walk(standin: ground.Standin) -> Iterator[Walk]:
    yield Walk(standin, NUMBERS)
    assert isinstance(standin.site.engine, NoEngine)
    standin.site.engine.present = []
    # Full queues and taken domains of one walk are not the next one's business.
    for table in ("applications", "deployments"):
        for row in standin.site.store.where(table):
            standin.site.store.delete(table, row["uuid"])


NUMBERS = itertools.count(1)


def fits(shape: Any, body: Any) -> list[str]:
    """What is missing or of the wrong type in a body."""
    if isinstance(shape, list):
        if not isinstance(body, list) or not body:
            return [f"no list with elements: {body!r}"]
        return [problem for item in body for problem in fits(shape[0], item)]
    if isinstance(shape, dict):
        if not isinstance(body, dict):
            return [f"no object: {body!r}"]
        missing = [f"{key} is missing" for key in shape if key not in body]
        found = [f"{key}: {it}" for key, part in shape.items() if key in body for it in fits(part, body[key])]
        return missing + found
    kind = shape.rstrip("?")
    if body is None:
        return [] if shape.endswith("?") else [f"null is no {kind}"]
    good = isinstance(body, _TYPES[kind]) and (kind == "boolean" or not isinstance(body, bool))
    if kind == "uuid":
        good = good and len(body) == 24 and body.isalnum()
    return [] if good else [f"{body!r} is no {kind}"]


def test_the_table_and_the_stand_in_know_the_same_endpoints() -> None:
    def plain(method: str, path: str) -> tuple[str, str]:
        parts = ["*" if part.startswith("{") or part == "production" else part for part in path.split("/")]
        return method, "/".join(parts)

    listed = {plain(row["method"], row["path"]) for row in ROWS.values()}
    served = {plain(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    assert served - listed <= {("POST", "/disable"), ("GET", "/databases/*/logs")}
    assert listed - served == set()


@pytest.mark.parametrize("name", ROWS)
def test_the_example_is_answered_as_written(name: str, walk: Walk) -> None:
    row = ROWS[name]
    status, shape = next(iter(row["answers"].items()))
    answer = walk.ask(row)
    assert answer.status_code == status, answer.text
    if "text" in shape:
        assert answer.text == shape["text"]
    else:
        assert fits(shape, answer.json()) == []
    assert {header.lower() for header in TABLE["every_endpoint"]["headers"]} <= set(answer.headers)


@pytest.mark.parametrize("name", ROWS)
def test_tokens_and_abilities(name: str, walk: Walk) -> None:
    row = ROWS[name]
    for token in (None, "expired", "9|unknown-secret-here", "x", "2"):
        answer = walk.ask(row, token=token)
        assert (answer.status_code, answer.json()) == (401, TABLE["every_endpoint"][401]["body"])
    refused = walk.ask(row, token=_OTHER_ABILITY[row["ability"]])
    assert refused.status_code == 403
    assert refused.json() == {"message": f"Missing required permissions: {row['ability']}"}
    assert walk.ask(row, token=row["ability"]).status_code in row["answers"]


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.get("moved")])
def test_get_on_what_moved_is_405(name: str, walk: Walk) -> None:
    answer = walk.standin.ask("GET", walk.filled(ROWS[name]["path"]))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == TABLE["every_endpoint"][405]["body"]


@pytest.mark.parametrize("name", ROWS)
def test_another_method_is_404(name: str, walk: Walk) -> None:
    answer = walk.standin.ask("PUT", walk.filled(ROWS[name]["path"]), token=None)
    assert (answer.status_code, answer.json()) == (404, TABLE["every_endpoint"][404]["body"])


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "absent" in row])
def test_what_does_not_exist_is_404(name: str, walk: Walk) -> None:
    row = ROWS[name]
    first = row["path"].partition("{")
    path = first[0] + ABSENT + first[2].partition("}")[2]
    answer = walk.ask(row, path=walk.filled(path))
    assert (answer.status_code, answer.json()) == (404, {"message": row["absent"]})


@pytest.mark.parametrize("name", GUARDED)
def test_a_guarded_body_is_json_with_content(name: str, walk: Walk) -> None:
    row = ROWS[name]
    path = walk.filled(row["path"])
    for content, kind, error in [
        (b"{}", "text/plain", "Content-Type must be application/json."),
        (b"a=1", "application/x-www-form-urlencoded", "Content-Type must be application/json."),
        (b"", "application/json", "Invalid JSON."),
        (b"{", "application/json", "Invalid JSON."),
        (b'{"a":NaN}', "application/json", "Invalid JSON."),
        (b'{"a":"\\ud800"}', "application/json", "Invalid JSON."),
        (b"\xff\xfe", "application/json", "Invalid JSON."),
        (b"[" * 100_000, "application/json", "Invalid JSON."),
        (b"[" * 600 + b"]" * 600, "application/json", "Invalid JSON."),
        (b"0", "application/json", "Invalid JSON."),
        (b"{}", "application/json", "Empty JSON."),
    ]:
        answer = walk.standin.ask(row["method"], path, content=content, headers={"Content-Type": kind})
        assert answer.status_code == 400, (content[:20], answer.text)
        assert answer.json() == {"message": "Invalid request.", "error": error}


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_a_field_takes_what_is_good_and_refuses_what_is_bad(name: str, field: str, walk: Walk) -> None:
    row, rule = ROWS[name], ROWS[name]["fields"][field]
    for value in rule.get("good", []):
        answer = walk.ask(row, walk.with_field(row, field, value))
        assert answer.status_code in row["answers"], (value, answer.text)
    for value in rule.get("bad", []):
        answer = walk.ask(row, walk.with_field(row, field, value))
        assert answer.status_code == 422, (value, answer.status_code, answer.text)
        assert answer.json()["message"] == "Validation failed."
        assert answer.json()["errors"]
    if rule.get("required"):
        body = walk.with_field(row, field, None)
        assert walk.ask(row, body).status_code == 422


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "unknown_fields" in row])
def test_unknown_fields(name: str, walk: Walk) -> None:
    row = ROWS[name]
    for field in [*row.get("refused_fields", []), "no_such_field"]:
        answer = walk.ask(row, walk.with_field(row, field, "x"))
        if row["unknown_fields"] in {"ignored", "dropped"}:
            assert answer.status_code in row["answers"]
        else:
            errors = [field] if row["unknown_fields"] == "names" else {field: ["This field is not allowed."]}
            assert (answer.status_code, answer.json()["errors"]) == (422, errors)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "query" in row])
def test_query_parameters(name: str, walk: Walk) -> None:
    row = ROWS[name]
    for field, rule in row["query"].items():
        for value in rule["good"]:
            assert walk.ask(row, params={field: value}).status_code in row["answers"]
        for value in rule["bad"]:
            assert walk.ask(row, params={field: value}).status_code == 422


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "conflict" in row])
def test_twice_is_a_conflict(name: str, walk: Walk) -> None:
    row = ROWS[name]
    body = walk.filled(row["example"])
    assert walk.ask(row, body).status_code in row["answers"]
    again = walk.ask(row, body)
    assert (again.status_code, again.json()) == (409, {"message": row["conflict"]})


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "unready" in row])
def test_what_is_asked_too_early(name: str, walk: Walk) -> None:
    row = {**ROWS[name], "needs": []}
    ((status, text),) = row["unready"].items()
    answer = walk.ask(row, {} if row["method"] == "POST" else None)
    assert (answer.status_code, answer.json()) == (status, {"message": text})


@pytest.mark.parametrize(
    ("kind", "path", "need"),
    [
        ("application", "/applications/{application}", "application"),
        ("env", "/applications/{application}/envs", "env"),
        ("deployment", "/deployments/{deployment}", "deployment"),
        ("database", "/databases/{database}", "database"),
    ],
)
def test_secret_fields_are_shown_to_sensitive_tokens_only(kind: str, path: str, need: str, walk: Walk) -> None:
    walk.value(need)
    names = set(TABLE["hidden_unless_sensitive"][kind])
    shown = []
    for token in ("read", "sensitive"):
        body = walk.standin.ask("GET", walk.filled(path), token=token).json()
        shown.append(names & set(body[0] if isinstance(body, list) else body))
    assert shown[0] == set()
    assert shown[1] == names - {"redis_password"}
