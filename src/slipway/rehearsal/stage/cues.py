"""Cues: where the acts of api, worker and beat wait for the migrations, for each other and for Redis."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Cues:
    """`away` and `back` say where Redis is. Every wait ends with `let_go`, so that nobody waits for who is gone."""

    migrated: threading.Event = field(default_factory=threading.Event)
    away: threading.Event = field(default_factory=threading.Event)
    back: threading.Event = field(default_factory=threading.Event)
    _is_well: bool = False
    _told: set[tuple[str, str]] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def are_migrated(self, is_well: bool) -> None:
        """The migrations ended; where not well, nothing after them is worth doing."""
        self._is_well = is_well
        self.migrated.set()

    def await_migrated(self) -> bool:
        """Wait for the migrations' end; return whether they are applied."""
        self.migrated.wait()
        return self._is_well

    def tell(self, act: str, name: str) -> None:
        """`name` has done `act`, or never will."""
        with self._changed:
            self._told.add((act, name))
            self._changed.notify_all()

    def await_all(self, act: str, names: Iterable[str]) -> bool:
        """Wait until every one of `names` has told `act`; return whether going on is worth it."""
        wanted = {(act, name) for name in names}
        with self._changed:
            self._changed.wait_for(lambda: wanted <= self._told)
        return self._is_well

    def let_go(self) -> None:
        """End every wait."""
        self._is_well = False
        for event in (self.migrated, self.away, self.back):
            event.set()
