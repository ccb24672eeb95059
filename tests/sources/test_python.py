"""What Python sources read, however it is written; each source is a few lines, and each read is told exactly."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.sources.python.project import Project
from slipway.sources.use import Kind, Otherwise, Use

PREFIXED = """
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic import Field
class S(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="APP_")
    a: int = Field(3)
    b: str = Field(validation_alias="OTHER")
"""


def uses(*sources: str, **named: str) -> list[Use]:
    files = {f"app/m{number}.py": text for number, text in enumerate(sources)} | {
        f"app/{name}.py": text for name, text in named.items()
    }
    data = {file: textwrap.dedent(text).encode() for file, text in files.items()}
    return list(Project(dict.fromkeys(data, False), data.__getitem__).reading().uses)


def told(*sources: str, **named: str) -> list[str]:
    return [
        f"{use.name} {use.kind}" + (f" {use.default!r}" if use.has_default else "") for use in uses(*sources, **named)
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('os.environ["A"]', ["A needed"]),
        ('os.environ.get("A")', ["A read"]),
        ('os.environ.get("A", "b")', ["A read 'b'"]),
        ('os.environ.get("A", default)', ["A read None"]),
        ('os.environ.get("A") or "b"', ["A read 'b'"]),
        ('os.environ.pop("A", None)', ["A read"]),
        ('os.getenv("A", 1)', ["A read '1'"]),
        ('os.getenv(key="A", default="b")', ["A read 'b'"]),
        ('os.environ["A"] = "b"', ["A written"]),
        ('os.environ.setdefault("A", "b")', ["A written 'b'"]),
        ('os.environ.update({"A": "b"}, B="c")', ["A written", "B written"]),
        ('"A" in os.environ', ["A read"]),
        ('if "A" in os.environ:\n    x = os.environ["A"]', ["A read", "A read"]),
        ('try:\n    x = os.environ["A"]\nexcept KeyError:\n    x = 1', ["A read"]),
        ('try:\n    x = os.environ["A"]\nexcept ValueError:\n    x = 1', ["A needed"]),
        ('NAME = "A"\nos.environ[NAME]', ["A needed"]),
        ('class C:\n    NAME = "A"\n    def f(self):\n        return os.environ[self.NAME]', ["A needed"]),
        ('for n in ("A", "B"):\n    os.environ.get(n)', ["A read", "B read"]),
        ('D = {"A": 1, "B": 2}\nx = {k: os.environ.get(k) for k, v in D.items()}', ["A read", "B read"]),
        ('for n, d in (("A", "x"), ("B", "y")):\n    os.environ.get(n)', ["A read", "B read"]),
        ('for c in ("X", "Y"):\n    os.environ.get(f"{c}_SECURE")', ["X_SECURE read", "Y_SECURE read"]),
        ('os.environ["A" + "_B"]', ["A_B needed"]),
        ('os.environ["a".upper()]', ["A needed"]),
        ('x = "A" if y else "B"\nos.environ.get(x)', ["A read", "B read"]),
        ('os.environ[f"APP_{thing}"]', ["APP_ unknown"]),
        ("os.environ[sys.argv[1]]", [" unknown"]),
        ("for key, value in os.environ.items():\n    pass", [" unknown"]),
        ("subprocess.run(x, env=os.environ)", []),
        ("request.environ['HTTP_HOST']", []),
        ("def app(environ, start_response):\n    return environ['PATH_INFO']", []),
        ("def f(environ):\n    return environ.get('A')", ["A passed"]),
        ("config.get('A')", []),
    ],
)
def test_a_way_of_reading_is_told(source: str, expected: list[str]) -> None:
    assert told(f"import os\n{source}") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from os import environ\nenviron['A']", ["A needed"]),
        ("from os import environ as E, getenv as g\nE['A']\ng('B')", ["A needed", "B read"]),
        ("import os as o\no.environ['A']", ["A needed"]),
        ("import os\nenv = os.environ\nenv['A']", ["A needed"]),
        ("from decouple import config\nconfig('A', default=False, cast=bool)\nconfig('B')",
         ["A read 'False'", "B needed"]),
        ("import environ\nenv = environ.Env()\nenv('A')\nenv.bool('B', default=False)\nenv.db()",
         ["A needed", "B read 'False'", "DATABASE_URL needed"]),
        ("from environs import Env\nenv = Env()\nwith env.prefixed('X_'):\n    env.int('A', 1)", ["X_A read '1'"]),
        ("from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    a: int\n    b: str = 'x'",
         ["A needed", "B read 'x'"]),
        (PREFIXED, ["APP_A read '3'", "OTHER needed"]),
        ("import environ\nclass Env: pass\nEnv()('A')", []),
    ],
)  # fmt: skip
def test_a_library_s_way_of_reading_is_told(source: str, expected: list[str]) -> None:
    assert told(source) == expected


def test_a_helper_s_callers_are_the_readers_wherever_they_are() -> None:
    helper = """
        import os
        TRUE = {"1", "true"}
        def text(name, default=""):
            return os.environ.get(name, default)
        def flag(name, default=False):
            return text(name, str(default)).lower() in TRUE
    """
    user = """
        from app import helper
        from app.helper import flag as f
        helper.text("A", "x")
        f("B", True)
        helper.flag(name="C")
        helper.other("D")
        text("E")
    """
    assert told(helper=helper, user=user) == ["A read 'x'", "B read 'True'", "C read 'False'"]
    words = {use.name: use.words for use in uses(helper=helper, user=user)}
    assert words["A"] is None
    assert words["B"] is not None
    assert (words["B"].true, words["B"].otherwise) == (frozenset({"1", "true"}), Otherwise.FALSE)


def test_a_method_is_a_helper_and_a_mapping_s_get_is_not() -> None:
    source = """
        class Env:
            def __init__(self, environ):
                self.environ = environ
            def text(self, name):
                return self.environ.get(name)
            def get(self, name):
                return self.environ.get(name)
            def role(self):
                return self.text("ROLE") + self.get("OWN")
        def overlay(env, request):
            return env.text("A"), request.META.get("HTTP_HOST"), env.text("not a name")
    """
    assert told(source) == ["OWN passed", "ROLE passed", "A passed"]


def test_a_constant_of_another_file_names_the_variable() -> None:
    assert told(place='VARIABLE = "A"', user="import os\nfrom .place import VARIABLE\nos.environ[VARIABLE]") == [
        "A needed"
    ]
    assert told(place='V = "A"', user="import os\nfrom app import place\nos.environ.get(place.V)") == ["A read"]


def test_a_name_that_is_bound_to_itself_or_round_in_a_circle_is_unknown() -> None:
    circle = {"a": "import os\nfrom app.b import X\nos.environ[X]", "b": "from app.a import X"}
    assert told(**circle) == [" unknown"]
    assert told("import os\nx = x\nos.environ[x]") == [" unknown"]


@pytest.mark.parametrize(
    ("code", "word", "expected"),
    [
        ('X = os.environ.get("A", "").lower() in {"1", "true", "yes"}', "on", False),
        ('X = os.environ.get("A", "").lower() in {"1", "true", "yes"}', "TRUE", True),
        ('X = os.environ.get("A") == "True"', "true", False),
        ('X = os.environ.get("A") == "True"', "True", True),
        ('X = os.environ.get("A", "1") != "0"', "false", True),
        ('X = os.environ.get("A", "1") != "0"', "0", False),
        ('X = not os.environ.get("A", "").lower() in ("0", "false")', "off", True),
        ('X = strtobool(os.environ["A"])', "on", True),
        ('X = strtobool(os.environ["A"])', "enabled", None),
    ],
)
def test_the_truth_table_is_derived_from_the_code(code: str, word: str, expected: bool | None) -> None:
    (use,) = uses(f"import os\nfrom distutils.util import strtobool\n{code}")
    assert use.words is not None
    assert use.words.says(word) is expected


def test_a_function_that_returns_and_raises_has_both_sides_of_its_table() -> None:
    source = """
        import os
        def flag(name):
            value = os.environ[name]
            word = value.strip().lower()
            if word in ("yes", "on"):
                return True
            if word in ["no", "off"]:
                return False
            raise ValueError(name)
        flag("A")
    """
    (use,) = uses(source)
    assert use.words is not None
    assert [use.words.says(word) for word in ("YES", "off", "true")] == [True, False, None]


def test_hidden_unless_true_keeps_the_words_meaning() -> None:
    (use,) = uses('import os\nhidden = os.environ.get("A", "").lower() not in {"1", "true"}')
    assert use.words is not None
    assert use.words.says("true") is True


def test_bool_of_a_text_is_told() -> None:
    assert [use.is_bool_call for use in uses('import os\nX = bool(os.environ.get("A"))\nY = bool(X)')] == [True]


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True)
WAYS = [
    "os.environ[{0!r}]", "os.environ.get({0!r})", "os.getenv({0!r}, 'x')", "environ.get({0!r})", "flag({0!r})",
    "h.flag({0!r})", "os.environ.get(K_{0})", "[os.environ[n] for n in ({0!r},)]",
]  # fmt: skip


@given(st.lists(st.tuples(NAMES, st.sampled_from(WAYS), st.integers(0, 3)), max_size=12))
def test_every_read_is_found_and_nothing_else(reads: list[tuple[str, str, int]]) -> None:
    helper = "import os\ndef flag(name):\n    return os.environ.get(name)\n"
    lines = ["import os", "from os import environ", "from app.h import flag", "import app.h as h"]
    lines += [f"K_{name} = {name!r}" for name in {name for name, _, _ in reads}]
    expected = []
    for name, way, depth in reads:
        lines += [f"{'    ' * level}if True:" for level in range(depth)] + [f"{'    ' * depth}{way.format(name)}"]
        expected.append((len(lines), name))
    found = [(use.place.line, use.name) for use in uses(h=helper, user="\n".join(lines))]
    assert found == expected
    assert all(use.kind in {Kind.READ, Kind.NEEDED} for use in uses(h=helper, user="\n".join(lines)))
