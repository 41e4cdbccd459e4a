"""Which numbers may be typed: the longest prefix that fits decides. Pure.

Premium-rate numbers cost whoever is made to dial them, and a caller may make a call taker do so.
The rule is only for what people type: services of the directory and citizens' own numbers can
always be called, because a caller must be reachable.
"""

from collections.abc import Iterable

from ccserver.routing import document as d
from ccserver.routing.limits import COUNTRY_PREFIX, PREFIX
from ccserver.types import PhoneNumber


def may_dial(dialling: d.Dialling, number: str) -> bool:
    """Whether the number, as typed or as stored, may be called.

    Of equally long prefixes the denying one counts. A number that none fits may be called unless
    ``allow`` names what may.
    """
    parsed = PhoneNumber.parse(number)
    if parsed is None:
        return False
    denied = _longest(parsed.value, dialling.deny)
    allowed = _longest(parsed.value, dialling.allow)
    if denied or allowed:
        return allowed > denied
    return not dialling.allow


def same_prefix(one: str, other: str) -> bool:
    """Whether both fit the same numbers of this country."""
    return _national(one) == _national(other)


def usable(prefixes: Iterable[str]) -> tuple[str, ...]:
    """Those that are prefixes at all."""
    return tuple(prefix for prefix in prefixes if PREFIX.fullmatch(prefix))


def _longest(number: str, prefixes: Iterable[str]) -> int:
    """The length of the longest prefix that fits, in the number's own form; 0 if none does."""
    return max((_fits(number, prefix) for prefix in prefixes), default=0)


def _fits(number: str, prefix: str) -> int:
    if number.startswith(prefix):
        return len(prefix)
    # Without + a prefix is meant as it is dialled in this country.
    if number.startswith(COUNTRY_PREFIX) and number.removeprefix(COUNTRY_PREFIX).startswith(prefix):
        return len(COUNTRY_PREFIX) + len(prefix)
    return 0


def _national(prefix: str) -> str:
    return prefix.removeprefix(COUNTRY_PREFIX) or prefix
