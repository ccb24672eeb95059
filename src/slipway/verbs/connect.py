"""Connect: try every service from where it will be used, with the values that a deployment would set."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from slipway.checks.connected import (
    Asked,
    Heard,
    arguments,
    asked,
    heard,
    probe_heard,
    probed,
    together,
    unanswered,
    unasked,
)
from slipway.checks.issue import Issue
from slipway.command import Result
from slipway.config.config import Config
from slipway.config.references import Values
from slipway.config.workspace import Role
from slipway.errors import Refused, SlipwayError, UsageError
from slipway.plans.desired import platform_values
from slipway.ports import OneOff, Say
from slipway.release.desired import Variables
from slipway.release.image import ImageName, Version
from slipway.target import Target
from slipway.verbs.deploy import current_release

SECONDS = 45.0
"""How long one container may take: a busy host needs some to start Python, a question ten at most."""
MOST = 6
"""Containers with values of their own; the probe is one more. All run side by side."""
_PYTHON = ("python", "-m")


def connect(config: Config, target: Target, version: Version, say: Say) -> Heard:
    """Ask from one-off containers on the platform's network; return what is wrong.

    Services whose values agree are asked for together, so usually one container asks all and another is the probe. An
    image is that of the live release, else of `version` where it was pushed. What a service's values lack is a finding
    of that service. Raises `UsageError` where there is no image or no service has its values, `Unreachable` where host
    or platform do not answer. Interrupted, it waits for the containers to end, which removes them.
    """
    variables, issues = _variables(config, platform_values(config, target.platform.observe()))
    every = asked(config, variables)
    told = [Heard(tuple(issues), {})]
    for one in every[MOST:]:
        why = f"{len(every)} services differ in their values, and {MOST} are asked for at once"
        told.append(Heard(tuple(unanswered(config, name, why, one) for name in one.questions), {}))
    api = config.workspace.services_with(Role.WEB)[0]
    images = _images(config, target, version, {api, *(one.service for one in every[:MOST])}, say)

    def run(name: str, service: str, words: tuple[str, ...]) -> Result | SlipwayError:
        argv, values, labels = (*_PYTHON, *words), variables[service], target.labels
        one_off = OneOff(name, images[service], argv, target.network, values, labels, seconds=SECONDS)
        try:
            return target.containers.run_once(one_off, lambda _: None)
        except SlipwayError as error:
            return error

    with ThreadPoolExecutor(MOST + 1) as pool:
        questions = [
            (one, pool.submit(run, "connect", one.service, ("slipway_runtime.connect", *arguments(config, one))))
            for one in every[:MOST]
        ]
        probe = pool.submit(run, "probe", api, ("slipway_runtime.probe", *probed(config))) if api in variables else None
        try:
            told += [_heard(config, one, running.result()) for one, running in questions]
            seen = probe.result() if probe else None
        except KeyboardInterrupt:
            say("interrupted: the containers end by themselves within seconds and are removed")
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if isinstance(seen, Result):
        told.append(Heard(probe_heard(config, seen), {}))
    else:
        why = seen.message if seen else f"{api} has not all its values"
        told.append(Heard((unanswered(config, "probe", why),), {}))
    return together(config, told)


def _variables(config: Config, platform: Values) -> tuple[dict[str, Variables], list[Issue]]:
    """Return what each service of the API's side gets, and a finding for each that lacks something."""
    of, issues = config.workspace.services_with, list[Issue]()
    found: dict[str, Variables] = {}
    first: UsageError | None = None
    for service in (name for role in (Role.WEB, Role.WORKER, Role.BEAT) for name in of(role)):
        try:
            found[service] = config.variables_for(service, platform)
        except UsageError as error:
            first = first or error
            issues.append(unasked(config, service, error))
    if first and not found:
        raise first
    return found, issues


def _heard(config: Config, one: Asked, answer: Result | SlipwayError) -> Heard:
    if isinstance(answer, Result):
        return heard(config, one, answer)
    return Heard(tuple(unanswered(config, name, answer.message, one) for name in one.questions), {})


def _images(config: Config, target: Target, version: Version, services: Iterable[str], say: Say) -> dict[str, str]:
    """Return service -> its image as the host has it now."""
    names = {service: config.workspace.services[service].image for service in sorted(services)}
    references = {name: _image(config, target, version, name, say) for name in dict.fromkeys(names.values())}
    return {service: references[name] for service, name in names.items()}


def _image(config: Config, target: Target, version: Version, name: str, say: Say) -> str:
    live = current_release(target)
    tags = dict.fromkeys(one.tag for one in (live.version if live else None, version) if one)
    for tag in tags:
        reference = ImageName(target.registry, config.workspace.name, name).tagged(tag)
        try:
            target.containers.pull(reference, say)
        except Refused:
            continue
        return reference
    raise UsageError(
        f"no image of {name} to ask from: the registry has none of {', '.join(tags)}",
        where=target.registry,
        hint="`inv build.all`, then `inv deploy` or a push, bring it there",
    )
