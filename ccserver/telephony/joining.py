"""A caller and whoever answered come together, or the caller waits again."""

import contextlib

import structlog

from ccserver.acd.commands import OfferKind
from ccserver.telephony.call import Call, CallPhase, bridge_id_of
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.guard import CONVERSATION, LEASE_RENEWALS, Guard, all_of
from ccserver.telephony.party import Leg
from ccserver.telephony.sound import Sound
from ccserver.telephony.transfer import LEASED_PHASES, MOVES, Move

log = structlog.get_logger(__name__)


class Joining:
    """From a lease to a keeper, and back."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._sound = Sound(guard, wait_again=self.wait_again)

    def connect(self, call: Call, leg: Leg) -> None:
        """A waiting caller and the call taker who was first to answer."""
        if call.phase is not CallPhase.CLAIMED:
            self._guard.withdraw(call, leg)
            return
        # The other phones stop ringing at once; the distributor rescinds them too.
        self._guard.withdraw_all(
            call, lambda other: other is not leg and other.offer_kind is OfferKind.ANSWER
        )
        call.owner = leg
        call.move(CallPhase.CONNECTING)
        self._guard.table.spawn(call, self.join(call, leg))

    async def join(self, call: Call, leg: Leg) -> None:
        """Hang-up handler (since the ring), bridge, armed, lease cleared, connected.

        If we die in between, the caller has a lease or an armed leg at every point. The leg is
        armed only when both are in the bridge: before that, somebody who gives up would take the
        caller along. Out of CONNECTING the leg becomes the owner's, out of HANDING it is an
        outside party's, whom a call taker has left the caller to.
        """
        phase, guard, actions = call.phase, self._guard, self._guard.actions

        def wanted() -> bool:
            return call.phase is phase and call.legs.get(leg.leg_id) is leg

        if not wanted():
            return
        try:
            name = call.conversation if phase is CallPhase.HANDING else ""
            await all_of(
                self._unmark_hold(call),
                guard.name_conversation(call, name or leg.offer_id or leg.leg_id, leg),
                actions.stop_music(call.caller_leg),  # late, it would stop a new one
                guard.make_bridge(call),
            )
            await actions.join(bridge_id_of(call.contact_id), call.caller_leg, leg.leg_id)
            await guard.arm(call, leg)
            if wanted():
                await guard.clear_lease(call)
        except TelephonyError as error:
            log.warning("connect_failed", contact_id=call.contact_id, reason=type(error).__name__)
            if wanted():
                await self._give_up(call, leg)
            return
        if wanted():
            self._joined(call, leg)
        elif call.phase in LEASED_PHASES:
            # The leg was lost while the lease was being cleared.
            await guard.renew_lease(call, deadline_s=guard.lease_s / LEASE_RENEWALS)

    def _joined(self, call: Call, leg: Leg) -> None:
        leg.joined = True
        call.owner, call.other = leg, None
        if call.phase is CallPhase.HANDING:
            call.move(MOVES[call.phase, Move.JOIN_CALLER])
            self._guard.observer.hold_changed(call.contact_id, held=False)
        else:
            call.move(CallPhase.TALKING)
            if leg.agent_id is not None:
                self._guard.observer.connected(call.contact_id, leg.agent_id)
        self._guard.changed(call)
        self._sound.watch(call, leg)

    async def _unmark_hold(self, call: Call) -> None:
        if call.hold_marked:
            await self._guard.mark_hold(call, held=False)
            call.hold_marked = False

    async def _give_up(self, call: Call, leg: Leg) -> None:
        leg.withdrawn = True
        leg.armed = False
        self._guard.table.unbind(leg.leg_id)
        call.lose(leg)
        call.move(CallPhase.CLAIMED)
        self._guard.changed(call)
        self._guard.observer.connect_failed(call.contact_id)
        # With a lease in force the end of the leg may leave the caller where it is; without one,
        # the leg's hang-up handler is all that guards the caller.
        leased = await self._music_again(call)
        drop = self._guard.release_leg if leased else self._guard.drop_leg
        await drop(leg.leg_id)
        self._guard.withdraw_all(call, lambda other: other.joined)

    def wait_again(self, call: Call) -> None:
        """The caller has nobody any more, and is in our hands."""
        call.move(CallPhase.CLAIMED)
        # In this order: nobody is let go before the lease is in force.
        self._guard.table.spawn(call, self._wait_again(call))
        self._guard.withdraw_all(call)
        self._guard.changed(call)
        self._guard.observer.connect_failed(call.contact_id)

    async def _wait_again(self, call: Call) -> None:
        if call.phase is CallPhase.CLAIMED:
            await self._music_again(call)

    async def _music_again(self, call: Call) -> bool:
        """Lease first, then out of the bridge, then music; says whether the lease is in force.

        If this fails, the renewals go on trying, and the parachute is behind them.
        """
        leased = False
        try:
            await self._guard.lease(call)
            leased = True
            await self.music(call)
        except TelephonyError as error:
            call.music_owed = self._guard.look_again = True
            log.warning("music_failed", contact_id=call.contact_id, reason=type(error).__name__)
        return leased

    async def music(self, call: Call) -> None:
        """Out of the bridge, then the music of the phase. If it fails, it is owed."""
        try:
            actions = self._guard.actions
            await actions.leave(bridge_id_of(call.contact_id), call.caller_leg)
            if call.phase in LEASED_PHASES:
                await actions.start_music(call.caller_leg, music_of(call.phase))
            call.music_owed = False
        except TelephonyError:
            call.music_owed = self._guard.look_again = True
            raise

    async def make_up_music(self, call: Call) -> None:
        """What `music` could not do. Under the call's lock."""
        if call.music_owed and call.phase in LEASED_PHASES:
            await self._guard.lease(call)  # never out of the bridge without one
            await self.music(call)
        call.music_owed = False

    async def give_back(self, call: Call, phase: CallPhase) -> None:
        """From hold into the line: the lease is in force already. Never fails."""
        call.move(phase)
        actions = self._guard.actions
        with contextlib.suppress(TelephonyError):
            # From here on no old leg reaches for the caller.
            await actions.set_variable(call.caller_leg, CONVERSATION, "")
        with contextlib.suppress(TelephonyError):
            await actions.start_music(call.caller_leg, "emergency")
        if call.phase is phase:
            self._guard.withdraw_all(call)
            self._guard.changed(call)


def music_of(phase: CallPhase) -> str:
    """The music class for a caller under a lease."""
    waits = phase in (CallPhase.CLAIMED, CallPhase.CONNECTING)
    return "emergency" if waits else "hold"
