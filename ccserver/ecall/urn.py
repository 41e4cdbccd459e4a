"""Service URNs (RFC 5031, RFC 8147 §14.1): what a caller asked for, when not by a number."""

import re
from enum import StrEnum
from typing import Final

SERVICE: Final = re.compile(r"urn:service:(?:test\.)?[a-z0-9](?:[a-z0-9.-]{0,80}[a-z0-9])?")
PREFIX: Final = "urn:service:"
TEST_PREFIX: Final = "urn:service:test."
ECALL_CHILD: Final = "sos.ecall"


class ECallKind(StrEnum):
    """How an eCall began."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    TEST = "test"
    """Nobody needs help: a workshop or an inspection tries whether we answer."""
    UNKNOWN = "unknown"
    """A car, and nothing says what set it off."""


def service_of(text: str) -> str | None:
    """Return the service URN in its own spelling (small letters); ``None`` if this is none."""
    urn = text.strip().strip("<>").lower()
    return urn if SERVICE.fullmatch(urn) else None


def is_test(service: str | None) -> bool:
    """Whether this asks for a test of the service, and not for help (RFC 6881 §15)."""
    return service is not None and service.startswith(TEST_PREFIX)


def ecall_kind(service: str | None) -> ECallKind | None:
    """Return how the eCall began; ``None`` if the service is no eCall."""
    if service is None:
        return None
    test = is_test(service)
    child = service.removeprefix(TEST_PREFIX if test else PREFIX)
    if child != ECALL_CHILD and not child.startswith(f"{ECALL_CHILD}."):
        return None
    if test:
        return ECallKind.TEST
    kind = child.removeprefix(ECALL_CHILD).removeprefix(".").partition(".")[0]
    known = {"automatic": ECallKind.AUTOMATIC, "manual": ECallKind.MANUAL}
    return known.get(kind, ECallKind.UNKNOWN)


def parents(service: str) -> tuple[str, ...]:
    """Return the URN and its parents, the nearest first: whoever cannot serve one serves the next.

    A child that nobody knows is served as its parent (RFC 5031 §2); a test is never served as a
    call for help, so its last parent is ``urn:service:test.sos``.
    """
    root = 2 if service.startswith(TEST_PREFIX) else 1
    labels = service.removeprefix(PREFIX).split(".")
    return tuple(PREFIX + ".".join(labels[:count]) for count in range(len(labels), root - 1, -1))
