"""Look: rules over more than the files of an environment, such as its sources, beside those of `inv check.env`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slipway.checks.issue import Issue
from slipway.config.config import Config


@dataclass(frozen=True, slots=True)
class Look:
    """One look: `see` returns what is found, `counted` how many rules that were, asked after it has looked."""

    see: Callable[[Config], Iterable[Issue]]
    counted: Callable[[], int]

    def __call__(self, config: Config) -> Iterable[Issue]:
        """Return what is found."""
        return self.see(config)
