"""The sessions with all operators, and by which of them a part may leave."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from ccserver.sms.ports import SMPPSession

OTHER_OPERATOR_AFTER_S: Final = 45.0
"""Without any bind of the citizen's operator for so long (which is also when the alarm is raised)
its texts leave by another one: it carries them to the same citizen, for more money."""


class Roster:
    """Sessions by operator, in the order of the settings; ``modes`` of binds by their names.

    Of a bind without a mode it is taken that it sends and receives.
    """

    def __init__(
        self,
        sessions: Mapping[str, Sequence[SMPPSession]],
        *,
        modes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._sessions = sessions
        self._senders = _without(sessions, modes, "receiver")
        self._receivers = _without(sessions, modes, "transmitter")
        self._operator_of = {
            one.name: operator for operator, several in sessions.items() for one in several
        }

    def down_since(self, operator: str) -> float | None:
        """Since when nothing comes in from an operator, or nothing goes out; ``None``: both do.

        By the sessions' clock. One that is set up in one direction only is not down in the other.
        """
        sides = (self._senders.get(operator, ()), self._receivers.get(operator, ()))
        times = [since for side in sides if (since := _all_down_since(side)) is not None]
        return min(times, default=None)

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
        own = self._senders.get(operator, ())
        for one in sorted(own, key=lambda one: one.name != bind):
            if one.can_send and one.free > taken.get(one.name, 0):
                return one
        since = _all_down_since(own)
        if own and (since is None or now - since < OTHER_OPERATOR_AFTER_S):
            return None
        for other, sessions in self._senders.items():
            for one in sessions if other != operator else ():
                if one.can_send and one.free > taken.get(one.name, 0):
                    return one
        return None


def _without(
    sessions: Mapping[str, Sequence[SMPPSession]], modes: Mapping[str, str], mode: str
) -> dict[str, tuple[SMPPSession, ...]]:
    return {
        operator: tuple(one for one in several if modes.get(one.name) != mode)
        for operator, several in sessions.items()
    }


def _all_down_since(sessions: Sequence[SMPPSession]) -> float | None:
    """When the last one of them was lost; ``None`` where one is up, or there are none."""
    times = [one.down_since for one in sessions]
    if None in times:
        return None
    return max((time for time in times if time is not None), default=None)
