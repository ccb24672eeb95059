"""The wait for a new container's health in a rolling update."""

from collections.abc import Callable

from .store import Row


def is_needed(application: Row) -> bool:
    """Whether anything is waited for. With the check off the new container counts as healthy, running or not."""
    return bool(application["health_check_enabled"])


def passed(
    application: Row,
    inspect: Callable[[], tuple[str, str]],
    log: Callable[[str], None],
    sleep: Callable[[float], None],
) -> bool:
    """Waits about start_period + retries x interval seconds and says whether the container became healthy.

    `inspect` gives status and last output; it raises when the container has no check, which fails the deployment.
    """
    if not is_needed(application):
        return True
    log("Waiting for healthcheck to pass on the new container.")
    period, rounds = application["health_check_start_period"], application["health_check_retries"]
    if period:
        log(f"Waiting for the start period ({period} seconds) before starting healthcheck.")
    for _ in range(period):
        sleep(1)
    status = "starting"
    for attempt in range(1, rounds + 1):
        status, output = inspect()
        log(f'Attempt {attempt} of {rounds} | Healthcheck status: "{status}"')
        if output:
            log(f"Healthcheck logs: {output}")
        if status == "healthy":
            log("New container is healthy.")
            break
        if status == "unhealthy":
            log("New container is unhealthy.")
            break
        sleep(application["health_check_interval"])
    return counts_as_healthy(status)


def counts_as_healthy(status: str) -> bool:
    """Whether the last status seen lets the update go on: `starting` does not."""
    return status == "healthy"
