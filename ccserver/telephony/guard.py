"""Leases, the dialplan's group of keepers, and letting go of legs: what keeps a caller safe.

Asterisk holds the truth of both. A leg in the group ``conversation`` is *armed*: at its end the
hang-up handler looks after the caller, also when this process is dead. It leaves the group before
it is hung up by us, so that no other leg's handler counts on it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence

from ccserver.telephony.actions import Actions
from ccserver.telephony.call import Call, CallPhase, bridge_id_of
from ccserver.telephony.errors import ARIRefused, TelephonyError
from ccserver.telephony.observer import CallObserver
from ccserver.telephony.party import Leg
from ccserver.telephony.table import CallTable
from ccserver.telephony.transfer import KEPT_PHASES, LEASED_PHASES, segment
from ccserver.types import LegId

LEASE_RENEWALS = 4  # per lease: two may fail, and the third still comes before its end
LEASE_DOUBTS = 4  # one lease's worth of renewals: until then a lost one may still be carried out
GROUP = "GROUP(conversation)"
CONVERSATION = "SHARED(CONVERSATION)"
HELD = "SHARED(HELD)"
LEGS = "LEGS"


class Guard:
    """Shared by all who work on calls."""

    def __init__(
        self, actions: Actions, observer: CallObserver, table: CallTable, *, lease_s: int
    ) -> None:
        self.actions = actions
        self.observer = observer
        self.table = table
        self.lease_s = lease_s
        self.look_again = False
        """Something does not fit: the next survey should come soon."""

    # -- the lease ------------------------------------------------------------------------------

    async def lease(self, call: Call) -> None:
        """From now on the caller leaves for the parachute unless the lease is renewed."""
        async with call.lease_lock:
            await self.actions.set_lease(call.caller_leg, self.lease_s)

    async def renew_lease(self, call: Call, *, deadline_s: float) -> None:
        """Once more, if the caller is under a lease; clear it, if one may be left over."""
        async with call.lease_lock:
            seconds = self.lease_s
            if call.phase in KEPT_PHASES and call.lease_doubts:
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

    # -- the group ------------------------------------------------------------------------------

    async def name_conversation(self, call: Call, name: str, *legs: Leg) -> None:
        """Those who keep this caller are from now on the group of this name.

        The caller's end lets go of all ``legs``; a leg of an older conversation reaches for the
        caller no more.
        """
        # Twice: a plain variable can be read with the list of all channels, for the survey.
        names = {CONVERSATION: name, "CONVERSATION": name, LEGS: _legs(call, legs)}
        await self.actions.set_variables(call.caller_leg, names)
        call.conversation = name

    async def mark_hold(self, call: Call, *, held: bool) -> None:
        """Whether the end of a leg could be a goodbye; both for the dialplan and the survey."""
        value = "1" if held else ""
        await self.actions.set_variables(call.caller_leg, {HELD: value, "HELD": value})

    async def list_legs(self, call: Call, *more: Leg) -> None:
        """Whom the caller's end lets go, also without us; to be told before they join."""
        await self.actions.set_variable(call.caller_leg, LEGS, _legs(call, more))

    async def arm(self, call: Call, leg: Leg) -> None:
        """The end of this leg is looked after from now on. Both are in the bridge by then."""
        name = call.conversation
        await self.actions.set_variables(leg.leg_id, {GROUP: name, "CONNECTED": name})
        leg.armed = True
        call.changes += 1

    async def disarm(self, call: Call, leg: Leg) -> None:
        """This leg guards nobody any more."""
        leg.armed = False  # also if the answer is lost: nothing may rely on it
        call.changes += 1
        await self.actions.set_variables(leg.leg_id, {GROUP: "", "CONNECTED": ""})

    async def make_bridge(self, call: Call) -> None:
        """The conversation's bridge, once."""
        if not call.bridge_made:
            await self.actions.make_bridge(bridge_id_of(call.contact_id), call.contact_id)
            call.bridge_made = True
            if self.table.is_over(call.contact_id):
                await self.actions.destroy_bridge(bridge_id_of(call.contact_id))

    # -- legs that are not wanted ---------------------------------------------------------------

    def withdraw(self, call: Call, leg: Leg) -> None:
        """Give up a leg; its end is no news for the distributor, and none for the caller."""
        leg.withdrawn = True
        leg.armed = False
        call.lose(leg)
        self.table.unbind(leg.leg_id)
        # Where others keep the caller, the leg stays in the group to its end: should they have
        # ended in this very moment, its handler is the one that finds the caller alone.
        counts = call.phase in KEPT_PHASES and call.successor() is not None
        drop = self.release_leg if leg.answered and not counts else self.drop_leg
        self.table.spawn(call, drop(leg.leg_id))

    def withdraw_all(self, call: Call, which: Callable[[Leg], bool] = lambda leg: True) -> None:
        """Give up every leg that ``which`` picks."""
        for leg in list(call.legs.values()):
            if which(leg):
                self.withdraw(call, leg)

    async def release_leg(self, leg_id: LegId) -> None:
        """Hang up a leg whose caller is guarded by something else, is elsewhere or is gone.

        It leaves the group first: else its hang-up handler would reach for the caller, and until
        then another leg's handler would count on it.
        """
        try:
            await self.actions.set_variable(leg_id, GROUP, "")
        except ARIRefused:
            pass  # not in our application: never connected, or gone
        except TelephonyError:
            self.look_again = True
            raise
        await self.drop_leg(leg_id)

    async def drop_leg(self, leg_id: LegId) -> None:
        """Hang up a leg that is not wanted; the caller stays."""
        # "congestion", not "normal": if the leg was armed, the dialplan then takes it for lost and
        # the caller goes on waiting instead of being hung up.
        try:
            await self.actions.hang_up(leg_id, reason="congestion")
        except TelephonyError:
            self.look_again = True  # a phone off the hook for nobody, perhaps still in the bridge
            raise

    async def end_caller(self, call: Call) -> None:
        """Hang up a caller whose conversation is over; the survey tries again if it fails."""
        try:
            await self.actions.hang_up(call.caller_leg)
        except TelephonyError:
            self.look_again = True
            raise

    # -- what is told ---------------------------------------------------------------------------

    def changed(self, call: Call) -> None:
        """The parties, or what they do, are others than before."""
        call.changes += 1
        if call.rings_back is not (call.owner if call.phase is CallPhase.DIALLING else None):
            self.table.spawn(call, self._ring_back(call))
        self.observer.party_changed(call.contact_id)
        now = segment(call.phase, sum(leg.joined and not leg.held for leg in call.legs.values()))
        if now is not None and now is not call.segment:
            call.segment = now
            self.observer.segment_changed(call.contact_id, now)

    async def _ring_back(self, call: Call) -> None:
        """Whoever waits for a consulted party's answer hears it ring; as well as it goes."""
        wanted = call.owner if call.phase is CallPhase.DIALLING else None
        before, call.rings_back = call.rings_back, wanted
        with contextlib.suppress(TelephonyError):
            if before is not None and before is not wanted and not before.over:
                await self.actions.stop_ring_back(before.leg_id)
            if wanted is not None and wanted is not before:
                await self.actions.ring_back(wanted.leg_id)


def _legs(call: Call, more: Sequence[Leg]) -> str:
    """Everybody in the conversation and these, as the dialplan lists them."""
    joined = [leg for leg in call.legs.values() if leg.joined and leg not in more]
    legs = [*([call.owner] if call.owner else []), *joined, *more]
    return "&".join(dict.fromkeys(leg.leg_id for leg in legs))


async def all_of(*work: Coroutine[None, None, None]) -> None:
    """All of it, and only then the first failure: nothing of it may come after what follows."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
