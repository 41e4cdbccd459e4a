"""Who has which card open, and in which field they are. In memory, with time passed in.

Whoever has a card open says so every few seconds, and is forgotten when they stop: a browser that
is closed says nothing. Nothing depends on it, so nothing of it is stored.
"""

from dataclasses import dataclass, field

from ccserver.types import IncidentId

FORGOTTEN_AFTER_S = 25.0
"""Said every 10 s, so one that is lost does not matter."""
PEOPLE_MAX = 50
"""On one card: nobody needs to see more; whoever comes then is not shown."""
CARDS_MAX = 5_000
"""Open at the same time, more than a centre has seats; beyond it nobody new is shown."""


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who has the card open."""

    login: str
    name: str
    field: str | None


@dataclass(slots=True)
class _Seen:
    present: Present
    until: float


@dataclass(slots=True)
class CardPresence:
    """Who is on which card. Methods that change something return whether people see a change."""

    _cards: dict[IncidentId, dict[str, _Seen]] = field(default_factory=dict)

    def seen(self, incident_id: IncidentId, present: Present, now: float) -> bool:
        """Somebody has the card open; holds for `FORGOTTEN_AFTER_S`."""
        people = self._cards.get(incident_id, {})
        known = people.get(present.login)
        full = len(people) >= PEOPLE_MAX or (not people and len(self._cards) >= CARDS_MAX)
        if known is None and full:
            return False
        people[present.login] = _Seen(present, now + FORGOTTEN_AFTER_S)
        self._cards[incident_id] = people
        return known is None or known.present != present

    def left(self, incident_id: IncidentId, login: str) -> bool:
        """Somebody has closed the card."""
        people = self._cards.get(incident_id, {})
        gone = people.pop(login, None) is not None
        if not people:
            self._cards.pop(incident_id, None)
        return gone

    def people(self, incident_id: IncidentId, now: float) -> list[Present]:
        """Who has the card open, by login."""
        seen = self._cards.get(incident_id, {}).values()
        return sorted(
            (one.present for one in seen if one.until > now), key=lambda present: present.login
        )

    def forget(self, now: float) -> list[IncidentId]:
        """Forget whoever has not been seen for too long; return the cards of which that is true."""
        changed = []
        for incident_id, people in list(self._cards.items()):
            gone = [login for login, one in people.items() if one.until <= now]
            for login in gone:
                self.left(incident_id, login)
            if gone:
                changed.append(incident_id)
        return changed
