"""Telephone numbers as ``tel:`` addresses (RFC 3966) and back."""

import re

_SIP_USER = re.compile(r"sips?:(\+?[0-9]{1,40})(?:@|;|$)", re.IGNORECASE)


def to_uri(number: str, agency: str) -> str:
    """``tel:+371…``; a number that is not international is ours (RFC 3966 §5.1.5)."""
    digits = "".join(character for character in number if character in "+0123456789*#")
    return f"tel:{digits}" if digits.startswith("+") else f"tel:{digits};phone-context={agency}"


def from_uri(uri: str) -> str | None:
    """The number of a ``tel:`` or ``sip:`` address; ``None`` where there is none in it."""
    text = uri.strip()
    if text.lower().startswith("tel:"):
        digits = re.sub(r"[-.() ]", "", text[4:].partition(";")[0])
        return digits if re.fullmatch(r"\+?[0-9*#]{1,40}", digits, re.ASCII) else None
    found = _SIP_USER.match(text)
    return found[1] if found else None
