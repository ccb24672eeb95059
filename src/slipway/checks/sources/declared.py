"""Rules over names: what is set and read nowhere, what is read and set nowhere, who gets what it does not need."""

import re
from collections.abc import Iterator

from slipway.checks.issue import Issue, Severity
from slipway.checks.sources.stand import SECRET_WORD, Stand, is_development, is_known
from slipway.config.schema import BUNDLED
from slipway.sources.found import Container
from slipway.sources.use import Kind, Place, Use

_OWN = "SLIPWAY_"
_MOST_TROUBLES = 10


def unread(stand: Stand) -> Iterator[Issue]:
    """`sources.unread`: a file of the environment sets a variable, and none of the services that get it reads it."""
    for setting, services in stand.given():
        name = setting.name
        images = dict.fromkeys(stand.image(service) for service in services)
        if name.startswith(_OWN) or any(stand.reads(image, name) or image in stand.unknown for image in images):
            continue
        if stand.settings(name) and not _made_of_others(stand, name):
            continue  # written out in the settings, which is a finding of its own
        message = f"{name} is set, and nothing in {', '.join(images)} reads it: a change has no effect"
        hint = _instead(stand, name) or "remove the line, or read the variable"
        yield stand.issue("unread", Severity.WARNING, name, setting.where, message, hint)


def unread_documents(stand: Stand) -> Iterator[Issue]:
    """`sources.unread`: the same of the repository's compose files and examples, with what is read instead."""
    if stand.unknown:
        return
    read = _read_anywhere(stand)
    places: dict[str, list[Place]] = {}
    third_party = {(one.place.file, one.name) for one in stand.found.containers if not stand.made_of(one)}
    for use in stand.found.of(Kind.GIVEN):
        is_judged = _is_document(use) and (use.place.file, use.by) not in third_party
        if is_judged and use.name not in read and not is_known(use.name) and not _is_hard_coded(stand, use.name):
            places.setdefault(use.name, []).append(use.place)
    rest: dict[str, list[tuple[str, Place]]] = {}
    for name, found in places.items():
        found.sort(key=lambda place: (is_development(place.file), place))
        if hint := _instead(stand, name):
            message = f"{name} is set and read nowhere: a change has no effect"
            yield stand.issue("unread", Severity.WARNING, name, found, message, hint)
        else:
            rest.setdefault(found[0].file, []).append((name, found[0]))
    for file, listed in rest.items():
        names = ", ".join(name for name, _ in listed)
        message = f"{names}: set here and read nowhere" if len(listed) > 1 else f"{names} is set here and read nowhere"
        yield stand.issue(
            "unread", Severity.INFO, file, [min(place for _, place in listed)], message, "remove the lines"
        )


def _is_document(use: Use) -> bool:
    lower = use.place.file.rpartition("/")[2].lower()
    # A name that is none may be a part of a secret that was pasted, so it is not shown.
    is_name = re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", use.name) is not None
    return is_name and ("env" in lower.split(".") or "compose" in lower)


def _read_anywhere(stand: Stand) -> set[str]:
    """Return the names that anything reads. Compose handing a variable on under its own name is no reader."""
    handed_on = {
        (use.place, use.name)
        for use in stand.found.of(Kind.GIVEN, Kind.ARGUMENT)
        if any(
            use.by == one.name and use.place.file == one.place.file and stand.made_of(one)
            for one in stand.found.containers
        )
    }
    reads = {
        use.name for use in stand.found.uses if use.reads and not use.is_test and (use.place, use.name) not in handed_on
    }
    return reads | {use.name for use in stand.overlay.uses if use.reads}


def _made_of_others(stand: Stand, name: str) -> list[str]:
    return [variable for one in stand.settings(name) for variable in one.variables if variable != name]


def _instead(stand: Stand, name: str) -> str:
    """Return what the settings make the setting of that name of, "" where they do not."""
    for one in stand.settings(name):
        others = [variable for variable in one.variables if variable != name]
        if others:
            return f"{one.place} makes {name} of {', '.join(others)}: set that one"
    return ""


def _is_hard_coded(stand: Stand, name: str) -> bool:
    found = stand.settings(name)
    return bool(found) and not any(one.variables for one in found)


def undeclared(stand: Stand) -> Iterator[Issue]:
    """`sources.undeclared`: the sources read a variable that the schema does not have, so no service ever gets it."""
    written = {use.name for use in stand.own_uses if use.kind is Kind.WRITTEN}
    found: dict[str, list[Use]] = {}
    for use in stand.own_uses:
        is_certain = use.kind in {Kind.READ, Kind.NEEDED} and use.name not in written
        is_portals = not use.place.file.endswith(".py")
        if is_portals and (not use.name.startswith(BUNDLED) or use.by.startswith("process")):
            continue
        if is_certain and use.name not in stand.config.schema.variables and not is_known(use.name):
            found.setdefault(use.name, []).append(use)
    with_default: list[Use] = []
    for name, uses in sorted(found.items()):
        images = ", ".join(dict.fromkeys(image for use in uses for image in stand.images_of(use.place.file)))
        if all(use.has_default for use in uses):
            with_default.append(uses[0])
            continue
        needed = any(use.kind is Kind.NEEDED for use in uses)
        severity = Severity.ERROR if needed and stand.is_production else Severity.WARNING
        what = "the process fails without it" if needed else "it has no default"
        message = f"{name} is read here and not in the schema, so {images} never gets it; {what}"
        yield stand.issue(
            "undeclared", severity, name, [use.place for use in uses], message, "describe it in env/schema.yaml"
        )
    if with_default:
        with_default.sort(key=lambda use: use.place)
        names = ", ".join(use.name for use in with_default)
        is_one = len(with_default) == 1
        message = (
            f"{names} {'is' if is_one else 'are'} read and not in the schema: the code's own default holds everywhere"
        )
        places = [use.place for use in with_default]
        hint = f"describe {'it' if is_one else 'them'} in env/schema.yaml to set {'it' if is_one else 'them'}"
        yield stand.issue("undeclared", Severity.INFO, with_default[0].name, places, message, hint)


def dynamic(stand: Stand) -> Iterator[Issue]:
    """`sources.dynamic`: a name is put together while the program runs, so what is read there cannot be known."""
    places = [use.place for use in stand.own_uses if use.kind is Kind.UNKNOWN]
    if places:
        message = "reads a variable whose name only running tells; what is said here of unread variables may miss it"
        yield stand.issue("dynamic", Severity.INFO, places[0].file, places, message, "write the names out")


def unparsed(stand: Stand) -> Iterator[Issue]:
    """`sources.unparsed`: a file could not be read or parsed; what it says of variables is not known."""
    settings = [trouble for trouble in stand.found.troubles if trouble.place.file in stand.settings_files]
    for trouble in settings:
        hint = "backend.settings in the workspace file names it: no process of the backend starts without"
        yield stand.issue("unparsed", Severity.ERROR, trouble.place.file, [trouble.place], trouble.message, hint)
    troubles = [trouble for trouble in stand.found.troubles if trouble not in settings]
    for trouble in troubles[:_MOST_TROUBLES]:
        images = [image for image in stand.images_of(trouble.place.file) if image in stand.unknown]
        hint = f"what nothing in {', '.join(images)} reads is told once it can be read" if images else ""
        yield stand.issue("unparsed", Severity.INFO, trouble.place.file, [trouble.place], trouble.message, hint)
    if len(troubles) > _MOST_TROUBLES:
        rest = [trouble.place for trouble in troubles[_MOST_TROUBLES:]]
        yield stand.issue("unparsed", Severity.INFO, rest[0].file, rest, "could not be read either")


def exposed(stand: Stand) -> Iterator[Issue]:
    """`sources.exposed`: a service gets a secret that it never reads; whoever breaks into it has the secret, too."""
    for setting, services in stand.given():
        name = setting.name
        if not setting.variable.secret or name.startswith(_OWN):
            continue
        needs = [service for service in services if stand.reads(stand.image(service), name)]
        spare = [service for service in services if service not in needs]
        if needs and spare:
            does = "gets and never reads" if len(spare) == 1 else "get and never read"
            message = f"{name} is a secret that {', '.join(spare)} {does}"
            hint = f"env/schema.yaml: services: [{', '.join(needs)}]"
            yield stand.issue("exposed", Severity.WARNING, name, setting.where, message, hint)


def exposed_in_compose(stand: Stand) -> Iterator[Issue]:
    """`sources.exposed`: the same of the repository's compose files, `env_file` included."""
    reads = {image: {use.name for use in stand.found.uses if use.reads and image in stand.images_of(use.place.file)}
             for image in stand.config.workspace.image_names}  # fmt: skip
    spare: dict[str, list[tuple[str, Place]]] = {}
    for container in stand.found.containers:
        images = stand.made_of(container)
        if is_development(container.place.file) or not images:
            continue
        for name, place in _handed(stand, container):
            is_read = any(name in reads[image] for image in images)
            is_elsewhere = any(name in names for names in reads.values())
            if SECRET_WORD.search(name) and not name.startswith(BUNDLED) and is_elsewhere and not is_read:
                spare.setdefault(name, []).append((container.name, place))
    for name, found in sorted(spare.items()):
        services = ", ".join(dict.fromkeys(service for service, _ in found))
        readers = ", ".join(image for image, names in reads.items() if name in names)
        message = f"{name} is given to {services}, which never read it"
        hint = f"give it to what is built from {readers} only"
        yield stand.issue("exposed", Severity.WARNING, name, [place for _, place in found], message, hint)


def _handed(stand: Stand, container: Container) -> Iterator[tuple[str, Place]]:
    """Yield what a compose service is given: name by name, and by whole files of which an example is committed."""
    file = container.place.file
    for use in stand.found.of(Kind.GIVEN):
        if use.place.file == file and use.by == container.name:
            yield use.name, use.place
    folder = file.rpartition("/")[0]
    for path, line in container.env_files:
        full = f"{folder}/{path}" if folder else path
        for use in stand.found.of(Kind.GIVEN):
            if use.place.file.startswith(f"{full}.") and not use.by:
                yield use.name, Place(file, line)
