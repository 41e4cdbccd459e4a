"""The sessions with all operators, and by which of them a part may leave."""

from collections.abc import Mapping, Sequence
from typing import Final

from ccserver.sms.ports import SMPPSession

OTHER_OPERATOR_AFTER_S: Final = 45.0
"""Without any bind of the citizen's operator for so long (which is also when the alarm is raised)
its texts leave by another one: it carries them to the same citizen, for more money."""


class Roster:
    """Sessions by operator, in the order of the settings.

    An operator is down while none of its binds is bound; `look` is told the time to know how long.
    """

    def __init__(self, sessions: Mapping[str, Sequence[SMPPSession]]) -> None:
        self._sessions = sessions
        self._operator_of = {
            one.name: operator for operator, several in sessions.items() for one in several
        }
        self._down_since: dict[str, float] = {}

    def look(self, now: float) -> None:
        """Note which operators are down."""
        for operator, sessions in self._sessions.items():
            if any(one.ready for one in sessions):
                self._down_since.pop(operator, None)
            else:
                self._down_since.setdefault(operator, now)

    def down_since(self, operator: str) -> float | None:
        """Since when, by the clock of `look`, an operator has no bind; ``None``: it has one."""
        return self._down_since.get(operator)

    def operator_of(self, bind: str) -> str | None:
        """Whose bind that is; ``None`` where it is no longer in the settings."""
        return self._operator_of.get(bind)

    def of(self, operator: str) -> Sequence[SMPPSession]:
        """The sessions with an operator."""
        return self._sessions.get(operator, ())

    def sessions(self) -> list[SMPPSession]:
        """All of them."""
        return [one for several in self._sessions.values() for one in several]

    def choose(
        self, operator: str, bind: str, *, now: float, taken: Mapping[str, int]
    ) -> SMPPSession | None:
        """By what a part for a citizen of ``operator`` may leave now, or ``None``.

        The bind that the citizen used is the first choice, then another one of the same operator;
        one of another operator only after `OTHER_OPERATOR_AFTER_S`. ``taken`` counts what was
        chosen for a session and is not yet under way.
        """
        own = self._sessions.get(operator, ())
        for one in sorted(own, key=lambda one: one.name != bind):
            if one.can_send and one.free > taken.get(one.name, 0):
                return one
        since = self._down_since.get(operator)
        gone = operator not in self._sessions
        if not gone and (since is None or now - since < OTHER_OPERATOR_AFTER_S):
            return None
        for other, sessions in self._sessions.items():
            for one in sessions if other != operator else ():
                if one.can_send and one.free > taken.get(one.name, 0):
                    return one
        return None
