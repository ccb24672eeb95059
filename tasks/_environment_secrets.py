"""What `inv env.seal`, `.unseal`, `.rotate` and `.keygen` do with a session: files of secrets on this machine."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from slipway.errors import Refused, UsageError
from tasks._acts import as_json, confirm
from tasks._session import ROOT, Session

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from slipway.plan import StepResult

RECIPIENTS = "env/recipients.txt"


def seal_secrets(s: Session, recipients: Sequence[str]) -> None:
    """Seal the environment's file of secrets for the team, so that it can be committed."""
    from slipway.config.dotenv import parse_env
    from slipway.config.fault import refuse
    from slipway.config.textfile import read_text
    from slipway.engines.sealed_files import is_sealed_already, seal

    plain, sealed = _files(s)
    text, faults = read_text(ROOT / plain, plain)
    lines, faults = parse_env(text, faults, plain)
    refuse(faults, plain)
    s.mask.add(line.value for line in lines)
    if not lines:
        raise UsageError("holds no secret, so there is nothing to seal", where=plain)
    _refuse_tracked(plain)
    keys = _recipients(recipients)
    if is_sealed_already(s.age, text, ROOT / sealed, sealed, keys):
        return _done(s, [], f"nothing changed: {sealed} holds these {len(lines)} secrets for these {len(keys)} keys")
    result = _act(s, f"seal {s.env}", lambda: seal(s.age, text, ROOT / sealed, sealed, keys))
    return _done(s, [result], f"{sealed} holds {len(lines)} secrets: commit it")


def unseal_secrets(s: Session, *, yes: bool) -> None:
    """Open the environment's sealed file into the plain one, which git ignores."""
    from slipway.config.sealed import ended
    from slipway.config.textfile import read_text
    from slipway.engines.private_file import replace_file
    from slipway.engines.sealed_files import unsealed

    plain, sealed = _files(s)
    _refuse_tracked(plain)
    text = unsealed(s.age, ROOT / sealed, sealed)
    file = ROOT / plain
    if file.exists() and not file.is_symlink():
        if ended(read_text(file, plain)[0]) == ended(text):
            file.chmod(0o600)
            return _done(s, [], f"nothing changed: {plain} holds the same already")
        if not yes and not s.console.confirm(f"{plain} holds something else. Replace it?"):
            raise UsageError(
                "holds something else, so it was not replaced", where=plain, hint="answer y, or pass --yes"
            )

    def act() -> str:
        replace_file(file, text.encode(), plain)
        if read_text(file, plain)[0] != text:
            raise Refused("the file reads back as something else", where=plain, hint="is its disk well?")
        return f"{plain} reads back the same; only you may read it"

    return _done(s, [_act(s, f"unseal {s.env}", act)], f"{plain} is there; git ignores it")


def rotate_secret(s: Session, name: str, *, yes: bool) -> None:
    """Give a secret a new value, in the plain file, the sealed one, or both."""
    from slipway.config.rotation import rotation

    config = s.config
    turn = rotation(config, name)
    s.mask.add(turn.values.values())
    others = [other for other in turn.values if other != name]
    confirm(s, f"Give {name} of {s.env} a new value{f' (and change {others[0]})' if others else ''}?", yes=yes)

    def act() -> str:
        _write(s, turn.file, {each: value.reveal() for each, value in turn.values.items()})
        now = s.load_config(s.ground_settings())
        if any((found := now.setting(each)) is None or found.text != value for each, value in turn.values.items()):
            raise Refused("the new value does not count: another layer is stronger", where=turn.file)
        return f"{turn.file} reads back with the new value"

    result = _act(s, f"rotate {name}", act)
    for note in turn.notes:
        s.console.say(f"  - {note}")
    document = {"file": turn.file, "changed": list(turn.values), "next": list(turn.notes)}
    _done(s, [result], f"{', '.join(turn.values)}: new in {turn.file}", document)


def make_key(s: Session) -> None:
    """Make this user's key, or say the public half of the one that is there."""
    from slipway.engines.age import new_key
    from slipway.engines.private_file import create_file

    file = s.age.own_file
    secret, public = new_key()
    s.mask.add([secret])
    if file.exists() or not create_file(file, f"# public key: {public}\n{secret.reveal()}\n".encode(), str(file)):
        public = s.age.own_public_key()
        return s.finish({"file": str(file), "public": public, "made": False}, f"{file} is there; public key: {public}")
    s.console.say(f"{file}: keep a copy where you keep passwords; without it nothing sealed for you can be opened")
    told = f"public key: {public}, to be a line of {RECIPIENTS}"
    return s.finish({"file": str(file), "public": public, "made": True}, told)


def _write(s: Session, where: str, values: dict[str, str]) -> None:
    """Change values in a file of secrets; a sealed one beside it, or instead of it, is sealed anew."""
    from slipway.config.dotenv import with_value
    from slipway.config.sealed import SUFFIX, ended
    from slipway.config.textfile import read_text
    from slipway.engines.private_file import replace_file
    from slipway.engines.sealed_files import seal, unsealed

    plain = where.removesuffix(SUFFIX)
    sealed, is_plain = ROOT / f"{plain}{SUFFIX}", not where.endswith(SUFFIX)
    file = ROOT / plain
    before = unsealed(s.age, sealed, where) if not is_plain else read_text(file, plain)[0] if file.exists() else ""
    text = before
    for name, value in values.items():
        text = with_value(text, name, value)
    if sealed.exists():
        if unsealed(s.age, sealed, f"{plain}{SUFFIX}") != ended(before):
            raise UsageError(
                f"differs from {plain}, so a new value would stand in one of them only",
                where=f"{plain}{SUFFIX}",
                hint=f"`inv env.seal --env {s.env}` or `inv env.unseal --env {s.env}` first",
            )
        keys = _keys(s, sealed, f"{plain}{SUFFIX}")
        seal(s.age, text, sealed, f"{plain}{SUFFIX}", keys)
    if is_plain:
        replace_file(file, text.encode(), plain)


def _keys(s: Session, sealed: "Path", where: str) -> tuple[str, ...]:
    """Return for whom a file is sealed anew.

    The list inside it is anybody's who may commit; the one beside it is what people review, so the two must be one.
    """
    from slipway.config.sealed import stanzas
    from slipway.engines.sealed_files import sealed_for

    named = sealed_for(s.age, sealed, where)
    listed = _recipients(()) if (ROOT / RECIPIENTS).exists() else ()
    way_out = f"write the team's keys into {RECIPIENTS}, then `inv env.unseal` and `inv env.seal --env {s.env}`"
    if listed and named and set(listed) != set(named):
        raise UsageError(f"is sealed for others than {RECIPIENTS} names", where=where, hint=way_out)
    if not listed and len(named) != len(stanzas(sealed.read_bytes(), where)):
        raise UsageError(f"is sealed for others than it says, and there is no {RECIPIENTS}", where=where, hint=way_out)
    return listed or named


def alone(s: Session) -> "AbstractContextManager[None]":
    """Keep every other command off this checkout's files of secrets."""
    from slipway.engines.private_file import alone as alone_with

    return alone_with(ROOT / ".slipway" / "secrets.lock", ROOT / "env", f"env/{s.env}.secrets.env")


def _files(s: Session) -> tuple[str, str]:
    from slipway.config.layers import check_environment_name
    from slipway.config.sealed import SUFFIX

    check_environment_name(s.env)
    plain = f"env/{s.env}.secrets.env"
    return plain, f"{plain}{SUFFIX}"


def _recipients(given: Sequence[str]) -> tuple[str, ...]:
    from slipway.engines.age import bare, read_recipients, require_recipient

    if given:
        for key in given:
            require_recipient(bare(key), "--recipient")
        return tuple(dict.fromkeys(map(bare, given)))
    found = read_recipients(ROOT / RECIPIENTS, RECIPIENTS) if (ROOT / RECIPIENTS).exists() else ()
    if not found:
        raise UsageError(
            "names nobody to seal for",
            where=RECIPIENTS,
            hint="one public key (age1...) a line, or --recipient; `inv env.keygen` says yours",
        )
    return found


def _refuse_tracked(plain: str) -> None:
    from slipway.config.tracked import tracked

    if tracked(ROOT, [plain]):
        raise UsageError(
            "git tracks this file of secrets, so sealing it would hide nothing",
            where=plain,
            hint=f"git rm --cached {plain}, commit, and give every secret in it a new value",
        )


def _act(s: Session, name: str, act: Callable[[], str]) -> "StepResult":
    from slipway.rehearsal.report import Recorder

    recorder = Recorder(s.console)
    recorder.stage(name, lambda _say: (None, act()))
    return recorder.results[0]


def _done(s: Session, results: "list[StepResult]", line: str, document: Mapping[str, object] | None = None) -> None:
    s.finish({"steps": as_json(results), **(document or {})}, line)
