"""Together: steps that do not depend on each other, a few at a time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from slipway.plan import Step
from slipway.ports import Say


@dataclass(slots=True)
class Together:
    """Runs independent steps as one; the first failure is raised once those under way have ended.

    `at_once` is how many run at the same time. An interrupt lets those under way end, starts no other, and is raised.
    """

    name: str
    steps: Sequence[Step]
    at_once: int = 2
    _begun: list[Step] = field(default_factory=list)

    def describe(self) -> str:
        """Name every step."""
        return "; ".join(f"{step.name}: {step.describe()}" for step in self.steps)

    def run(self, say: Say) -> str:
        """Run all of them and join what was observed."""

        def one(step: Step) -> str:
            self._begun.append(step)
            observed = step.run(lambda text: say(f"{step.name} | {text}"))
            return f"{step.name}: {observed}"

        with ThreadPoolExecutor(self.at_once) as pool:
            futures = [pool.submit(one, step) for step in self.steps]
            try:
                return "; ".join(future.result() for future in futures)
            finally:
                for future in futures:
                    future.cancel()

    def undo(self) -> bool:
        """Take back what began, the last first; a failure of one does not keep the others from it."""
        undone, errors = False, []
        for step in reversed(self._begun):
            try:
                undone = step.undo() or undone
            except Exception as error:  # noqa: BLE001 - raised below, after the others had their turn
                errors.append(error)
        if errors:
            raise errors[0]
        return undone
