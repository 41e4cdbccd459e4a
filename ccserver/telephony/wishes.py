"""What a call taker asks for during an offer or a conversation."""

import contextlib

from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import Call, CallPhase, OfferLeg, bridge_id_of
from ccserver.telephony.calls import LEASE_DOUBTS, Calls
from ccserver.telephony.errors import TelephonyError
from ccserver.types import AgentId, ContactId, LegId


class CallRefused(Exception):
    """A wish of a call taker that does not fit the call's state; ``code`` is for the panel."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Wishes:
    """Each is for the call taker's own contact and raises `CallRefused` or a telephony error."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def ringing_leg(self, contact_id: ContactId, agent_id: AgentId) -> LegId:
        """The leg that rings at this call taker; `CallRefused` if none does."""
        leg = self._own_leg(contact_id, agent_id)[1]
        if leg.answered:
            raise CallRefused("already_answered")
        return leg.leg_id

    def reject(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The call taker does not take the offer."""
        call, leg = self._own_leg(contact_id, agent_id)
        if leg.answered:
            raise CallRefused("already_answered")
        self._calls.withdraw(call, leg)
        self._calls.observer.offer_failed(leg.offer_id, OfferFailure.REJECTED)

    async def hang_up(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The call taker ends the conversation, also with a caller on hold."""
        call, leg = self._own_leg(contact_id, agent_id)
        if call.phase not in (CallPhase.TALKING, CallPhase.HELD):
            raise CallRefused("not_talking")
        call.hang_up_wanted = True
        # The caller first: while this is not done, the guard on the other leg stays as it is.
        await self._calls.end_caller(call)
        self._calls.conversation_ended(call)
        if not leg.withdrawn:
            self._calls.withdraw(call, leg)

    async def hold(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Music for the caller. The lease runs again: nobody may be forgotten on hold."""
        call, leg = self._own_leg(contact_id, agent_id)
        actions = self._calls.actions
        async with call.lock:
            self._require(call, leg, CallPhase.TALKING, "not_talking")
            leg.held = True
            try:
                await actions.set_variable(leg.leg_id, "HELD", "1")
                async with call.lease_lock:
                    # Also if the answer is lost: a lease on a talking caller would cut the call.
                    call.lease_doubts = LEASE_DOUBTS
                    await actions.set_lease(call.caller_leg, self._calls.lease_s)
            except TelephonyError:
                await self._not_held(leg)
                raise
            self._require(call, leg, CallPhase.TALKING, "not_talking")
            call.move(CallPhase.HELD)
            # From here on it counts as held, whatever fails: the lease is in force.
            self._calls.observer.hold_changed(contact_id, held=True)
            await actions.leave(bridge_id_of(contact_id), call.caller_leg)
            await actions.start_music(call.caller_leg, "hold")

    async def resume(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Back into the conversation."""
        call, leg = self._own_leg(contact_id, agent_id)
        actions = self._calls.actions
        async with call.lock:
            self._require(call, leg, CallPhase.HELD, "not_held")
            await actions.stop_music(call.caller_leg)
            try:
                await actions.join(bridge_id_of(contact_id), call.caller_leg)
                self._require(call, leg, CallPhase.HELD, "not_held")
                await self._calls.clear_lease(call)
            except TelephonyError:
                # Still held: not in silence, and the renewals go on.
                with contextlib.suppress(TelephonyError):
                    await actions.leave(bridge_id_of(contact_id), call.caller_leg)
                    await actions.start_music(call.caller_leg, "hold")
                raise
            self._require(call, leg, CallPhase.HELD, "not_held")
            call.move(CallPhase.TALKING)
            self._calls.observer.hold_changed(contact_id, held=False)
            await self._not_held(leg)

    async def _not_held(self, leg: OfferLeg) -> None:
        """If it fails, the dialplan takes the end of the conversation for a lost phone."""
        with contextlib.suppress(TelephonyError):
            await self._calls.actions.set_variable(leg.leg_id, "HELD", "")
            leg.held = False

    def _require(self, call: Call, leg: OfferLeg, phase: CallPhase, code: str) -> None:
        """Everything may have changed while we waited for Asterisk."""
        if call.phase is not phase or call.offer is not leg:
            raise CallRefused(code)

    def _own_leg(self, contact_id: ContactId, agent_id: AgentId) -> tuple[Call, OfferLeg]:
        call = self._calls.table.get(contact_id)
        if call is None or call.offer is None or call.offer.agent_id != agent_id:
            raise CallRefused("not_your_contact")
        return call, call.offer
