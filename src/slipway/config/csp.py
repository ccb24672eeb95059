"""Sources of one directive of a Content-Security-Policy, as strict as the overlay that sends them."""

import re
from collections.abc import Sequence

_KEYWORDS = re.compile(r"self|none|unsafe-\w+(-\w+)*|strict-dynamic|report-sample|nonce-.+|sha(256|384|512)-.+")
_SEPARATORS = frozenset(';,"')


def csp_fault(sources: Sequence[str]) -> str | None:
    """Return why a browser would not read these sources as they are meant; no message holds one."""
    for number, source in enumerate(sources, 1):
        if _KEYWORDS.fullmatch(source):
            return f"has a keyword without its quotes (source {number}), which is a host of that name"
        if set(source) & _SEPARATORS or not source.isascii() or not source.isprintable():
            return f"has a character that would begin another directive (source {number})"
    if "'none'" in sources and len(sources) > 1:
        return "has 'none' beside something else"
    return None
