"""Parties outside: a service, an interpreter, any number; rung over the trunk."""

import itertools

import structlog

from ccserver.telephony.call import Call
from ccserver.telephony.errors import ARIRefused, TelephonyError
from ccserver.telephony.guard import Guard
from ccserver.telephony.offers import CENTRE_NUMBER
from ccserver.telephony.party import (
    NAME_MAX,
    PARTY_LEG_PREFIX,
    Leg,
    NumberTarget,
    PartyKind,
    diallable,
)
from ccserver.telephony.transfer import MOVES, CallRefused, Move
from ccserver.types import LegId

log = structlog.get_logger(__name__)

OUTSIDE_RING_S = 45  # a service's switchboard may queue; then the call taker wants the caller back
TRUNK = "trunk"  # the endpoint in pjsip.conf


class Outside:
    """Rings outside parties. ``instance`` makes their channel ids unique over restarts."""

    def __init__(self, guard: Guard, *, instance: str, trunk: bool) -> None:
        self._guard = guard
        self._instance = instance
        self._trunk = trunk
        self._numbers = itertools.count(1)

    def endpoint(self, number: str) -> str:
        """What to dial for a number; raises `CallRefused`."""
        if not self._trunk:
            raise CallRefused("no_trunk")
        digits = diallable(number)
        if digits is None:
            raise CallRefused("bad_number")
        return f"{digits}@{TRUNK}"

    async def ring(self, call: Call, target: NumberTarget) -> Leg:
        """The move RING_OTHER: the call's other is from now on this number, and rings.

        Raises `CallRefused`, or a telephony error; then there is no other.
        """
        endpoint = self.endpoint(target.number)
        phase = MOVES.get((call.phase, Move.RING_OTHER))
        if phase is None:
            raise CallRefused("changed_meanwhile")
        leg = Leg(
            LegId(f"{PARTY_LEG_PREFIX}{self._instance}-{next(self._numbers)}"),
            target.kind,
            number=diallable(target.number),
            name=target.name[:NAME_MAX],
        )
        call.take(leg)
        call.other = leg
        call.move(phase)
        self._guard.table.bind(leg.leg_id, call.contact_id)
        self._guard.changed(call)
        await self._originate(call, leg, endpoint)
        return leg

    async def _originate(self, call: Call, leg: Leg, endpoint: str) -> None:
        try:
            await self._guard.actions.ring(
                leg.leg_id,
                endpoint=endpoint,
                caller_id=_shown_number(call, leg),
                timeout_s=OUTSIDE_RING_S,
                variables=_variables(call, leg),
                recorded=True,
            )
        except TelephonyError as error:
            if not isinstance(error, ARIRefused) and leg.answered:
                return  # it was done; only its answer was lost
            raise
        leg.created = True
        call.changes += 1
        await self._guard.make_bridge(call)


def _shown_number(call: Call, leg: Leg) -> str:
    """A service is to see whom it is about; nobody else learns a citizen's number from us."""
    of_citizen = call.facts.caller_number if leg.kind is PartyKind.SERVICE else None
    return of_citizen or CENTRE_NUMBER


def _variables(call: Call, leg: Leg) -> dict[str, str]:
    variables = {
        "CONTACT_ID": call.contact_id,
        "PARTY_KIND": leg.kind.value,
        "PARTY_NUMBER": leg.number or "",
        "PARTY_NAME": leg.name,
        "CALLER_CHANNEL": call.caller_channel,
    }
    if leg.keeps:
        variables["CHANNEL(hangup_handler_push)"] = "agent-leg,gone,1"
    return variables
