"""The distributor's offers: phones that ring, one or several for a contact."""

import asyncio
import math
from collections.abc import Callable

import structlog

from ccserver.acd.commands import OfferKind
from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import Call, CallPhase
from ccserver.telephony.errors import ARIRefused, TelephonyError
from ccserver.telephony.guard import Guard
from ccserver.telephony.party import Leg, PartyKind, offer_leg_id
from ccserver.telephony.transfer import MOVES, Move, News, react
from ccserver.types import AgentId, ContactId, OfferId

log = structlog.get_logger(__name__)

RING_MARGIN_S = 5  # the distributor ends an offer; Asterisk's own limit is for a dead distributor
CENTRE_NUMBER = "112"  # who calls, where the caller's number is not to be shown
FAILURE_OF_CAUSE = {
    17: OfferFailure.BUSY,
    21: OfferFailure.REJECTED,
    3: OfferFailure.UNREACHABLE,
    18: OfferFailure.UNREACHABLE,
    20: OfferFailure.UNREACHABLE,
    27: OfferFailure.UNREACHABLE,
}


class Offers:
    """Legs of call takers, until they are connected."""

    def __init__(self, guard: Guard, *, endpoint_of_agent: Callable[[AgentId], str | None]) -> None:
        self._guard = guard
        self._endpoint_of_agent = endpoint_of_agent
        self.no_call_taker: Callable[[Call], None] = lambda call: None
        """What becomes of our own call whose call taker could not be had; set by `Outbound`."""

    def offer(
        self,
        offer_id: OfferId,
        contact_id: ContactId,
        agent_id: AgentId,
        timeout_s: float,
        kind: OfferKind,
    ) -> None:
        """Ring the call taker's phone for this contact; a failure is told later, not from here."""
        call = self._guard.table.get(contact_id)
        endpoint = self._endpoint_of_agent(agent_id)
        if call is None or endpoint is None or not _fits(call, kind):
            log.warning("offer_impossible", contact_id=contact_id, agent_id=agent_id)
            asyncio.get_running_loop().call_soon(
                self._guard.observer.offer_failed, offer_id, OfferFailure.FAILED
            )
            return
        if kind is OfferKind.ANSWER:
            # Of a conversation whose end we have not heard of.
            self._guard.withdraw_all(call, lambda leg: leg.joined or leg.offer_id is None)
        leg = Leg(
            offer_leg_id(offer_id),
            PartyKind.AGENT,
            agent_id=agent_id,
            offer_id=offer_id,
            offer_kind=kind,
        )
        call.take(leg)
        self._guard.table.bind(leg.leg_id, contact_id)
        if kind is OfferKind.ASSIST:
            call.other = leg
            call.move(MOVES[call.phase, Move.RING_OTHER])
        self._guard.changed(call)
        self._guard.table.spawn(call, self._ring(call, leg, endpoint, timeout_s))

    def rescind(self, offer_id: OfferId, contact_id: ContactId) -> None:
        """Stop ringing, or let go of a leg that answered too late."""
        call = self._guard.table.get(contact_id)
        leg = call.offer(offer_id) if call else None
        if call is not None and leg is not None:
            self.give_up(call, leg)
        else:
            self._guard.table.spawn(call, self._guard.drop_leg(offer_leg_id(offer_id)))

    def answered(self, call: Call, leg: Leg) -> None:
        """The call taker's phone answered; to be told once."""
        if leg.answered or leg.withdrawn or leg.offer_id is None:
            return
        leg.created = leg.answered = True
        call.changes += 1
        self._guard.observer.offer_answered(leg.offer_id)

    def failed(self, call: Call, leg: Leg, failure: OfferFailure) -> None:
        """The offer has come to nothing, and nobody has told the distributor yet."""
        self.give_up(call, leg)
        if leg.offer_id is not None:
            self._guard.observer.offer_failed(leg.offer_id, failure)

    def give_up(self, call: Call, leg: Leg) -> None:
        """Nobody wants this leg; a conversation that waited for it goes on without it."""
        other = call.other is leg
        self._guard.withdraw(call, leg)
        if other:
            call.move(react(call.phase, News.OTHER_ENDED).phase)
        self._guard.changed(call)
        if leg.offer_kind is OfferKind.OUTBOUND:
            self.no_call_taker(call)

    async def _ring(self, call: Call, leg: Leg, endpoint: str, timeout_s: float) -> None:
        if leg.withdrawn or leg.offer_id is None or leg.agent_id is None:
            return
        variables = {
            "CONTACT_ID": call.contact_id,
            "OFFER_ID": leg.offer_id,
            "AGENT_ID": leg.agent_id,
            "PARTY_KIND": leg.kind.value,
            "CALLER_CHANNEL": call.caller_channel,
            "PJSIP_HEADER(add,X-CCServer-Contact)": call.contact_id,
            "PJSIP_HEADER(add,X-CCServer-Offer)": leg.offer_id,
            # On the leg from its first moment: it also runs when we are dead.
            "CHANNEL(hangup_handler_push)": "agent-leg,gone,1",
        }
        try:
            await self._guard.actions.ring(
                leg.leg_id,
                endpoint=endpoint,
                caller_id=call.facts.caller_number or "anonymous",
                timeout_s=math.ceil(timeout_s) + RING_MARGIN_S,
                variables=variables,
                # Of the others' conversation with the caller the caller's own recording tells all.
                recorded=leg.offer_kind is OfferKind.ASSIST,
            )
            leg.created = True
            call.changes += 1
        except TelephonyError as error:
            log.warning("offer_not_rung", contact_id=call.contact_id, reason=type(error).__name__)
            if leg.withdrawn or leg.over or leg.answered:
                return  # told already; or it rang and was answered before the answer was lost
            refused = isinstance(error, ARIRefused)
            failure = OfferFailure.UNREACHABLE if refused else OfferFailure.FAILED
            self.failed(call, leg, failure)
            return
        # Made while it rings, so that it is there when it is answered; if not, joining makes it.
        await self._guard.make_bridge(call)


def _fits(call: Call, kind: OfferKind) -> bool:
    if kind is OfferKind.ASSIST:
        return (call.phase, Move.RING_OTHER) in MOVES
    return call.phase is (CallPhase.CLAIMED if kind is OfferKind.ANSWER else CallPhase.DIALLED)
