"""Which text Coolify lets through as custom docker run options."""

_BARE_FORBIDDEN = frozenset("$;&|<>()`\\\n\r")
_DOUBLE_FORBIDDEN = frozenset("$`")


def is_shell_safe(options: str) -> bool:
    r"""Quotes are balanced, and none of `$ ; & | < > ( ) \` or a backtick stands outside single quotes.

    Inside double quotes a backslash may escape a quote; `$` and backticks stay forbidden there.
    """
    quote = ""
    escaped = False
    for letter in options:
        if escaped:
            escaped = False
        elif quote == "'":
            quote = "" if letter == "'" else quote
        elif quote == '"':
            if letter in _DOUBLE_FORBIDDEN:
                return False
            escaped = letter == "\\"
            quote = "" if letter == '"' else quote
        elif letter in {"'", '"'}:
            quote = letter
        elif letter in _BARE_FORBIDDEN:
            return False
    return not quote and not escaped
