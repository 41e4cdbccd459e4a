"""Which of all the locations of an incident holds now, and which of them contradict it.

A place that a person of the centre chose for the incident beats every telling of a device. Without
one, the incident is where its caller is. Of a caller's fixes the newest counts as long as it is
nearly as good as the best one; where the best one is clearly better, it stays, with its age. A
network's cell counts only where no device told anything. Nothing is dropped or changed here: what
is not chosen stays in the history, and in sight where it contradicts what is.

The choice depends on the history alone, neither on the order of arrival nor on how long one waits:
a place on a call taker's screen changes because something was told, and for no other reason.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ccserver.location.geometry import distance_m
from ccserver.location.values import Location, LocationKind, LocationSource
from ccserver.types import ContactId, LocationId

CONFIDENCE_UNSAID = 0.68
"""What phones mean by their radius where they do not say it: one standard deviation."""

CONFIDENCE_LOWEST, CONFIDENCE_HIGHEST = 0.05, 0.999
"""Bounds for the scaling: certainty would make any radius 0, and no confidence at all infinite."""

RADIUS_UNSAID_M = 1_000.0
"""For a point without any radius: worse than every fix, better than most cells."""

RADIUS_LEAST_M = 5.0
"""No telephone is better, whatever it says; a radius of 0 would shut every later fix out."""

BETTER_BY = 2.0
"""The newest fix counts unless the best one is better by this factor."""

FRESH_S = 60.0
"""A fix is as good as it was for so long; phones send the next one within half a minute."""

DRIFT_M_S = 5.0
"""How much its radius grows in each second after that: people on foot, bicycles, town traffic."""

SPEED_M_S = 50.0
"""Two fixes that a car may have driven between (180 km/h) contradict nobody."""

SIGHT_M = 1_000.0
"""Whoever reports something sees or hears it. A chosen place farther from its caller than this
may be the right street of the wrong town, and is worth a question."""

FUTURE_S = 60.0
"""Clocks of phones are off by seconds; a fix from later than this has a wrong time."""

CONFLICTS_MAX = 20
"""Nobody looks at more; the newest come first."""

_NETWORK_METHODS = frozenset({"cell"})
"""PIDF-LO methods (RFC 4119 §2.2.5) by which the network guesses from the radio cell."""


class Reason(StrEnum):
    """Why the current location is this one."""

    NONE = "none"
    """Nothing was told."""
    CHOSEN = "chosen"
    """A person of the centre chose it."""
    TOLD = "told"
    """Another centre or system told it as the incident's place."""
    ONLY = "only"
    """The only fix."""
    NEWEST = "newest"
    """The newest fix, and nearly as good as the best."""
    BEST = "best"
    """Clearly better than what came after it."""
    NETWORK = "network"
    """Only the network's cell is known."""


@dataclass(frozen=True, slots=True)
class Known:
    """A location in the history of an incident; ``contact_id`` is whose, where it is anybody's."""

    location_id: LocationId
    kind: LocationKind
    location: Location
    contact_id: ContactId | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The current location, why, and pairs of locations that cannot both be true.

    The first of each pair is the one that counts.
    """

    current: Known | None
    why: Reason
    conflicts: tuple[tuple[LocationId, LocationId], ...] = ()


def r95_m(location: Location) -> float:
    """The radius that holds with 95 % confidence, so that radii can be compared.

    Scaled as for errors that are normal in two dimensions (RFC 7459 §5.3.1 allows that).
    """
    radius = location.shape.radius_m
    if location.source.is_human:
        # Who points at a house means that house; a circle drawn around it is meant as drawn.
        return max(radius or 0.0, RADIUS_LEAST_M)
    if radius is None:
        return RADIUS_UNSAID_M
    confidence = CONFIDENCE_UNSAID if location.confidence is None else location.confidence
    confidence = min(max(confidence, CONFIDENCE_LOWEST), CONFIDENCE_HIGHEST)
    return max(radius * math.sqrt(math.log(0.05) / math.log(1 - confidence)), RADIUS_LEAST_M)


def current_location(history: Sequence[Known], now: datetime) -> Choice:
    """Where the incident is. ``now`` (aware) only tells times that cannot be true."""
    fixes = _fixes(history, now)
    callers = [_of_caller(theirs) for theirs in _by_contact(fixes)]
    conflicts = [pair for caller in callers for pair in caller.conflicts]
    for is_place, why in _PLACES:
        places = [known for known in history if is_place(known)]
        if places:
            chosen = max(places, key=_received)
            doubts = [
                (chosen.location_id, caller.current.location_id)
                for caller in callers
                if caller.current is not None
                and _gap_m(chosen.location, caller.current.location) > SIGHT_M
            ]
            return Choice(chosen, why, tuple((doubts + conflicts)[:CONFLICTS_MAX]))
    current, why = _best(fixes)
    return Choice(current, why, tuple(conflicts[:CONFLICTS_MAX]))


def caller_location(
    history: Sequence[Known], contact_id: ContactId | None, now: datetime
) -> Choice:
    """Where the caller of that contact is, whatever place anybody chose for the incident."""
    fixes = _fixes(history, now)
    return _of_caller([fix for fix in fixes if fix.known.contact_id == contact_id])


def _is_chosen(known: Known) -> bool:
    place = known.kind in (LocationKind.INCIDENT, LocationKind.INITIAL)
    return place and known.location.source.is_human


_PLACES: Sequence[tuple[Callable[[Known], bool], Reason]] = (
    (_is_chosen, Reason.CHOSEN),
    (lambda known: known.kind is LocationKind.INCIDENT, Reason.TOLD),
    (lambda known: known.kind is LocationKind.INITIAL, Reason.TOLD),
)
"""What is the incident's own place, the strongest first."""


@dataclass(frozen=True, slots=True)
class _Fix:
    """A telling of where a caller is, as the rule needs it."""

    known: Known
    at: datetime
    r95_m: float

    @property
    def is_network(self) -> bool:
        location = self.known.location
        method = str(location.data.get("method", "")).lower()
        guessed = location.source is LocationSource.PIDF_LO and method in _NETWORK_METHODS
        return guessed or location.source is LocationSource.NETWORK_CELL

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """The newest is greatest; two of one moment by when we learned them."""
        return self.at, *_received(self.known)


def _received(known: Known) -> tuple[datetime, str]:
    return known.location.received_at, known.location_id


def _fixes(history: Sequence[Known], now: datetime) -> list[_Fix]:
    """Every fix of every caller, the newest first, exact repeats left out."""
    latest_credible = now + timedelta(seconds=FUTURE_S)
    first: dict[tuple[object, ...], _Fix] = {}
    for known in sorted(history, key=_received):
        if known.kind is not LocationKind.CALLER:
            continue
        location = known.location
        at = location.observed_at or location.received_at
        if at > latest_credible:
            at = location.received_at
        same = (known.contact_id, location.source, location.shape, location.observed_at)
        first.setdefault(same, _Fix(known, at, r95_m(location)))
    return sorted(first.values(), key=lambda fix: fix.order, reverse=True)


def _by_contact(fixes: Iterable[_Fix]) -> list[list[_Fix]]:
    callers: dict[ContactId | None, list[_Fix]] = {}
    for fix in fixes:
        callers.setdefault(fix.known.contact_id, []).append(fix)
    return list(callers.values())


def _of_caller(fixes: Sequence[_Fix]) -> Choice:
    """The choice among the fixes of one caller."""
    current, why = _best(fixes)
    if current is None:
        return Choice(None, why)
    mine = next(fix for fix in fixes if fix.known is current)
    others = [fix for fix in fixes if _contradicts(mine, fix)]
    pairs = [(current.location_id, other.known.location_id) for other in others]
    return Choice(current, why, tuple(pairs[:CONFLICTS_MAX]))


def _best(fixes: Sequence[_Fix]) -> tuple[Known | None, Reason]:
    """The one that counts, of fixes that come the newest first."""
    chosen = [fix.known for fix in fixes if fix.known.location.source.is_human]
    if chosen:
        return max(chosen, key=_received), Reason.CHOSEN
    of_devices = [fix for fix in fixes if not fix.is_network]
    candidates = of_devices or fixes
    if not candidates:
        return None, Reason.NONE
    newest_at = candidates[0].at
    radii = [_aged_m(fix, newest_at) for fix in candidates]
    good_enough = min(radii) * BETTER_BY
    # The newest of those that are nearly as good as the best one.
    index = next(place for place, radius in enumerate(radii) if radius <= good_enough)
    if not of_devices:
        why = Reason.NETWORK
    elif len(candidates) == 1:
        why = Reason.ONLY
    else:
        why = Reason.NEWEST if index == 0 else Reason.BEST
    return candidates[index].known, why


def _aged_m(fix: _Fix, newest_at: datetime) -> float:
    """The radius within which the caller may have moved since, as of the newest fix."""
    age_s = (newest_at - fix.at).total_seconds()
    return fix.r95_m + DRIFT_M_S * max(0.0, age_s - FRESH_S)


def _contradicts(a: _Fix, b: _Fix) -> bool:
    """Whether no car could have been in both places at both times."""
    apart_s = abs((a.at - b.at).total_seconds())
    return _gap_m(a.known.location, b.known.location) > SPEED_M_S * apart_s


def _gap_m(a: Location, b: Location) -> float:
    """Between two circles of 95 % confidence; negative where they overlap."""
    return distance_m(a.shape.centre, b.shape.centre) - r95_m(a) - r95_m(b)
