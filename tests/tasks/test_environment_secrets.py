"""Sealing, opening and renewing secrets as a person types it."""

import fcntl
import stat
import subprocess
from pathlib import Path

import pytest

from slipway.engines.age import new_key
from tests.tasks.typed import Desk

PLAIN, SEALED = "production.secrets.env", "production.secrets.env.age"
TEXT = "# ours\nSECRET_KEY=the-key-of-now\nDEMO_USER_PASSWORD=a-demo-password\n"
STRANGER, STRANGER_PUBLIC = new_key()


@pytest.fixture
def team(desk: Desk) -> str:
    """My own key made, and listed in env/recipients.txt."""
    public = str(desk.types("env.keygen --format json").document["public"])
    desk.writes("recipients.txt", f"# the team\n{public}\n")
    return public


def test_a_key_is_made_once_and_its_public_half_told_again(desk: Desk, team: str, tmp_path: Path) -> None:
    file = tmp_path / "home" / ".config" / "slipway" / "age.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    again = desk.types("env.keygen --format json")
    assert again.document == {"ok": True, "file": str(file), "public": team, "made": False}
    assert file.read_text() == before
    assert "AGE-SECRET-KEY" not in again.said


def test_of_two_that_make_a_key_at_once_both_are_told_the_one_that_stays(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "home" / ".config" / "slipway" / "age.txt"
    other, public = new_key()

    def late() -> tuple[object, str]:
        file.parent.mkdir(parents=True)
        file.write_text(f"{other.reveal()}\n")
        file.chmod(0o600)
        return new_key()

    monkeypatch.setattr("slipway.engines.age.new_key", late)
    monkeypatch.setattr(Path, "exists", lambda self: False if self == file else self.is_file() or self.is_dir())
    told = desk.types("env.keygen --format json").document
    assert (told["public"], told["made"]) == (public, False)
    assert [left.name for left in file.parent.iterdir()] == ["age.txt"]


def test_a_key_that_cannot_be_used_is_told_at_its_own_place(
    desk: Desk, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.writes(PLAIN, TEXT)
    assert desk.types("env.seal --env production").code == 0
    (desk.root / "env" / PLAIN).unlink()
    for given, told in (
        ("/nope", "there is no such file"),
        ("/etc", "is a folder"),
        ("AGE-SECRET-KEY-1QQQQ", "no key"),
    ):
        monkeypatch.setenv("SLIPWAY_AGE_IDENTITY", given)
        found = desk.types("check.env --env production --format json").document["issues"]
        (one,) = [issue for issue in found if issue["id"] == "file.sealed"]
        assert one["where"].startswith("SLIPWAY_AGE_IDENTITY"), one
        assert told in one["message"]


def test_a_recipient_that_is_none_is_told_before_anything_begins(desk: Desk, team: str) -> None:
    desk.writes(PLAIN, TEXT)
    ran = desk.types("env.seal --env production --recipient banana")
    assert ran.code == 2
    assert "--recipient: is no public key" in ran.err
    assert "FAILED" not in ran.said


def test_sealed_committed_and_opened_by_somebody_else_of_the_team(desk: Desk, team: str) -> None:
    plain = desk.writes(PLAIN, TEXT)
    first = desk.types("env.seal --env production")
    assert (first.code, "opened again with your key: the same" in first.said) == (0, True)
    sealed = desk.root / "env" / SEALED
    data = sealed.read_bytes()
    again = desk.types("env.seal --env production --format json")
    assert again.document == {"ok": True, "steps": []}
    assert sealed.read_bytes() == data
    plain.unlink()
    assert desk.types("env.unseal --env production").code == 0
    assert plain.read_text() == TEXT
    assert stat.S_IMODE(plain.stat().st_mode) == 0o600


def test_a_member_who_joins_or_leaves_makes_it_another_seal(desk: Desk, team: str) -> None:
    desk.writes(PLAIN, TEXT)
    desk.types("env.seal --env production")
    sealed = (desk.root / "env" / SEALED).read_bytes()
    desk.writes("recipients.txt", f"{team}\n{STRANGER_PUBLIC}\n")
    assert "sealed for 2 keys" in desk.types("env.seal --env production").said
    assert (desk.root / "env" / SEALED).read_bytes() != sealed
    gone = desk.types(f"env.seal --env production --recipient {STRANGER_PUBLIC}")
    assert "you cannot open it" in gone.said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no secret"),
        ("# nothing yet\n", "holds no secret"),
        (b"SECRET_KEY=caf\xe9\n", "is not UTF-8"),
        (b"SECRET_KEY=\0\n", "zero byte"),
        ("SECRET_KEY='open\n", "opens a quote that is never closed"),
        (b"A=" + b"x" * 1_100_000, "larger than 1 MB"),
    ],
)
def test_what_is_not_worth_sealing_is_refused_and_leaves_nothing(
    desk: Desk, team: str, text: str | bytes, told: str
) -> None:
    desk.writes(PLAIN, text)
    ran = desk.types("env.seal --env production")
    assert (ran.code, told in ran.err) == (2, True), ran.said
    assert sorted(one.name for one in (desk.root / "env").glob("*secrets*")) == [PLAIN]


def test_a_file_that_git_tracks_and_one_that_is_not_there_are_refused(desk: Desk, team: str) -> None:
    assert "there is no such file" in desk.types("env.seal --env production").err
    desk.writes(PLAIN, TEXT)
    for words in (["init", "-q"], ["add", "-f", f"env/{PLAIN}"]):
        subprocess.run(["git", *words], cwd=desk.root, check=True, capture_output=True)
    for task in ("env.seal", "env.unseal"):
        ran = desk.types(f"{task} --env production")
        assert (ran.code, "git tracks this file" in ran.err, "git rm --cached" in ran.err) == (2, True, True)


def test_without_recipients_nobody_is_sealed_for(desk: Desk) -> None:
    desk.writes(PLAIN, TEXT)
    assert "names nobody to seal for" in desk.types("env.seal --env production").err
    assert "is no public key" in desk.types("env.seal --env production --recipient age1no").err
    assert not (desk.root / "env" / SEALED).exists()


def test_a_plain_file_that_differs_is_replaced_only_when_that_is_meant(desk: Desk, team: str) -> None:
    plain = desk.writes(PLAIN, TEXT)
    desk.types("env.seal --env production")
    assert "nothing changed" in desk.types("env.unseal --env production").said
    plain.write_text("SECRET_KEY=mine\n")
    ran = desk.types("env.unseal --env production")
    assert (ran.code, "holds something else" in ran.err, plain.read_text()) == (2, True, "SECRET_KEY=mine\n")
    assert desk.types("env.unseal --env production --yes").code == 0
    assert plain.read_text() == TEXT


@pytest.mark.parametrize("spoil", ["stranger", "cut", "damaged", "none", "huge"])
def test_a_seal_that_does_not_open_is_told_with_the_way_out(
    desk: Desk, team: str, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    plain = desk.writes(PLAIN, TEXT)
    desk.types("env.seal --env production")
    plain.unlink()
    sealed = desk.root / "env" / SEALED
    data = sealed.read_bytes()
    spoilt = {"cut": data[:-80], "damaged": data.replace(b"YW", b"YX", 1), "huge": b"x" * 10_000_000}
    sealed.write_bytes(spoilt.get(spoil, data))
    if spoil == "stranger":
        monkeypatch.setenv("SLIPWAY_AGE_IDENTITY", STRANGER.reveal())
    if spoil == "none":
        (Path.home() / ".config" / "slipway" / "age.txt").unlink()
    told = {
        "stranger": "sealed for other keys",
        "cut": "is cut off",
        "damaged": "age file",
        "none": "no key is at hand",
        "huge": "larger than 1.5 MB",
    }[spoil]
    for task in ("env.unseal", "env.show", "env.rotate --name SECRET_KEY --yes"):
        ran = desk.types(f"{task} --env production")
        assert (ran.code, told in ran.err, "Traceback" in ran.said) == (2, True, False), ran.said
        assert "->" in ran.err
    check = desk.types("check.env --env production --format json")
    (issue,) = check.document["issues"]
    assert (check.code, issue["id"]) == (
        1,
        {"none": "file.locked", "huge": "file.huge", "stranger": "file.foreign"}.get(spoil, "file.sealed"),
    )
    assert not plain.exists()


def test_a_new_signing_key_keeps_the_older_one_valid_and_everything_else(desk: Desk) -> None:
    plain = desk.writes(PLAIN, TEXT)
    refused = desk.types("env.rotate --name SECRET_KEY --env production")
    assert (refused.code, plain.read_text()) == (2, TEXT)
    ran = desk.types("env.rotate SECRET_KEY --env production --yes --format json")
    assert ran.code == 0, ran.said
    assert ran.document["changed"] == ["SECRET_KEY", "SECRET_KEY_FALLBACKS"]
    assert "inv deploy --env production" in ran.document["next"][0]
    lines = plain.read_text().splitlines()
    assert lines[0] == "# ours"
    assert lines[2:] == ["DEMO_USER_PASSWORD=a-demo-password", "SECRET_KEY_FALLBACKS=the-key-of-now"]
    new = lines[1].removeprefix("SECRET_KEY=")
    assert len(new) == 64
    assert new not in ran.said
    desk.types("env.rotate SECRET_KEY --env production --yes")
    assert plain.read_text().splitlines()[3] == f"SECRET_KEY_FALLBACKS={new},the-key-of-now"


def test_a_sealed_secret_is_renewed_without_ever_lying_open(desk: Desk, team: str) -> None:
    plain = desk.writes(PLAIN, TEXT)
    desk.types("env.seal --env production")
    plain.unlink()
    assert desk.types("env.rotate DEMO_USER_PASSWORD --env production --yes").code == 0
    assert not plain.exists()
    desk.types("env.unseal --env production")
    new = plain.read_text()
    assert (new.splitlines()[:2], "a-demo-password" in new) == (TEXT.splitlines()[:2], False)
    assert desk.types("env.rotate DEMO_USER_PASSWORD --env production --yes").code == 0
    assert "nothing changed" in desk.types("env.unseal --env production").said, "both were renewed"
    plain.write_text("SECRET_KEY=another\n")
    ran = desk.types("env.rotate DEMO_USER_PASSWORD --env production --yes")
    assert (ran.code, "would stand in one of them only" in ran.err) == (2, True)


def test_an_interrupt_while_a_secret_is_written_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = desk.writes(PLAIN, TEXT)

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", interrupted)
        ran = desk.types("env.rotate SECRET_KEY --env production --yes")
    assert (ran.code, plain.read_text()) == (130, TEXT)
    assert sorted(one.name for one in (desk.root / "env").glob("*secrets*")) == [PLAIN]
    assert not list((desk.root / "env").glob(".partial*"))


def test_a_file_without_a_last_line_end_is_in_step_with_its_seal(desk: Desk, team: str) -> None:
    desk.writes(PLAIN, TEXT.removesuffix("\n"))
    assert desk.types("env.seal --env production").code == 0
    assert "nothing changed" in desk.types("env.seal --env production").said
    assert "nothing changed" in desk.types("env.unseal --env production").said
    check = desk.types("check.env --env production --format json").document
    assert "secret.unsealed" not in {issue["id"] for issue in check["issues"]}
    assert desk.types("env.rotate DEMO_USER_PASSWORD --env production --yes").code == 0


def test_who_a_secret_is_sealed_for_is_what_people_review(desk: Desk, team: str) -> None:
    desk.writes(PLAIN, TEXT)
    desk.types(f"env.seal --env production --recipient {team} --recipient {STRANGER_PUBLIC}")
    sealed = desk.root / "env" / SEALED
    before = sealed.read_bytes()
    ran = desk.types("env.rotate DEMO_USER_PASSWORD --env production --yes")
    assert (ran.code, "sealed for others than env/recipients.txt names" in ran.err) == (2, True), ran.said
    assert (sealed.read_bytes(), (desk.root / "env" / PLAIN).read_text()) == (before, TEXT)
    desk.types("env.seal --env production")
    assert desk.types("env.rotate DEMO_USER_PASSWORD --env production --yes").code == 0


def test_a_list_inside_that_the_seal_does_not_keep_to_is_not_believed(
    desk: Desk, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = desk.writes(PLAIN, TEXT)
    with monkeypatch.context() as patch:
        names = "slipway.engines.sealed_files.with_recipients"
        patch.setattr(names, lambda text, _: f"{text}# sealed for {team}, {STRANGER_PUBLIC}\n")
        assert desk.types("env.seal --env production").code == 0
    (desk.root / "env" / "recipients.txt").unlink()
    ran = desk.types("env.rotate DEMO_USER_PASSWORD --env production --yes")
    assert (ran.code, "sealed for others than it says" in ran.err) == (2, True), ran.said
    assert plain.read_text() == TEXT


@pytest.mark.parametrize("task", ["env.seal", "env.unseal --yes", "env.rotate SECRET_KEY --yes"])
def test_one_command_at_a_time_changes_secrets_and_takes_a_killed_ones_half_away(
    desk: Desk, team: str, task: str
) -> None:
    plain = desk.writes(PLAIN, TEXT)
    desk.types("env.seal --env production")
    left = desk.writes(f".partial.{PLAIN}.1.abc", "SECRET_KEY=ha")
    lock = desk.root / ".slipway" / "secrets.lock"
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        ran = desk.types(f"{task} --env production")
        assert (ran.code, "another command is changing" in ran.err, "wait until" in ran.err) == (2, True, True)
        assert (plain.read_text(), left.exists()) == (TEXT, True)
    assert desk.types(f"{task} --env production").code == 0
    assert not left.exists()


def test_an_ssh_key_of_ones_own_is_told_for_what_it_is(desk: Desk, tmp_path: Path) -> None:
    own = tmp_path / "home" / ".config" / "slipway" / "age.txt"
    own.parent.mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(own)], check=True)
    ran = desk.types("env.keygen")
    assert (ran.code, "holds an SSH key" in ran.err, ".pub file" in ran.err) == (2, True, True), ran.said
