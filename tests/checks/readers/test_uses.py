import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.checks.readers.uses import is_env_file, is_example, may_tell, uses
from slipway.config.env_readers import Reader, Use


@pytest.mark.parametrize(
    ("file", "path", "text", "expected"),
    [
        ("api/.env", "api/core/s.py", "from dotenv import load_dotenv\nload_dotenv()\n", (Reader.PYTHON_DOTENV, 2)),
        (".env", "api/core/s.py", "from dotenv import load_dotenv\nload_dotenv()\n", (Reader.PYTHON_DOTENV, 2)),
        ("api/.env.example", "api/s.py", "import dotenv\n\ndotenv.load_dotenv()\n", (Reader.PYTHON_DOTENV, 3)),
        ("api/.env.local", "api/s.py", "import dotenv\nload_dotenv(BASE / '.env.local')\n", (Reader.PYTHON_DOTENV, 2)),
        ("api/.env", "api/s.py", "import environ\nenviron.Env.read_env(BASE / '.env')\n", (Reader.DJANGO_ENVIRON, 2)),
        (".env", "s.py", "from decouple import config\n", (Reader.DECOUPLE, 1)),
        (".env.example", "compose.yaml", "services:\n  a:\n    image: ${TAG}\n", (Reader.COMPOSE, 3)),
        ("api/prod.env", "docker-compose.yml", "services:\n a:\n  env_file: api/prod.env\n", (Reader.COMPOSE, 3)),
        ("a.env", "compose.yml", "services:\n a:\n  env_file:\n   - x.env\n   - path: ./a.env\n", (Reader.COMPOSE, 5)),
        ("a.env", "compose.yml", "services:\n a:\n  env_file: [x.env, './a.env']\n", (Reader.COMPOSE, 3)),
        ("web/.env.production", "web/package.json", '{"devDependencies":\n{"vite": "^5"}}', (Reader.VITE, 2)),
        ("conf/.env", "web/vite.config.ts", "export default {\n envDir: '../conf',\n}", (Reader.VITE, 2)),
        ("web/.env", "web/package.json", '{"scripts": {"x": "node --env-file=.env x.js"}}', (Reader.NODE, 1)),
        ("web/.env", "web/server.js", "require('dotenv').config()", (Reader.NODE_DOTENV, 1)),
        ("run.env", "bin/up.sh", "set -a; . ./run.env; set +a\n", (Reader.BASH, 1)),
        (".env", "up.sh", 'source "$HERE/.env"\n', (Reader.BASH, 1)),
        (".env", "Makefile", "up:\n\tdocker run --env-file .env x\n", (Reader.DOCKER, 2)),
        (".env", "Makefile", "up:\n\tdocker compose --env-file .env up\n", (Reader.COMPOSE, 2)),
    ],
)  # fmt: skip
def test_the_sources_say_who_reads_a_file(file: str, path: str, text: str, expected: tuple[Reader, int]) -> None:
    reader, line = expected
    assert uses([file], {path: text}) == [Use(file, reader, f"{path}:{line}")]
    assert is_env_file(file)
    assert may_tell(path)


@pytest.mark.parametrize(
    ("file", "path", "text"),
    [
        ("other/.env", "api/core/settings.py", "from dotenv import load_dotenv\nload_dotenv()\n"),
        (".env", "s.py", "def load_dotenv(): ...\nload_dotenv()\n"),
        (".env", "s.py", "# from dotenv import load_dotenv\nx = 'load_dotenv('\n"),
        (".env", "compose.yml", "services:\n  a:\n    image: nginx\n"),
        ("b.env", "compose.yml", "services:\n a:\n  env_file: a.env\n  ports: ['80:80']\n"),
        (".env", "up.sh", "# source .env\nresource .env\n"),
        (".env", "package.json", '{"devDependencies": {"vitest": "1"}}'),
    ],
)
def test_nothing_is_said_to_be_read_without_evidence(file: str, path: str, text: str) -> None:
    assert uses([file], {path: text}) == []


def test_an_example_is_one_of_the_file_that_it_is_copied_to() -> None:
    assert is_example(".env.example")
    assert is_example("env.local.example")
    assert not is_example(".env.local")
    source = {"s.py": "import dotenv\nload_dotenv('.env.local')\n"}
    assert [use.file for use in uses([".env.example", ".env", ".env.local", "x.env.example"], source)] == [
        ".env.example",
        ".env.local",
    ]


@settings(max_examples=50)
@given(st.text(max_size=80), st.sampled_from(["a.py", "compose.yml", "package.json", "up.sh", "vite.config.js"]))
def test_any_source_is_read_without_an_error(text: str, path: str) -> None:
    uses([".env", ".env.example"], {path: text})
