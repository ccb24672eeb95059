"""Which layers were found clean of which values: remembered below .slipway, so that a gigabyte is read once.

Kept is a keyed digest of the set of values, never a value. Another set forgets everything.
"""

import hmac
import json
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_MOST = 4096  # layers; the newest are kept
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class CleanLayers:
    """The file `path` (0600). A file that cannot be read or written costs time and nothing else."""

    path: Path

    def known(self, values: Iterable[str]) -> frozenset[str]:
        """Return the diff ids of layers that hold none of `values`."""
        kept = self._read()
        is_same = hmac.compare_digest(str(kept.get("values")), _digest(str(kept.get("key")), values))
        layers = kept.get("layers")
        return frozenset(map(str, layers)) if is_same and isinstance(layers, list) else frozenset()

    def remember(self, values: Iterable[str], layers: Iterable[str]) -> None:
        """Add layers that were found clean of `values`."""
        sought = tuple(values)
        before = sorted(self.known(sought))
        key = str(self._read().get("key") or secrets.token_hex(_KEY_BYTES))
        fresh = sorted(set(layers) - set(before))
        kept = {"key": key, "values": _digest(key, sought), "layers": [*before, *fresh][-_MOST:]}
        partial = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        with suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.touch(0o600)
            partial.write_text(json.dumps(kept), encoding="utf-8")
            partial.replace(self.path)

    def _read(self) -> dict[str, object]:
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def _digest(key: str, values: Iterable[str]) -> str:
    return hmac.new(key.encode(), "\n".join(sorted(set(values))).encode(), sha256).hexdigest()
