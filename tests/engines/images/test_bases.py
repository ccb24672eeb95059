"""How base images are decided on and ordered, against an engine in memory; what they hold, against the real one."""

import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from slipway.engines.images import bases as bases_module
from slipway.engines.images.bases import ensure_bases
from slipway.engines.images.buildkit import BuildKitImages
from slipway.errors import Refused, UsageError
from slipway.ports import BuildEvent, BuiltImage, ImageBuild, Say
from slipway.release.bases import RECIPE_LABEL, RECIPES, Machine

_LABEL = "slipway.test"


class MemoryImages:
    """An engine that keeps names and labels; `offered` is what its registry has, `fail` what will not build."""

    def __init__(self, offered: tuple[str, ...] = (), fail: str = "", seconds: float = 0.0) -> None:
        self.offered = offered
        self.fail = fail
        self.seconds = seconds
        self.images: dict[str, BuiltImage] = {}
        self.builds: list[ImageBuild] = []
        self.asked: list[str] = []
        self.pulled: list[str] = []
        self.cancelled = False
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def build(self, build: ImageBuild, tell: Callable[[BuildEvent], None]) -> BuiltImage:
        with self._lock:
            for argument in ("PARENT", "PYTHON"):
                base = build.arguments.get(argument)
                assert base is None or base in self.images or base in self.pulled
            self.builds.append(build)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds)
        with self._lock:
            self.at_once -= 1
            if build.name == self.fail:
                raise Refused("RUN x ended with exit code 1")
            image = BuiltImage(build.name, f"sha256:{len(self.builds)}", build.tags, 1, build.labels)
            self.images[build.tags[0]] = image
        return image

    def inspect(self, reference: str) -> BuiltImage | None:
        return self.images.get(reference)

    def answers(self, reference: str, seconds: float = 4.0) -> bool:
        self.asked.append(reference)
        return reference in self.offered

    def pull(self, reference: str) -> None:
        self.pulled.append(reference)

    def import_root(self, tar: Iterator[bytes], reference: str, labels: Mapping[str, str]) -> str:
        assert b"".join(tar) == b"root"
        self.images[reference] = BuiltImage(reference, "sha256:root", (reference,), 1, labels)
        return "sha256:root"

    def cancel(self) -> None:
        self.cancelled = True

    def discard(self, image: str) -> None:
        pass


@pytest.fixture(autouse=True)
def bootstrapped(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, tmp_path: Path) -> list[Machine]:
    """Let no unit test bootstrap a real root, nor wait for a real run."""
    calls: list[Machine] = []
    if request.node.get_closest_marker("docker"):
        return calls

    from contextlib import contextmanager

    @contextmanager
    def debian_root(machine: Machine, say: Say, stop: threading.Event) -> Iterator[Iterator[bytes]]:
        calls.append(machine)
        yield iter([b"root"])

    monkeypatch.setattr(bases_module, "debian_root", debian_root)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return calls


def _ensure(images: MemoryImages, *names: str, machine: Machine | None = None, registry: str = "") -> list[str]:
    said: list[str] = []
    ensure_bases(images, names, said.append, machine=machine or Machine(), registry=registry)
    return said


def test_without_a_registry_parents_are_made_first_and_from_packages(bootstrapped: list[Machine]) -> None:
    images = MemoryImages()
    said = _ensure(images, "node", "redis")
    assert {build.name for build in images.builds} == {"base-debian", "base-python", "base-node", "base-redis"}
    assert images.builds[0].name == "base-debian"
    node = next(build for build in images.builds if build.name == "base-node")
    assert node.target == "packages"
    assert node.arguments == {"PARENT": "slipway/base-debian:bookworm", "PYTHON": "slipway/base-python:bookworm"}
    assert len(bootstrapped) == 1
    assert len(images.asked) == 1
    assert any("does not answer" in line for line in said)


def test_nothing_is_made_twice_unless_it_is_to_be_fresh(bootstrapped: list[Machine]) -> None:
    images = MemoryImages()
    _ensure(images, *RECIPES)
    made = len(images.builds)
    assert made == len(RECIPES)
    assert _ensure(images, *RECIPES) == []
    assert (len(images.builds), len(bootstrapped)) == (made, 1)
    ensure_bases(images, RECIPES, lambda _: None, machine=Machine(), fresh=True)
    assert [build.no_cache for build in images.builds] == [False] * made + [True] * made


def test_a_new_certificate_makes_them_anew_and_keeps_the_bootstrapped_root(bootstrapped: list[Machine]) -> None:
    images = MemoryImages()
    _ensure(images, "redis")
    _ensure(images, "redis", machine=Machine(certificates={"new.crt": b"x"}))
    assert [build.name for build in images.builds] == ["base-debian", "base-redis"] * 2
    assert len(bootstrapped) == 1


def test_a_present_child_needs_no_parent() -> None:
    images = MemoryImages()
    _ensure(images, "redis")
    del images.images["slipway/base-debian:bookworm"]
    assert _ensure(images, "redis") == []


def test_a_registry_that_answers_gives_the_flavours(bootstrapped: list[Machine]) -> None:
    offered = tuple(f"r.invalid:5000/{recipe.upstream}" for recipe in RECIPES.values() if recipe.upstream)
    images = MemoryImages(offered)
    _ensure(images, *RECIPES, registry="r.invalid:5000/")
    by_name = {build.name: build for build in images.builds}
    assert by_name["base-postgres"].arguments["PARENT"] == "r.invalid:5000/postgres:15-bookworm"
    assert by_name["base-node"].target == "registry"
    assert by_name["base-tools"].arguments["PARENT"] == "slipway/base-debian:bookworm"
    assert not bootstrapped
    assert sorted(images.pulled) == sorted(offered)


def test_a_flavour_that_the_registry_lacks_comes_from_packages() -> None:
    images = MemoryImages(("debian:bookworm-slim",))
    _ensure(images, "python")
    assert [build.arguments["PARENT"] for build in images.builds] == [
        "debian:bookworm-slim",
        "slipway/base-debian:bookworm",
    ]


def test_independent_bases_are_made_at_the_same_time_but_never_all() -> None:
    images = MemoryImages(seconds=0.05)
    _ensure(images, *RECIPES)
    assert 2 <= images.most_at_once <= 4


def test_a_failure_is_raised_and_ends_the_rest() -> None:
    images = MemoryImages(fail="base-debian")
    with pytest.raises(Refused, match="exit code 1"):
        _ensure(images, *RECIPES)
    assert images.cancelled
    assert [build.name for build in images.builds] == ["base-debian"]


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"(?s)no base image 'alpine'.*debian, python"):
        _ensure(MemoryImages(), "alpine")


def test_a_missing_recipe_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"debian\.Dockerfile: cannot be read"):
        ensure_bases(MemoryImages(), ["debian"], lambda _: None, machine=Machine(), folder=tmp_path)


def test_a_second_run_waits_for_the_first_and_then_finds_all_made() -> None:
    images = MemoryImages(seconds=0.2)
    said: list[str] = []
    first = threading.Thread(target=_ensure, args=(images, "redis"))
    first.start()
    while not images.builds:
        time.sleep(0.01)
    ensure_bases(images, ["redis"], said.append, machine=Machine())
    first.join()
    assert said == ["another run is making base images: waiting for it"]
    assert len(images.builds) == 2


@pytest.fixture(scope="module")
def images(engine_problem: str) -> Mapping[str, str]:
    assert not engine_problem
    return ensure_bases(BuildKitImages(), RECIPES, lambda _: None)


def _inside(image: str, script: str, *options: str) -> str:
    words = [
        "docker",
        "run",
        "--rm",
        "--label",
        f"{_LABEL}=bases",
        *options,
        "--entrypoint",
        "sh",
        image,
        "-ec",
        script,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def started() -> Iterator[Callable[..., str]]:
    label = uuid.uuid4().hex[:12]

    def start(image: str, *words: str, options: tuple[str, ...] = ()) -> str:
        name = f"slipway-test-{label}-{uuid.uuid4().hex[:4]}"
        command = ["docker", "run", "-d", "--name", name, "--label", f"{_LABEL}={label}", *options, image, *words]
        subprocess.run(command, capture_output=True, check=True)
        return name

    yield start
    listed = ["docker", "ps", "-aq", "--filter", f"label={_LABEL}={label}"]
    for container in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split():
        subprocess.run(["docker", "rm", "-fv", container], capture_output=True, check=True)


def _exec(container: str, *words: str, seconds: float = 15.0) -> str:
    until = time.monotonic() + seconds
    while True:
        done = subprocess.run(["docker", "exec", container, *words], capture_output=True, text=True, check=False)
        if done.returncode == 0 or time.monotonic() > until:
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()
        time.sleep(0.1)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECIPES if name not in ("tools", "ffmpeg")])
def test_every_base_is_slim_debian_12_with_certificates_and_an_init(images: Mapping[str, str], name: str) -> None:
    found = BuildKitImages().inspect(images[name])
    assert found is not None
    assert RECIPE_LABEL in found.labels
    script = (
        ". /etc/os-release; echo $VERSION_CODENAME; command -v tini; test -s /etc/ssl/certs/ca-certificates.crt; "
        "for f in /usr/local/share/ca-certificates/*.crt; do [ ! -e $f ] || "
        'grep -qF "$(sed -n 2p $f)" /etc/ssl/certs/ca-certificates.crt; done; '
        "! ls /var/lib/apt/lists/* /usr/share/man/* 2>/dev/null; ! command -v gcc"
    )
    assert _inside(images[name], script, "--user", "0").splitlines()[0] == "bookworm"
    limit = {"node": 240e6, "postgres": 230e6, "sshd": 160e6, "tools": 180e6, "traefik": 300e6}.get(name, 125e6)
    assert found.size < limit


@pytest.mark.docker
def test_python_makes_a_venv_and_has_libpq(images: Mapping[str, str]) -> None:
    program = 'import ctypes, sys, ssl; ctypes.CDLL("libpq.so.5"); print(sys.version_info[:2])'
    assert _inside(images["python"], f"python3 -m venv /tmp/v; /tmp/v/bin/python -c '{program}'") == "(3, 11)"


@pytest.mark.docker
def test_node_is_22_and_npm_and_npx_find_their_library(images: Mapping[str, str]) -> None:
    assert _inside(images["node"], "node --version; npm --version; npx --version").startswith("v22.")


@pytest.mark.docker
@pytest.mark.slow
def test_postgres_keeps_the_contract_of_its_variables(images: Mapping[str, str], started: Callable[..., str]) -> None:
    password = "p'a\"s $s"
    variables = {"POSTGRES_USER": "zed", "POSTGRES_PASSWORD": password, "POSTGRES_DB": 'we"ird'}
    options = tuple(word for name, value in variables.items() for word in ("-e", f"{name}={value}"))
    container = started(images["postgres"], options=options)
    _exec(container, "pg_isready", "-h", "127.0.0.1")
    ask = ("psql", "-h", "127.0.0.1", "-U", "zed", "-d", 'we"ird', "-tAc", "select 1")
    assert _exec(container, "env", f"PGPASSWORD={password}", *ask) == "1"
    wrong = ["docker", "exec", container, "env", "PGPASSWORD=wrong", *ask]
    assert "password authentication failed" in subprocess.run(wrong, capture_output=True, text=True, check=False).stderr
    assert _exec(container, "id", "-un") == "postgres"
    assert _exec(container, "sh", "-c", "tr '\\0' '\\n' </proc/1/environ | grep -c PASSWORD || true") == "0"
    _exec(container, "psql", "-U", "zed", "-d", 'we"ird', "-c", "create table kept (x int)")
    begin = time.monotonic()
    subprocess.run(["docker", "restart", "-t", "20", container], capture_output=True, check=True)
    assert time.monotonic() - begin < 15
    _exec(container, "psql", "-U", "zed", "-d", 'we"ird', "-c", "select * from kept")


@pytest.mark.docker
def test_postgres_without_a_password_says_what_is_missing(images: Mapping[str, str]) -> None:
    words = ["docker", "run", "--rm", "--label", f"{_LABEL}=bases", images["postgres"]]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "needs POSTGRES_PASSWORD" in done.stderr


@pytest.mark.docker
@pytest.mark.slow
def test_postgres_interrupted_in_its_first_start_begins_anew(
    images: Mapping[str, str], started: Callable[..., str]
) -> None:
    container = started(images["postgres"], options=("-e", "POSTGRES_PASSWORD=secret12", "-e", "POSTGRES_DB=shop"))
    _exec(container, "test", "-d", "/var/lib/postgresql/data/.fresh/base")
    subprocess.run(["docker", "kill", container], capture_output=True, check=True)
    subprocess.run(["docker", "start", container], capture_output=True, check=True)
    _exec(container, "pg_isready", "-h", "127.0.0.1")
    assert _exec(container, "psql", "-d", "shop", "-tAc", "select current_database()") == "shop"


@pytest.mark.docker
def test_redis_takes_its_options_and_writes_to_data(images: Mapping[str, str], started: Callable[..., str]) -> None:
    container = started(images["redis"], "redis-server", "--requirepass", "secret12", "--appendonly", "yes")
    client = ("redis-cli", "--no-auth-warning", "-a", "secret12")
    assert _exec(container, *client, "set", "a", "b") == "OK"
    assert "NOAUTH" in _exec(container, "redis-cli", "get", "a")
    assert "appendonlydir" in _exec(container, "ls", "/data")
    assert _exec(container, "sh", "-c", "id -un; head -c 12 /proc/1/cmdline") == "redis\nredis-server"


@pytest.mark.docker
def test_the_registry_answers_and_lets_releases_be_deleted(
    images: Mapping[str, str], started: Callable[..., str]
) -> None:
    container = started(images["registry"])
    network = ("--network", f"container:{container}")
    answer = "curl -s --retry 20 --retry-all-errors --retry-delay 1 -o /dev/null -w %{http_code} "
    assert _inside(images["tools"], f"{answer} http://127.0.0.1:5000/v2/", *network) == "200"
    digest = f"sha256:{'0' * 64}"
    # 404, not 405: deleting is on.
    delete = f"{answer} -X DELETE http://127.0.0.1:5000/v2/a/manifests/{digest}"
    assert _inside(images["tools"], delete.replace("--retry 20 --retry-all-errors", ""), *network) == "404"


@pytest.mark.docker
def test_the_host_lets_keys_in_and_nothing_else_and_makes_its_own_host_key(
    images: Mapping[str, str], started: Callable[..., str]
) -> None:
    assert _inside(images["sshd"], "ls /etc/ssh/ssh_host* /etc/ssh/keys/* 2>/dev/null | wc -l") == "0"
    one, other = started(images["sshd"]), started(images["sshd"])
    fingerprint = ("ssh-keygen", "-lf", "/etc/ssh/keys/ssh_host_ed25519_key")
    assert _exec(one, *fingerprint) != _exec(other, *fingerprint)
    settings = _exec(one, "/usr/sbin/sshd", "-T")
    for line in (
        "passwordauthentication no", "kbdinteractiveauthentication no", "permitrootlogin without-password",
        "allowstreamlocalforwarding yes", "usepam no",
    ):  # fmt: skip
        assert line in settings
    assert _exec(one, "docker", "--version").startswith("Docker version")


@pytest.mark.docker
def test_the_tools_are_all_there(images: Mapping[str, str]) -> None:
    said = _inside(
        images["tools"],
        "pg_dump --version; pg_restore --version; redis-cli --version; age --version; zstd --version; curl --version",
    )
    assert "pg_dump (PostgreSQL) 15." in said


@pytest.mark.docker
@pytest.mark.slow
def test_a_base_from_a_registry_keeps_the_same_contract(images: Mapping[str, str], started: Callable[..., str]) -> None:
    namespace = f"slipway-test-{uuid.uuid4().hex[:8]}"
    registry = started(images["registry"], options=("-p", "127.0.0.1::5000"))
    address = subprocess.run(
        ["docker", "port", registry, "5000"], capture_output=True, text=True, check=True
    ).stdout.strip()
    engine = BuildKitImages()
    flavours = {"debian": "debian:bookworm-slim", "node": "node:22-bookworm-slim"}
    made: list[str] = []
    try:
        for name, flavour in flavours.items():
            made.append(f"{address}/{flavour}")
            engine.tag(images[name], made[-1])
            engine.push(made[-1], lambda _: None)
        said: list[str] = []
        found = ensure_bases(engine, ["node"], said.append, registry=address, namespace=namespace)
        made += [RECIPES[name].image_in(namespace) for name in ("debian", "python", "node")]
        node = engine.inspect(found["node"])
        assert node is not None
        assert node.labels["slipway.base.origin"] == "registry"
        assert _inside(found["node"], "command -v tini; node --version").startswith("/usr/bin/tini\nv22.")
        assert any(f"from {address}/debian:bookworm-slim" in line for line in said)
        assert any("base-python:bookworm from Debian packages" in line for line in said)
    finally:
        for image in reversed(made):  # children first, else their parents stay without a name
            subprocess.run(["docker", "image", "rm", "-f", image], capture_output=True, check=False)
