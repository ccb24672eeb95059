"""Connect: try every service from where it will be used, with the values that a deployment would set."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from slipway.checks.connected import Heard, arguments, heard, probe_heard, probed, questions, unanswered
from slipway.command import Result
from slipway.config.config import Config
from slipway.config.workspace import Role
from slipway.errors import Refused, SlipwayError, UsageError
from slipway.plans.desired import platform_values
from slipway.ports import OneOff, Say
from slipway.release.image import ImageName, Version
from slipway.target import Target
from slipway.verbs.deploy import current_release

SECONDS = 45.0
"""How long one container may take: a busy host needs some to start Python, a question ten at most."""
_PYTHON = ("python", "-m")


def connect(config: Config, target: Target, version: Version, say: Say) -> Heard:
    """Ask from one-off containers of the API's image, on the platform's network; return what is wrong.

    The image is that of the live release, else of `version` where it was pushed. Raises `UsageError` where there is
    neither or a value is missing, `Unreachable` where host or platform do not answer.
    """
    api = config.workspace.services_with(Role.WEB)[0]
    variables = config.variables_for(api, platform_values(config, target.platform.observe()))
    image = _image(config, target, version, say)
    asked = questions(config)

    def run(name: str, words: tuple[str, ...]) -> Result | SlipwayError:
        one_off = OneOff(name, image, (*_PYTHON, *words), target.network, variables, target.labels, seconds=SECONDS)
        try:
            return target.containers.run_once(one_off, lambda _: None)
        except SlipwayError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        services = pool.submit(run, "connect", ("slipway_runtime.connect", *arguments(config, asked)))
        middleware = pool.submit(run, "probe", ("slipway_runtime.probe", *probed(config)))
        answered, seen = services.result(), middleware.result()
    if isinstance(answered, Result):
        told = heard(config, asked, answered)
    else:
        told = Heard(tuple(unanswered(config, name, answered.message) for name in asked), {})
    more = probe_heard(config, seen) if isinstance(seen, Result) else (unanswered(config, "probe", seen.message),)
    return replace(told, issues=(*told.issues, *more))


def _image(config: Config, target: Target, version: Version, say: Say) -> str:
    """Return the API's image as the host has it now."""
    name = config.workspace.services[config.workspace.services_with(Role.WEB)[0]].image
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
