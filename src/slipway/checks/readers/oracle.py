"""Asking the real programs: many texts at once, all programs side by side, each text once."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from slipway.config.env_readers import Reader, Reading
from slipway.errors import Unreachable

if TYPE_CHECKING:
    from slipway.ports import EnvReader


class Oracle:
    """What programs make of texts. `programs` and `silent` fill as they are asked: reader -> version, or why not."""

    def __init__(self, readers: Mapping[Reader, "EnvReader"]) -> None:
        """Take who may be asked; a reader that is not among them is silent."""
        self._readers = readers
        self._known: dict[tuple[Reader, str], Reading] = {}
        self.programs: dict[Reader, str] = {}
        self.silent: dict[Reader, str] = {}

    def ask(self, questions: Iterable[tuple[Reader, str]]) -> None:
        """Have every text read that has not been read yet."""
        from concurrent.futures import ThreadPoolExecutor

        open_questions: dict[Reader, dict[str, None]] = {}
        for reader, text in questions:
            if (reader, text) not in self._known and reader not in self.silent:
                open_questions.setdefault(reader, {})[text] = None
        with ThreadPoolExecutor(max_workers=max(1, len(open_questions))) as pool:
            list(pool.map(lambda item: self._ask_one(item[0], list(item[1])), open_questions.items()))

    def reading(self, reader: Reader, text: str) -> Reading | None:
        """Return what a reader made of a text that was asked, None where it is silent."""
        return self._known.get((reader, text))

    def readings(self, readers: Iterable[Reader], text: str) -> dict[Reader, Reading]:
        """Return what each of `readers` that answers made of a text."""
        return {reader: found for reader in readers if (found := self.reading(reader, text)) is not None}

    def _ask_one(self, reader: Reader, texts: list[str]) -> None:
        asked = self._readers.get(reader)
        if asked is None:
            self.silent[reader] = "nothing here can ask it"
            return
        try:
            self.programs[reader] = asked.program
            readings = asked.read(texts)
        except Unreachable as error:
            self.programs.pop(reader, None)
            self.silent[reader] = error.message
            return
        self._known |= {(reader, text): found for text, found in zip(texts, readings, strict=True)}
