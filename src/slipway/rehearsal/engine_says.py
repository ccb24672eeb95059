"""What the engine says no with while a rehearsal makes and removes things, as errors with a place and a way out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from slipway.engines.images.errors import engine_lost, engine_refused
from slipway.errors import SlipwayError, Unreachable, UsageError

# moby: libnetwork/ipam ("could not find an available, non-overlapping IPv4 address pool among the defaults"), later
# versions say "all predefined address pools have been fully subnetted".
_NO_ADDRESSES = re.compile(r"non-overlapping IPv4 address pool|address pools have been fully subnetted", re.IGNORECASE)
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


@contextmanager
def asking(where: str, what: str = "") -> Iterator[None]:
    """Turn what the engine's library raises inside into errors; `what` begins the message (`registry did not start`).

    Raises `UsageError` for an image that is not there and a port that is taken, `Unreachable` for the rest.
    """
    from docker.errors import APIError, DockerException, ImageNotFound
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    begin = f"{what}: " if what else ""
    try:
        yield
    except SlipwayError:
        raise
    except ImageNotFound as error:
        raise UsageError(
            f"{begin}the engine does not have an image: {error.explanation or error}",
            where=where,
            hint="`inv build.bases` makes the base images, `inv build.all` the workspace's",
        ) from error
    except APIError as error:
        raise _no(begin, str(error.explanation or error), where) from error
    except (RequestException, HTTPError, DockerException) as error:
        lost = engine_lost(error)
        raise Unreachable(f"{begin}{lost.message}", where=where, hint=lost.hint, details=lost.details) from error


def _no(begin: str, text: str, where: str) -> SlipwayError:
    if _PORT_TAKEN.search(text):
        return UsageError(
            f"{begin}a port is taken on 127.0.0.1: {text[:300]}",
            where=where,
            hint="stop what listens there (`ss -ltnp`), or end another rehearsal with `inv rehearse.down`",
        )
    if _NO_ADDRESSES.search(text):
        return Unreachable(
            f"{begin}the engine has no address range left for another network",
            where=where,
            hint="remove networks that nothing uses: `docker network prune`",
            details=(text[:300],),
        )
    if _NO_SPACE.search(text):
        full = engine_refused(text)
        return Unreachable(f"{begin}{full.message}", where=where, hint=full.hint, details=full.details)
    return Unreachable(f"{begin}the engine says no: {text[:300]}", where=where, hint="see what `docker ps -a` shows")
