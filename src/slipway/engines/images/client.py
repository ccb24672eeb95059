"""A Docker engine as both the builder and the registry's side ask it: one client a question, errors in our words."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.engines.images import errors as say_why

if TYPE_CHECKING:
    from docker import APIClient
    from docker.tls import TLSConfig
    from requests import Response


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the engine is: `url` (`unix://...`, None for its usual socket) and the certificate it is asked with."""

    url: str | None = None
    tls: "TLSConfig | None" = None

    @contextlib.contextmanager
    def client(self, seconds: float = 60.0) -> Iterator["APIClient"]:
        """Open a client that waits `seconds` for each word of the engine.

        Raises `Unreachable` when no engine answers or it is lost in the middle, `Refused` for its other errors.
        """
        from docker import APIClient
        from docker.errors import APIError, DockerException, StreamParseError
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            client = APIClient(base_url=self.url, timeout=seconds, tls=self.tls or False)  # type: ignore[arg-type]
        except (DockerException, RequestException) as error:
            raise say_why.no_engine(self.url, error) from error
        # A stream that is left in the middle keeps its connection: every response is closed at the end.
        responses: list[Response] = []
        client.hooks["response"].append(lambda response, *_, **__: responses.append(response))
        try:
            yield client
        except APIError as error:
            raise say_why.engine_refused(error.explanation or str(error)) from error
        # docker-py reads streams past requests, so urllib3's own errors come through it.
        except (RequestException, HTTPError, StreamParseError) as error:
            raise say_why.engine_lost(error) from error
        finally:
            for response in responses:
                response.close()
            client.close()
