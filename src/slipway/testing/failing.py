"""How a fake is told to fail."""


class Failing:
    """Raises what a test put into `failures` under (method, name), every time."""

    def __init__(self) -> None:
        self.failures: dict[tuple[str, str], BaseException] = {}
        self.calls: list[tuple[str, str]] = []

    def _called(self, method: str, name: str) -> None:
        self.calls.append((method, name))
        failure = self.failures.get((method, name))
        if failure is not None:
            raise failure
