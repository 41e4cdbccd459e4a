"""Voice contacts: turns ARI's events into news for the distributor, and its wishes into calls.

Asterisk holds the truth and carries the calls; this is the view of it. Everything here may be
repeated, late or missing, so each handler looks at the state before it acts, and `survey` repairs
what was missed. One rule is never broken: whatever fails here, the caller stays where the dialplan
can see it (a lease, or a call taker's leg with its hang-up handler).
"""

import asyncio
import contextlib
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
LEASE_RENEWALS = 4  # per lease: two may fail, and the third still comes before its end
LEASE_DOUBTS = 4  # one lease's worth of renewals: until then a lost one may still be carried out
FAILURE_OF_CAUSE = {
    17: OfferFailure.BUSY,
    21: OfferFailure.REJECTED,
    3: OfferFailure.UNREACHABLE,
    18: OfferFailure.UNREACHABLE,
    20: OfferFailure.UNREACHABLE,
    27: OfferFailure.UNREACHABLE,
}
_TALKED_PHASES = frozenset({CallPhase.TALKING, CallPhase.PARACHUTE})
"""The caller's way out of the application can be told before the end of the call taker's leg."""


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
        self.look_again = False
        """Something does not fit: the next survey should come soon."""

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
                self.table.spawn(None, self.release_leg(LegId(leg_id)))
            elif kind == "ChannelDestroyed":
                self.table.unbind(LegId(leg_id))
            return
        if kind == "StasisStart":
            self.offer_leg_answered(call, leg)
        elif kind == "ChannelDestroyed":
            cause = event.get("cause")
            self.offer_leg_gone(call, leg, cause if isinstance(cause, int) else 0)

    def offer_leg_answered(self, call: Call, leg: OfferLeg) -> None:
        """The call taker's phone answered; to be told once."""
        if leg.answered or leg.withdrawn:
            return
        leg.created = leg.answered = True
        call.changes += 1
        self.observer.offer_answered(leg.offer_id)

    def offer_leg_gone(self, call: Call, leg: OfferLeg, cause: int) -> None:
        """The call taker's leg has ended, with this cause of ITU-T Q.850 (0: not known)."""
        leg.over = True
        self.table.unbind(leg.leg_id)
        if call.offer is leg:
            call.take(None)
        if leg.withdrawn:
            return
        if not leg.answered:
            failure = FAILURE_OF_CAUSE.get(cause, OfferFailure.FAILED)
            self.observer.offer_failed(leg.offer_id, failure)
        elif call.phase is CallPhase.CONNECTING:
            self.wait_again(call)
        elif cause == CAUSE_NORMAL_CLEARING and not leg.held and call.phase in _TALKED_PHASES:
            self._conversation_over(call)
        else:
            # The dialplan sends the caller back to us, as it would without us. If it does not,
            # the caller sits alone in the bridge.
            self.look_again = True

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
        variables = channel.get("channelvars") or {}
        log.debug("claim_answered", contact_id=variables.get("CONTACT_ID"), claimed=claimed)

    def _caller_entered(self, channel: dict[str, Any]) -> None:
        facts = CallFacts.from_channel_variables(channel.get("channelvars") or {})
        if facts is None:
            log.error("unknown_channel_in_application", leg_id=channel["id"])
            return
        call = self.table.get(facts.contact_id)
        if self.table.is_over(facts.contact_id) or (call and call.phase is CallPhase.GONE):
            return  # overtaken by the caller's end
        if call is not None and call.phase is not CallPhase.PARACHUTE:
            # Repeated, or its StasisEnd was lost; a look into Asterisk tells which. Believing it
            # would take a talking caller away from the call taker.
            log.info("caller_claimed_again", contact_id=facts.contact_id, phase=call.phase)
            self.look_again = True
            return
        if call is not None and call.ended_posted:
            self.table.spawn(call, self.end_caller(call))
            return
        call = self.table.remember(facts, LegId(channel["id"]), channel.get("name", ""))
        call.move(CallPhase.CLAIMED)
        log.info("caller_claimed", contact_id=facts.contact_id)
        self.observer.caller_waits(facts)

    def _caller_left_application(self, call: Call) -> None:
        """The lease ran out, or a hang-up handler sent the caller elsewhere."""
        if call.phase in (CallPhase.GONE, CallPhase.PARACHUTE):
            return
        before, leg = call.phase, call.offer
        call.move(CallPhase.PARACHUTE)
        if leg is not None and leg.answered:
            if before is CallPhase.CONNECTING:
                self.withdraw(call, leg)
            else:
                # Should it live, it is alone, and its end would reach for the caller. The cause
                # of its end still tells whether the conversation is over.
                self.table.spawn(call, self.release_leg(leg.leg_id))
        if before in LEASED_PHASES and not call.ended_posted:
            self.observer.caller_left(call.facts, agent_channel=None)
        # Out of a conversation: the end of the call taker's leg, or the next claim, tells more.

    def _caller_hung_up(self, call: Call) -> None:
        if call.phase is CallPhase.GONE:
            return
        call.move(CallPhase.GONE)
        # The distributor rescinds an offer by itself; an answered leg is ours to end.
        if call.offer is not None and call.offer.answered:
            self.withdraw(call, call.offer)
        if not call.ended_posted:
            call.ended_posted = True
            if call.hang_up_wanted:
                self.observer.conversation_ended(call.contact_id)
            else:
                self.observer.caller_gone(call.contact_id)

    def caller_destroyed(self, call: Call) -> None:
        """The caller's channel does not exist any more."""
        self._caller_hung_up(call)
        self._forget(call)
        self.observer.recording_complete(call.contact_id)

    def _conversation_over(self, call: Call) -> None:
        """The call taker hung up; the dialplan ends the caller's leg, we make sure of it."""
        self.conversation_ended(call)
        self.table.spawn(call, self.end_caller(call))

    def conversation_ended(self, call: Call) -> None:
        """Tell it, if the end is not yet known."""
        if not call.ended_posted:
            call.ended_posted = True
            call.changes += 1
            self.observer.conversation_ended(call.contact_id)

    async def end_caller(self, call: Call) -> None:
        """Hang up a caller whose conversation is over; the survey tries again if it fails."""
        try:
            await self.actions.hang_up(call.caller_leg)
        except TelephonyError:
            self.look_again = True
            raise

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
        if call.offer is not None:
            self.withdraw(call, call.offer)  # of a conversation whose end we have not heard of
        leg = OfferLeg(offer_id, agent_id, offer_leg_id(offer_id))
        call.take(leg)
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
        call.move(CallPhase.CONNECTING)
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
            call.changes += 1
        except TelephonyError as error:
            log.warning("offer_not_rung", contact_id=call.contact_id, reason=type(error).__name__)
            if leg.withdrawn or leg.over or leg.answered:
                return  # told already; or it rang and was answered before the answer was lost
            self.withdraw(call, leg)
            refused = isinstance(error, ARIRefused)
            self.observer.offer_failed(
                leg.offer_id, OfferFailure.UNREACHABLE if refused else OfferFailure.FAILED
            )
            return
        # Made while it rings, so that it is there when it is answered; if not, joining makes it.
        await self._make_bridge(call)

    async def _make_bridge(self, call: Call) -> None:
        if not call.bridge_made:
            await self.actions.make_bridge(bridge_id_of(call.contact_id), call.contact_id)
            call.bridge_made = True
            if self.table.is_over(call.contact_id):
                await self.actions.destroy_bridge(bridge_id_of(call.contact_id))

    async def _join(self, call: Call, leg: OfferLeg) -> None:
        """Hang-up handler (since the ring), bridge, handler armed, lease cleared, connected.

        If we die in between, the caller has a lease or a guarded leg at every point. The handler
        is armed only when both are in the bridge: before that, a call taker who gives up would
        take the caller along.
        """

        def wanted() -> bool:
            return call.phase is CallPhase.CONNECTING and call.offer is leg

        try:
            prepared = await asyncio.gather(
                self.actions.set_variable(call.caller_leg, "AGENT_CHANNEL", leg.leg_id),
                self.actions.stop_music(call.caller_leg),
                self._make_bridge(call),
                return_exceptions=True,  # a late "stop music" must not follow a new "start music"
            )
            for outcome in prepared:
                if isinstance(outcome, BaseException):
                    raise outcome
            await self.actions.join(bridge_id_of(call.contact_id), call.caller_leg, leg.leg_id)
            await self.actions.set_variable(leg.leg_id, "CONNECTED", "1")
            if wanted():
                await self.clear_lease(call)
        except TelephonyError as error:
            log.warning("connect_failed", contact_id=call.contact_id, reason=type(error).__name__)
            if wanted():
                await self._give_up_join(call, leg)
            return
        if wanted():
            call.move(CallPhase.TALKING)
            self.observer.connected(call.contact_id, leg.agent_id)
        elif call.phase in LEASED_PHASES:
            # The call taker was lost while the lease was being cleared.
            await self.renew_lease(call, deadline_s=self.lease_s / LEASE_RENEWALS)

    async def _give_up_join(self, call: Call, leg: OfferLeg) -> None:
        leg.withdrawn = True
        self.table.unbind(leg.leg_id)
        call.take(None)
        call.move(CallPhase.CLAIMED)
        self.observer.connect_failed(call.contact_id)
        # With a lease in force the end of the leg may leave the caller where it is; without one,
        # the leg's hang-up handler is all that guards the caller.
        leased = await self._music_again(call)
        await (self.release_leg if leased else self.drop_leg)(leg.leg_id)

    def wait_again(self, call: Call) -> None:
        """The caller has no call taker any more, and is in our hands."""
        call.move(CallPhase.CLAIMED)
        self.table.spawn(call, self._wait_again(call))
        self.observer.connect_failed(call.contact_id)

    async def _wait_again(self, call: Call) -> None:
        if call.phase is CallPhase.CLAIMED:
            await self._music_again(call)

    async def _music_again(self, call: Call) -> bool:
        """Lease first, then out of the bridge, then music; says whether the lease is in force.

        If this fails, the renewals go on trying, and the parachute is behind them.
        """
        leased = False
        try:
            async with call.lease_lock:
                await self.actions.set_lease(call.caller_leg, self.lease_s)
            leased = True
            await self.actions.leave(bridge_id_of(call.contact_id), call.caller_leg)
            await self.actions.start_music(call.caller_leg, "emergency")
        except TelephonyError as error:
            log.warning("music_failed", contact_id=call.contact_id, reason=type(error).__name__)
        return leased

    # -- the lease ------------------------------------------------------------------------------

    async def renew_lease(self, call: Call, *, deadline_s: float) -> None:
        """Once more, if the caller is under a lease; clear it, if one may be left over."""
        async with call.lease_lock:
            seconds = self.lease_s
            if call.phase is CallPhase.TALKING and call.lease_doubts:
                seconds = 0
            elif call.phase not in LEASED_PHASES:
                return
            try:
                await self.actions.set_lease(call.caller_leg, seconds, deadline_s=deadline_s)
            except ARIRefused:
                raise
            except TelephonyError:
                call.lease_doubts = LEASE_DOUBTS
                raise
            if seconds == 0:
                call.lease_doubts -= 1

    async def clear_lease(self, call: Call) -> None:
        """The caller is about to talk. Waits for a renewal under way: it must not come later."""
        async with call.lease_lock:
            await self.actions.set_lease(call.caller_leg, 0)

    # -- legs that are not wanted ---------------------------------------------------------------

    def withdraw(self, call: Call, leg: OfferLeg) -> None:
        """Give up a leg; its end is no news for the distributor, and none for the caller."""
        leg.withdrawn = True
        if call.offer is leg:
            call.take(None)
        self.table.unbind(leg.leg_id)
        drop = self.release_leg if leg.answered else self.drop_leg
        self.table.spawn(call, drop(leg.leg_id))

    async def release_leg(self, leg_id: LegId) -> None:
        """Hang up a leg whose caller has a lease, is elsewhere or is gone.

        Without the flag, the leg's hang-up handler would reach for the caller wherever it is: also
        in the parachute queue, or in the conversation with another call taker.
        """
        with contextlib.suppress(ARIRefused):  # not in our application: never connected, or gone
            await self.actions.set_variable(leg_id, "RELEASED", "1")
        await self.drop_leg(leg_id)

    async def drop_leg(self, leg_id: LegId) -> None:
        """Hang up a call taker's leg that is not wanted; the caller stays."""
        # "congestion", not "normal": if the leg was already connected, the dialplan then takes it
        # for lost and the caller goes on waiting instead of being hung up.
        try:
            await self.actions.hang_up(leg_id, reason="congestion")
        except TelephonyError:
            self.look_again = True  # a phone off the hook for nobody, perhaps still in the bridge
            raise
