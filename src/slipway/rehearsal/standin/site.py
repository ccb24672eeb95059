"""Everything one running stand-in holds, handed to each handler and job."""

from collections.abc import Callable
from dataclasses import dataclass

from .compose_cli import Compose
from .engine import Engine
from .horizon import Horizon
from .rate_limit import RateLimit
from .settings import Settings
from .store import Store
from .tokens import Tokens

SERVER_UUID = "localhost0server0standin"
SERVER_IP = "host.docker.internal"
DESTINATION_UUID = "coolify0network0standin0"
SERVER_NAME = "localhost"


@dataclass
class Site:
    """The parts. `deploy` is what a worker runs for a deployment: it takes its uuid and the container's name."""

    settings: Settings
    store: Store
    tokens: Tokens
    engine: Engine
    compose: Compose
    horizon: Horizon
    limiter: RateLimit
    deploy: Callable[["Site", str, str], None]
