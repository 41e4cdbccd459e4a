"""What a call taker asks for during an offer or a conversation."""

from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import Call, CallPhase, OfferLeg, bridge_id_of
from ccserver.telephony.calls import Calls
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
        await self._calls.actions.set_variable(leg.leg_id, "RELEASED", "1")
        leg.withdrawn = True
        if not call.ended_posted:
            call.ended_posted = True
            self._calls.observer.conversation_ended(contact_id)
        await self._calls.actions.hang_up(call.caller_leg)
        await self._calls.actions.hang_up(leg.leg_id)

    async def hold(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Music for the caller. The lease runs again: nobody may be forgotten on hold."""
        call, leg = self._own_leg(contact_id, agent_id)
        async with call.lock:
            if call.phase is not CallPhase.TALKING:
                raise CallRefused("not_talking")
            await self._calls.actions.set_variable(leg.leg_id, "HELD", "1")
            await self._calls.actions.set_lease(call.caller_leg, self._calls.lease_s)
            call.phase = CallPhase.HELD
            await self._calls.actions.leave(bridge_id_of(contact_id), call.caller_leg)
            await self._calls.actions.start_music(call.caller_leg, "hold")
        self._calls.observer.hold_changed(contact_id, held=True)

    async def resume(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Back into the conversation."""
        call, leg = self._own_leg(contact_id, agent_id)
        async with call.lock:
            if call.phase is not CallPhase.HELD:
                raise CallRefused("not_held")
            await self._calls.actions.stop_music(call.caller_leg)
            await self._calls.actions.join(bridge_id_of(contact_id), call.caller_leg)
            await self._calls.actions.set_lease(call.caller_leg, 0)
            call.phase = CallPhase.TALKING
            await self._calls.actions.set_variable(leg.leg_id, "HELD", "")
        self._calls.observer.hold_changed(contact_id, held=False)

    def _own_leg(self, contact_id: ContactId, agent_id: AgentId) -> tuple[Call, OfferLeg]:
        call = self._calls.table.get(contact_id)
        if call is None or call.offer is None or call.offer.agent_id != agent_id:
            raise CallRefused("not_your_contact")
        return call, call.offer
