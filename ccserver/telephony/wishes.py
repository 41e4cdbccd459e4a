"""What a call taker or a supervisor asks for during an offer or a conversation."""

import contextlib

import structlog

from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import Call, CallPhase
from ccserver.telephony.calls import Calls, prospect
from ccserver.telephony.conversation import CHANGED
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.monitor import MonitorMode
from ccserver.telephony.party import (
    AgentTarget,
    Leg,
    NumberTarget,
    PartyKind,
    QueueTarget,
    Target,
)
from ccserver.telephony.transfer import (
    KEPT_PHASES,
    MOVES,
    OWNED_PHASES,
    REFUSALS,
    CallRefused,
    Move,
    Wish,
    plan,
)
from ccserver.types import AgentId, ContactId, LegId

__all__ = ["REFUSAL_CODES", "CallRefused", "Wishes"]

log = structlog.get_logger(__name__)

PARTIES_MAX = 8  # beside the caller: beyond that nobody understands anybody
REFUSAL_CODES = frozenset(REFUSALS.values()) | {
    "not_your_contact",
    "already_answered",
    "changed_meanwhile",
    "not_answered",
    "nobody_would_keep",
    "no_trunk",
    "bad_number",
    "bad_target",
    "bad_mode",
    "agent_not_available",
    "too_many_parties",
    "no_such_party",
    "no_seat",
    "already_in",
    "monitors_another",
    "not_monitored",
    "has_the_caller",
}
"""All codes of `CallRefused`, each of which needs a sentence for the panel."""
OUTSIDE_KINDS = (PartyKind.SERVICE, PartyKind.INTERPRETER, PartyKind.OUTSIDE)


class Wishes:
    """Each is for the seat that asks and raises `CallRefused` or a telephony error.

    After either the caller is guarded and the call is in a phase of `transfer`, though perhaps on
    the way: a consultation whose party could not be rung may leave the caller on hold.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    # -- offers ---------------------------------------------------------------------------------

    def ringing_leg(self, contact_id: ContactId, agent_id: AgentId) -> LegId:
        """The leg that rings at this call taker; `CallRefused` if none does."""
        leg = self._leg(contact_id, agent_id)[1]
        if leg.answered:
            raise CallRefused("already_answered")
        return leg.leg_id

    def reject(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The call taker does not take the offer."""
        call, leg = self._leg(contact_id, agent_id)
        if leg.answered:
            raise CallRefused("already_answered")
        self._calls.offers.failed(call, leg, OfferFailure.REJECTED)

    # -- one's own conversation -----------------------------------------------------------------

    async def hang_up(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The owner ends the conversation, also with a caller on hold; a participant leaves it."""
        call, leg = self._leg(contact_id, agent_id)
        if call.phase is CallPhase.DIALLED and call.owner is leg:
            self._calls.ends.no_citizen(call, "cancelled")
            return
        if leg is not call.owner and leg.joined:
            self._calls.guard.withdraw(call, leg)
            self._calls.conversation.tell_participant_left(call, leg)
            self._calls.guard.changed(call)
            return
        if call.phase not in OWNED_PHASES:
            raise CallRefused("not_talking")
        call.hang_up_wanted = True
        # The caller first: while this is not done, the guards on the other legs stay as they are.
        await self._calls.guard.end_caller(call)
        self._calls.ends.conversation_ended(call)
        if not leg.withdrawn:
            self._calls.guard.withdraw_all(call)

    async def hold(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Music for the caller. The lease runs again: nobody may be forgotten on hold."""
        await self._carry_out(contact_id, agent_id, Wish.HOLD)

    async def resume(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Back into the conversation."""
        await self._carry_out(contact_id, agent_id, Wish.RESUME)

    async def mute(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Nobody hears this call taker."""
        await self._set_mute(contact_id, agent_id, muted=True)

    async def unmute(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Everybody hears this call taker again."""
        await self._set_mute(contact_id, agent_id, muted=False)

    async def _set_mute(self, contact_id: ContactId, agent_id: AgentId, *, muted: bool) -> None:
        call, leg = self._leg(contact_id, agent_id)
        actions = self._calls.actions
        async with call.lock:
            if not leg.joined or leg.leg_id not in call.legs:
                raise CallRefused("not_talking")
            await (actions.mute if muted else actions.unmute)(leg.leg_id)
            leg.muted = muted
            self._calls.observer.mute_changed(contact_id, agent_id, muted=muted)
            self._calls.guard.changed(call)
            # For the next process; the leg is as it is whether this is done or not.
            with contextlib.suppress(TelephonyError):
                await actions.set_variable(leg.leg_id, "MUTED", "1" if muted else "")

    # -- others ---------------------------------------------------------------------------------

    async def consult(self, contact_id: ContactId, agent_id: AgentId, target: Target) -> None:
        """Put the caller on hold and ring somebody to talk to."""
        await self._carry_out(contact_id, agent_id, Wish.CONSULT, target)

    async def invite(self, contact_id: ContactId, agent_id: AgentId, target: Target) -> None:
        """Ring somebody who comes into the conversation with the caller at once."""
        await self._carry_out(contact_id, agent_id, Wish.INVITE, target)

    async def merge(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Out of a consultation: everybody with everybody."""
        await self._carry_out(contact_id, agent_id, Wish.MERGE)

    async def swap(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Caller and consulted party change places: one talks, one hears music."""
        await self._carry_out(contact_id, agent_id, Wish.SWAP)

    async def complete(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Leave the caller to whoever was consulted, or to the others of a conference."""
        await self._carry_out(contact_id, agent_id, Wish.COMPLETE)

    async def cancel(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Give up the consultation or invitation and be with the caller."""
        await self._carry_out(contact_id, agent_id, Wish.CANCEL)

    async def transfer(self, contact_id: ContactId, agent_id: AgentId, target: Target) -> None:
        """Leave the caller to somebody at once, unseen; the caller waits with music."""
        if isinstance(target, NumberTarget):
            await self._carry_out(contact_id, agent_id, Wish.TRANSFER_OUT, target)
            return
        await self._carry_out(contact_id, agent_id, Wish.TRANSFER_IN, target)

    async def drop(self, contact_id: ContactId, agent_id: AgentId, party_id: str) -> None:
        """Let one party go; the caller stays where it is."""
        call, _ = self._own(contact_id, agent_id)
        async with call.lock:
            self._own(contact_id, agent_id)
            leg = call.legs.get(LegId(party_id))
            if leg is None or leg is call.owner:
                raise CallRefused("no_such_party")
            if leg is call.other:
                await self._calls.conversation.perform(call, Move.DROP_OTHER)
                return
            self._calls.guard.withdraw(call, leg)
            self._calls.conversation.tell_participant_left(call, leg)
            self._calls.guard.changed(call)

    # -- supervisors ----------------------------------------------------------------------------

    async def monitor(self, contact_id: ContactId, supervisor_agent_id: AgentId, mode: str) -> None:
        """``listen``, ``whisper``, ``barge`` or ``off``; rings the supervisor's own phone."""
        try:
            wanted = MonitorMode(mode)
        except ValueError:
            raise CallRefused("bad_mode") from None
        call = self._talking(contact_id)
        await self._calls.monitors.set_mode(call, supervisor_agent_id, wanted)

    async def take_over(self, contact_id: ContactId, supervisor_agent_id: AgentId) -> None:
        """The supervisor comes in and the call taker is let go."""
        call = self._talking(contact_id)
        if await self._calls.monitors.take_over(call, supervisor_agent_id):
            async with call.lock:
                await self._calls.let_owner_leave(call, supervisor_agent_id)

    def _talking(self, contact_id: ContactId) -> Call:
        call = self._calls.table.get(contact_id)
        if call is None or (call.phase not in OWNED_PHASES and call.phase not in KEPT_PHASES):
            raise CallRefused("not_talking")
        return call

    # -- carrying out ---------------------------------------------------------------------------

    async def _carry_out(
        self,
        contact_id: ContactId,
        agent_id: AgentId,
        wish: Wish,
        target: Target | None = None,
    ) -> None:
        code = REFUSALS[wish]
        call, _ = self._own(contact_id, agent_id, code)
        self._check_target(wish, target, agent_id)
        async with call.lock:
            self._own(contact_id, agent_id, code)  # it may have been another's turn
            moves = plan(call.phase, wish, prospect(call))
            if Move.RING_OTHER in moves and len(call.legs) >= PARTIES_MAX:
                raise CallRefused("too_many_parties")
            call.heir = call.other if wish is Wish.COMPLETE else None
            for number, move in enumerate(moves):
                if move is Move.RING_OTHER:
                    undo = Move.CALLER_OUT in moves[:number]
                    await self._ring_other(call, agent_id, target, undo=undo)
                else:
                    await self._perform(call, move, wish)
            if wish is Wish.TRANSFER_IN and call.phase is CallPhase.CLAIMED:
                queue = target.queue if isinstance(target, QueueTarget) else None
                to_agent = target.agent_id if isinstance(target, AgentTarget) else None
                self._calls.observer.transferred(contact_id, agent_id, queue, to_agent)

    async def _perform(self, call: Call, move: Move, wish: Wish) -> None:
        try:
            await self._calls.conversation.perform(call, move)
        except CallRefused as refused:
            if refused.code == CHANGED:  # the wish fitted when it began, and does no more
                raise CallRefused(REFUSALS[wish]) from refused
            raise

    async def _ring_other(
        self, call: Call, agent_id: AgentId, target: Target | None, *, undo: bool
    ) -> None:
        """If nobody can be rung, the caller is where it was before the wish."""
        try:
            if isinstance(target, NumberTarget):
                await self._calls.outside.ring(call, target)
            elif isinstance(target, AgentTarget):
                wanted = target.agent_id
                self._calls.observer.participant_wanted(call.contact_id, agent_id, wanted)
                if call.other is None or call.other.agent_id != wanted:
                    raise CallRefused("agent_not_available")
        except (TelephonyError, CallRefused) as error:
            # A phone may yet ring for an originate that was not answered.
            self._calls.look_again |= isinstance(error, TelephonyError)
            if call.other is not None and call.other.offer_id is None:
                self._calls.offers.give_up(call, call.other)
            if undo and (call.phase, Move.CALLER_IN) in MOVES:
                with contextlib.suppress(TelephonyError, CallRefused):
                    await self._calls.conversation.perform(call, Move.CALLER_IN)
            raise

    def _check_target(self, wish: Wish, target: Target | None, agent_id: AgentId) -> None:
        """Refused before the caller is put on hold for it."""
        if isinstance(target, AgentTarget) and target.agent_id == agent_id:
            raise CallRefused("bad_target")
        if isinstance(target, QueueTarget) and wish is not Wish.TRANSFER_IN:
            raise CallRefused("bad_target")
        if isinstance(target, NumberTarget):
            self._calls.outside.endpoint(target.number)
            if target.kind not in OUTSIDE_KINDS:
                raise CallRefused("bad_target")
            if wish is Wish.TRANSFER_OUT and target.kind is PartyKind.INTERPRETER:
                raise CallRefused("nobody_would_keep")

    def _own(
        self, contact_id: ContactId, agent_id: AgentId, code: str = "not_talking"
    ) -> tuple[Call, Leg]:
        """The call for which this seat is responsible; ``code``: why not, while it is offered."""
        call = self._calls.table.get(contact_id)
        owner = call.owner if call else None
        if call is not None and owner is not None and owner.agent_id == agent_id:
            return call, owner
        if call is not None and any(leg.agent_id == agent_id for leg in call.ringing()):
            raise CallRefused(code)
        raise CallRefused("not_your_contact")

    def _leg(self, contact_id: ContactId, agent_id: AgentId) -> tuple[Call, Leg]:
        """Any leg of this seat in the call."""
        call = self._calls.table.get(contact_id)
        for leg in call.legs.values() if call else ():
            if call is not None and leg.agent_id == agent_id:
                return call, leg
        raise CallRefused("not_your_contact")
