"""The moves of `transfer` carried out: legs in and out of the one bridge, whole or not at all.

All of them run under the call's lock. Each looks again after every command, because whatever it
waited for may have changed everything.
"""

import contextlib
from collections.abc import Awaitable, Callable

from ccserver.telephony.call import Call, CallPhase, bridge_id_of
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.guard import LEASE_DOUBTS, Guard
from ccserver.telephony.joining import Joining
from ccserver.telephony.party import Leg
from ccserver.telephony.transfer import (
    HELD_PHASES,
    KEPT_PHASES,
    MOVES,
    WITH_OTHER,
    CallRefused,
    Move,
)

HOLD_MUSIC = "hold"
CHANGED = "changed_meanwhile"


class Conversation:
    """Carries out moves of calls that have somebody beside the caller."""

    def __init__(self, guard: Guard, joining: Joining) -> None:
        self._guard = guard
        self._actions = guard.actions
        self._joining = joining
        self._do: dict[Move, Callable[[Call, CallPhase], Awaitable[None]]] = {
            Move.CALLER_OUT: self._caller_out,
            Move.CALLER_IN: self._caller_in,
            Move.OTHER_IN: self._other_in,
            Move.OTHER_OUT: self._other_out,
            Move.DROP_OTHER: self._drop_other,
            Move.JOIN_CALLER: self._join_caller,
            Move.LEAVE_TO_AGENT: self._leave,
            Move.LEAVE_TO_OUTSIDE: self._leave,
            Move.LEAVE_TO_RINGING: self._leave_to_ringing,
            Move.GIVE_BACK: joining.give_back,
        }

    async def perform(self, call: Call, move: Move) -> None:
        """One move; raises `CallRefused` if it does not fit (any more), or a telephony error.

        After an error the call is in the phase before or after the move, and its caller guarded.
        """
        phase = MOVES.get((call.phase, move))
        if phase is None:
            raise CallRefused(CHANGED)
        await self._do[move](call, phase)

    # -- the caller -----------------------------------------------------------------------------

    async def _caller_out(self, call: Call, phase: CallPhase) -> None:
        """Music for the caller. The lease runs again: nobody may be forgotten on hold."""
        before, owner = call.phase, call.owner
        call.hold_marked = True
        try:
            await self._guard.mark_hold(call, held=True)
            async with call.lease_lock:
                # Also if the answer is lost: a lease on a talking caller would cut the call.
                call.lease_doubts = LEASE_DOUBTS
                await self._actions.set_lease(call.caller_leg, self._guard.lease_s)
            self._require(call, before, owner)
        except (TelephonyError, CallRefused):
            await self._not_held(call)
            raise
        call.move(phase)
        # From here on it counts as held, whatever fails: the lease is in force.
        self._guard.observer.hold_changed(call.contact_id, held=True)
        self._guard.changed(call)
        await self._joining.music(call)

    async def _caller_in(self, call: Call, phase: CallPhase) -> None:
        """Back into the conversation, in which everybody who keeps has been armed before."""
        before, owner = call.phase, call.owner
        for leg in list(call.legs.values()):
            # The owner once more: if that leg has ended since, and its handler counted on one who
            # is let go now, nobody guards the caller, and the refusal is the first word of it.
            if leg.joined and leg.keeps and not leg.held and (leg is owner or not leg.armed):
                await self._guard.arm(call, leg)
        self._require(call, before, owner)
        try:
            await self._actions.stop_music(call.caller_leg)
            await self._actions.join(bridge_id_of(call.contact_id), call.caller_leg)
            self._require(call, before, owner)
            await self._guard.clear_lease(call)
            self._require(call, before, owner)
        except (TelephonyError, CallRefused):
            await self._out_with_music(call)
            raise
        self._enter(call, phase)
        self._guard.observer.hold_changed(call.contact_id, held=False)
        self._guard.changed(call)
        await self._not_held(call)

    async def _out_with_music(self, call: Call) -> None:
        """Still held. The lease may have been cleared: out of the bridge only once it is back."""
        if call.phase not in HELD_PHASES:
            return  # whoever changed it looks after the caller
        try:
            await self._guard.lease(call)
            await self._joining.music(call)
        except TelephonyError:
            call.music_owed = self._guard.look_again = True

    async def _not_held(self, call: Call) -> None:
        """If it fails, the dialplan takes the end of the conversation for a lost phone."""
        with contextlib.suppress(TelephonyError):
            await self._guard.mark_hold(call, held=False)
            call.hold_marked = call.phase not in KEPT_PHASES and call.hold_marked

    # -- the other ------------------------------------------------------------------------------

    async def _other_in(self, call: Call, phase: CallPhase) -> None:
        """Armed where the caller is to rely on it: in the bridge, or to be taken over on hold."""
        before, owner, other = call.phase, call.owner, self._other(call)
        try:
            await self._guard.list_legs(call, other)
            if other.held:
                await self._actions.stop_music(other.leg_id)
            await self._actions.join(bridge_id_of(call.contact_id), other.leg_id)
            if other.keeps and (phase in KEPT_PHASES or other.agent_id is not None):
                await self._guard.arm(call, other)
            self._require(call, before, owner, other)
        except TelephonyError:
            await self._out_again(call, other)
            raise
        other.joined = True
        was_held, other.held = other.held, False
        self._enter(call, phase)
        self._guard.changed(call)
        if was_held:
            await self._actions.set_variable(other.leg_id, "HELD", "")

    async def _out_again(self, call: Call, other: Leg) -> None:
        """One who was on hold stays there; one who has just answered is hung up by who asked."""
        with contextlib.suppress(TelephonyError):
            await self._guard.disarm(call, other)
            if other.held:
                await self._actions.leave(bridge_id_of(call.contact_id), other.leg_id)
                await self._actions.start_music(other.leg_id, HOLD_MUSIC)

    async def _other_out(self, call: Call, phase: CallPhase) -> None:
        """On hold nobody guards the caller: disarmed before it leaves."""
        before, owner, other = call.phase, call.owner, self._other(call)
        await self._guard.disarm(call, other)
        await self._actions.set_variable(other.leg_id, "HELD", "1")
        try:
            await self._actions.leave(bridge_id_of(call.contact_id), other.leg_id)
        except TelephonyError:
            with contextlib.suppress(TelephonyError):  # it may have been done: back in again
                await self._actions.join(bridge_id_of(call.contact_id), other.leg_id)
                await self._actions.set_variable(other.leg_id, "HELD", "")
            raise
        self._require(call, before, owner, other)
        other.held = True
        call.move(phase)
        self._guard.changed(call)
        await self._actions.start_music(other.leg_id, HOLD_MUSIC)

    async def _drop_other(self, call: Call, phase: CallPhase) -> None:
        other = self._other(call)
        other.withdrawn = True
        other.armed = False
        self._guard.table.unbind(other.leg_id)
        call.lose(other)
        call.move(phase)
        self._guard.changed(call)
        self.tell_participant_left(call, other)
        with contextlib.suppress(TelephonyError):  # the survey tries again
            drop = self._guard.release_leg if other.answered else self._guard.drop_leg
            await drop(other.leg_id)

    async def _join_caller(self, call: Call, phase: CallPhase) -> None:
        del phase  # the caller is joined, or waits again
        await self._joining.join(call, self._other(call))

    # -- the owner ------------------------------------------------------------------------------

    async def _leave(self, call: Call, phase: CallPhase) -> None:
        """The owner is free; somebody armed is with the caller, or the dialplan acts."""
        before = call.owner
        after = call.successor(without=before)
        heir, call.heir = call.heir, None
        if heir is not None and heir.armed and heir.agent_id is not None:
            after = heir
        if before is None or after is None:
            raise CallRefused(CHANGED)
        if (after.agent_id is None) is not (phase is CallPhase.HANDED_OVER):
            raise CallRefused(CHANGED)
        call.owner = after
        call.move(phase)
        self._guard.observer.handed_over(call.contact_id, before.agent_id, after.agent_id)
        self._guard.withdraw(call, before)
        self._guard.changed(call)

    async def _leave_to_ringing(self, call: Call, phase: CallPhase) -> None:
        before, other = call.owner, self._other(call)
        if before is None or other.agent_id is not None or not other.keeps:
            raise CallRefused("not_answered" if other.keeps else "nobody_would_keep")
        call.owner = None
        call.move(phase)
        self._guard.observer.handed_over(call.contact_id, before.agent_id, None)
        self._guard.withdraw(call, before)
        self._guard.changed(call)

    # -- inside ---------------------------------------------------------------------------------

    def tell_participant_left(self, call: Call, leg: Leg) -> None:
        """A call taker who was asked to join does not, or is gone."""
        if leg.agent_id is not None:
            self._guard.observer.participant_left(call.contact_id, leg.agent_id)

    def _enter(self, call: Call, phase: CallPhase) -> None:
        if phase not in WITH_OTHER:
            call.other = None
        call.move(phase)

    def _other(self, call: Call) -> Leg:
        if call.other is None:
            raise CallRefused(CHANGED)
        return call.other

    def _require(
        self, call: Call, phase: CallPhase, owner: Leg | None, other: Leg | None = None
    ) -> None:
        """Everything may have changed while we waited for Asterisk."""
        if call.phase is not phase or call.owner is not owner:
            raise CallRefused(CHANGED)
        if other is not None and call.other is not other:
            raise CallRefused(CHANGED)
