"""One row of the API: method, path, the ability it asks for, the handler."""

from collections.abc import Callable
from dataclasses import dataclass

from .answers import Answer
from .requests import Call

Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Endpoint:
    """`json_guard` refuses bodies that are not JSON with 400; `moved` lets GET answer 405 instead of 404."""

    method: str
    path: str
    ability: str
    handler: Handler
    json_guard: bool = False
    moved: bool = False
    ungated: bool = False
