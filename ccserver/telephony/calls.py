"""Voice contacts: turns ARI's events into news for the distributor, and its wishes into calls.

Asterisk holds the truth and carries the calls; this is the view of it. Everything here may be
repeated, late or missing, so each handler looks at the state before it acts, and `survey` repairs
what was missed. One rule is never broken: whatever fails here, the caller stays where the dialplan
can see it (a lease, or a call taker's leg with its hang-up handler).
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import structlog

from ccserver.acd.events import OfferFailure
from ccserver.telephony.actions import Actions
from ccserver.telephony.call import (
    LEASED_PHASES,
    Call,
    CallFacts,
    CallPhase,
    OfferLeg,
    bridge_id_of,
    offer_leg_id,
    offer_of_leg,
)
from ccserver.telephony.errors import ARIRefused, TelephonyError
from ccserver.telephony.observer import CallObserver
from ccserver.telephony.table import CallTable
from ccserver.types import AgentId, ContactId, LegId, OfferId

log = structlog.get_logger(__name__)

EVENTS_WANTED = (
    "CallBroadcast",
    "StasisStart",
    "StasisEnd",
    "ChannelDestroyed",
    "ChannelHangupRequest",
)
RING_MARGIN_S = 5  # the distributor ends an offer; Asterisk's own limit is for a dead distributor
CAUSE_NORMAL_CLEARING = 16  # ITU-T Q.850
FAILURE_OF_CAUSE = {
    17: OfferFailure.BUSY,
    21: OfferFailure.REJECTED,
    3: OfferFailure.UNREACHABLE,
    18: OfferFailure.UNREACHABLE,
    20: OfferFailure.UNREACHABLE,
    27: OfferFailure.UNREACHABLE,
}


class Calls:
    """All voice contacts of this process."""

    def __init__(
        self,
        actions: Actions,
        observer: CallObserver,
        *,
        lease_s: int,
        endpoint_of_agent: Callable[[AgentId], str | None],
    ) -> None:
        self.actions = actions
        self.observer = observer
        self.lease_s = lease_s
        self._endpoint_of_agent = endpoint_of_agent
        self.table = CallTable()

    # -- Asterisk's events ----------------------------------------------------------------------

    def handle(self, event: dict[str, Any]) -> None:
        """One ARI event. Unknown kinds and unknown channels are none of our business."""
        channel = event.get("channel")
        if not isinstance(channel, dict) or not isinstance(channel.get("id"), str):
            return
        kind = event.get("type")
        offer_id = offer_of_leg(channel["id"])
        if offer_id is not None:
            self._handle_offer_leg(kind, event, channel["id"], offer_id)
        elif kind == "CallBroadcast":
            self.table.spawn(None, self._claim(channel))
        elif kind == "StasisStart":
            self._caller_entered(channel)
        else:
            self._handle_caller_leg(kind, channel["id"])

    def _handle_offer_leg(
        self, kind: object, event: dict[str, Any], leg_id: str, offer_id: OfferId
    ) -> None:
        call = self.table.of_leg(leg_id)
        leg = call.offer if call else None
        if call is None or leg is None or leg.offer_id != offer_id:
            if kind == "StasisStart":
                # Answered after we gave it up: the phone must not stay off the hook for nothing.
                self.table.spawn(None, self.drop_leg(LegId(leg_id)))
            return
        if kind == "StasisStart" and not leg.answered and not leg.withdrawn:
            leg.answered = True
            self.observer.offer_answered(offer_id)
        elif kind == "ChannelDestroyed":
            self.offer_leg_gone(call, leg, int(event.get("cause") or 0))

    def offer_leg_gone(self, call: Call, leg: OfferLeg, cause: int) -> None:
        """The call taker's leg has ended, with this cause of ITU-T Q.850 (0: not known)."""
        self.table.unbind(leg.leg_id)
        if call.offer is leg:
            call.offer = None
        if leg.withdrawn:
            return
        if not leg.answered:
            failure = FAILURE_OF_CAUSE.get(cause, OfferFailure.FAILED)
            self.observer.offer_failed(leg.offer_id, failure)
        elif call.phase is CallPhase.CONNECTING:
            call.phase = CallPhase.CLAIMED
            self.observer.connect_failed(call.contact_id)
        elif cause == CAUSE_NORMAL_CLEARING and call.phase is not CallPhase.HELD:
            self._conversation_over(call)
        # Otherwise the dialplan sends the caller back to us, as it would without us.

    def _handle_caller_leg(self, kind: object, leg_id: str) -> None:
        call = self.table.of_leg(leg_id)
        if call is None:
            return
        if kind == "ChannelHangupRequest":
            self._caller_hung_up(call)
        elif kind == "ChannelDestroyed":
            self.caller_destroyed(call)
        elif kind == "StasisEnd":
            self._caller_left_application(call)

    async def _claim(self, channel: dict[str, Any]) -> None:
        claimed = await self.actions.claim(LegId(channel["id"]))
        log.debug("claim_answered", claimed=claimed)

    def _caller_entered(self, channel: dict[str, Any]) -> None:
        facts = CallFacts.from_channel_variables(channel.get("channelvars") or {})
        if facts is None:
            log.error("unknown_channel_in_application", leg_id=channel["id"])
            return
        call = self.table.remember(facts, LegId(channel["id"]), channel.get("name", ""))
        call.phase = CallPhase.CLAIMED
        log.info("caller_claimed", contact_id=facts.contact_id)
        self.observer.caller_waits(facts)

    def _caller_left_application(self, call: Call) -> None:
        """The lease ran out, or a hang-up handler sent the caller elsewhere."""
        before, call.phase = call.phase, CallPhase.PARACHUTE
        if before in LEASED_PHASES:
            self.observer.caller_left(call.facts, agent_channel=None)
        # Out of a conversation: the end of the call taker's leg, or the next claim, tells more.

    def _caller_hung_up(self, call: Call) -> None:
        if call.phase is CallPhase.GONE:
            return
        call.phase = CallPhase.GONE
        # The distributor rescinds an offer by itself; an answered leg is ours to end.
        if call.offer is not None and call.offer.answered:
            self.withdraw(call, call.offer)
        if not call.ended_posted:
            call.ended_posted = True
            self.observer.caller_gone(call.contact_id)

    def caller_destroyed(self, call: Call) -> None:
        """The caller's channel does not exist any more."""
        self._caller_hung_up(call)
        self._forget(call)
        self.observer.recording_complete(call.contact_id)

    def _conversation_over(self, call: Call) -> None:
        """The call taker hung up; the dialplan ends the caller's leg, we make sure of it."""
        if not call.ended_posted:
            call.ended_posted = True
            self.observer.conversation_ended(call.contact_id)
        self.table.spawn(call, self.actions.hang_up(call.caller_leg))

    def _forget(self, call: Call) -> None:
        self.table.forget(call)
        if call.bridge_made:
            self.table.spawn(call, self.actions.destroy_bridge(bridge_id_of(call.contact_id)))

    # -- the distributor's commands -------------------------------------------------------------

    def offer(
        self, offer_id: OfferId, contact_id: ContactId, agent_id: AgentId, timeout_s: float
    ) -> None:
        """Ring the call taker's phone for this contact."""
        call = self.table.get(contact_id)
        endpoint = self._endpoint_of_agent(agent_id)
        if call is None or call.phase is not CallPhase.CLAIMED or endpoint is None:
            log.warning("offer_impossible", contact_id=contact_id, agent_id=agent_id)
            asyncio.get_running_loop().call_soon(
                self.observer.offer_failed, offer_id, OfferFailure.FAILED
            )
            return
        leg = OfferLeg(offer_id, agent_id, offer_leg_id(offer_id))
        call.offer = leg
        self.table.bind(leg.leg_id, contact_id)
        self.table.spawn(call, self._ring(call, leg, endpoint, timeout_s))

    def rescind(self, offer_id: OfferId, contact_id: ContactId) -> None:
        """Stop ringing, or let go of a leg that answered too late."""
        call = self.table.get(contact_id)
        if call is not None and call.offer is not None and call.offer.offer_id == offer_id:
            self.withdraw(call, call.offer)
        else:
            self.table.spawn(call, self.drop_leg(offer_leg_id(offer_id)))

    def connect(self, offer_id: OfferId, contact_id: ContactId) -> None:
        """Join caller and call taker."""
        call = self.table.get(contact_id)
        leg = call.offer if call else None
        if call is None or leg is None or leg.offer_id != offer_id:
            self.table.spawn(None, self.drop_leg(offer_leg_id(offer_id)))
            return
        if call.phase is not CallPhase.CLAIMED:
            self.withdraw(call, leg)
            return
        call.phase = CallPhase.CONNECTING
        self.table.spawn(call, self._join(call, leg))

    async def _ring(self, call: Call, leg: OfferLeg, endpoint: str, timeout_s: float) -> None:
        if leg.withdrawn:
            return
        variables = {
            "CONTACT_ID": call.contact_id,
            "OFFER_ID": leg.offer_id,
            "AGENT_ID": leg.agent_id,
            "CALLER_CHANNEL": call.caller_channel,
            "PJSIP_HEADER(add,X-CCServer-Contact)": call.contact_id,
            "PJSIP_HEADER(add,X-CCServer-Offer)": leg.offer_id,
            # On the leg from its first moment: it also runs when we are dead.
            "CHANNEL(hangup_handler_push)": "agent-leg,gone,1",
        }
        try:
            await self.actions.ring(
                leg.leg_id,
                endpoint=endpoint,
                caller_id=call.facts.caller_number or "anonymous",
                timeout_s=math.ceil(timeout_s) + RING_MARGIN_S,
                variables=variables,
            )
            leg.created = True
            if not call.bridge_made:
                await self.actions.make_bridge(bridge_id_of(call.contact_id), call.contact_id)
                call.bridge_made = True
        except TelephonyError as error:
            log.warning("offer_not_rung", contact_id=call.contact_id, reason=type(error).__name__)
            if leg.withdrawn:
                return
            self.withdraw(call, leg)
            refused = isinstance(error, ARIRefused)
            self.observer.offer_failed(
                leg.offer_id, OfferFailure.UNREACHABLE if refused else OfferFailure.FAILED
            )

    async def _join(self, call: Call, leg: OfferLeg) -> None:
        """Hang-up handler (since the ring), bridge, lease cleared, connected: in this order.

        If we die in between, the caller has a lease or a guarded leg at every point.
        """
        bridge_id = bridge_id_of(call.contact_id)
        try:
            await asyncio.gather(
                self.actions.set_variable(leg.leg_id, "CONNECTED", "1"),
                self.actions.set_variable(call.caller_leg, "AGENT_CHANNEL", leg.leg_id),
                self.actions.stop_music(call.caller_leg),
            )
            if not call.bridge_made:
                await self.actions.make_bridge(bridge_id, call.contact_id)
                call.bridge_made = True
            await self.actions.join(bridge_id, call.caller_leg, leg.leg_id)
            await self.actions.set_lease(call.caller_leg, 0)
        except TelephonyError as error:
            if call.phase is not CallPhase.CONNECTING:
                return  # the caller left meanwhile
            log.warning("connect_failed", contact_id=call.contact_id, reason=type(error).__name__)
            self.withdraw(call, leg)
            await self.back_to_music(call)
            return
        if call.phase is CallPhase.CONNECTING:
            call.phase = CallPhase.TALKING
            self.observer.connected(call.contact_id, leg.agent_id)

    async def back_to_music(self, call: Call) -> None:
        """The caller waits again. If even this fails, the lease sends it to the parachute."""
        call.phase = CallPhase.CLAIMED
        self.observer.connect_failed(call.contact_id)
        try:
            await self.actions.leave(bridge_id_of(call.contact_id), call.caller_leg)
            await self.actions.set_lease(call.caller_leg, self.lease_s)
            await self.actions.start_music(call.caller_leg, "emergency")
        except TelephonyError as error:
            log.warning("music_failed", contact_id=call.contact_id, reason=type(error).__name__)

    def withdraw(self, call: Call, leg: OfferLeg) -> None:
        """Give up a leg; its end is no news for the distributor."""
        leg.withdrawn = True
        if call.offer is leg:
            call.offer = None
        self.table.unbind(leg.leg_id)
        self.table.spawn(call, self.drop_leg(leg.leg_id))

    async def drop_leg(self, leg_id: LegId) -> None:
        """Hang up a call taker's leg that is not wanted; the caller stays."""
        # "congestion", not "normal": if the leg was already connected, the dialplan then takes it
        # for lost and the caller goes on waiting instead of being hung up.
        await self.actions.hang_up(leg_id, reason="congestion")
