"""Whether two who have been joined can hear each other: told from the packets, soon after the join.

That both legs are in the bridge does not say that the bridge mixes. The mixing thread of Asterisk
22 looks whether anybody is there, lets go of the bridge and only then waits for a sign; whoever
comes in between is overlooked. On a busy machine, where a phone answers at once, both can be: every
command was answered with success, everybody is where he should be, and nobody ever hears a word. A
bridge that mixes sends each of its legs a packet every 20 ms, silence too, and any further join is
a sign. So the packets are counted, and if there are none the call taker's leg goes out and in.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ccserver.telephony.call import Call, bridge_id_of
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.guard import LEASE_DOUBTS, LEASE_RENEWALS, Guard
from ccserver.telephony.party import Leg
from ccserver.telephony.transfer import KEPT_PHASES, LEASED_PHASES

log = structlog.get_logger(__name__)

LOOK_S = 0.4
"""Between two counts: twenty packets, so that a stutter of a busy machine is no silence."""

MENDS_MAX = 4
"""What is not mended by then (a caller whose network takes no sound) is not mended by this."""

PAUSE_S = 1.0
"""More between a mend and the next with every try: whatever slept may not have had its turn yet."""


@dataclass(frozen=True, slots=True)
class Packets:
    """Of one leg, since its beginning."""

    sent: int
    received: int


class Sound:
    """Watches the first moments of a conversation."""

    def __init__(self, guard: Guard, *, wait_again: Callable[[Call], None]) -> None:
        """``wait_again``: for a caller whose call taker could not be joined again."""
        self._guard = guard
        self._wait_again = wait_again

    def watch(self, call: Call, leg: Leg) -> None:
        """The caller and this leg have been joined; takes about a second and holds nothing up."""
        self._guard.table.spawn(None, self._watch(call, leg))

    async def _watch(self, call: Call, leg: Leg) -> None:
        await asyncio.sleep(LOOK_S)  # what was on its way at the join has come
        await self._hush(call, leg)
        for mends in range(MENDS_MAX + 1):
            try:
                caller, other = await self._flow(call, leg)
            except TelephonyError:
                continue  # Asterisk is slow to answer: look again
            if not _together(call, leg):
                return
            if caller is None or caller.sent:
                self._tell_unheard(call, leg, caller, other)
                return
            if mends == MENDS_MAX:
                log.error("bridge_stays_silent", contact_id=call.contact_id)
                return
            log.warning("bridge_silent", contact_id=call.contact_id, mends=mends)
            self._guard.observer.bridge_silent(call.contact_id)
            try:
                async with call.lock:
                    await self._rejoin(call, leg)
            except TelephonyError as error:
                reason = type(error).__name__
                log.warning("not_rejoined", contact_id=call.contact_id, reason=reason)
            await asyncio.sleep(PAUSE_S * mends)
        # Silent or not: Asterisk did not say.
        log.warning("sound_not_known", contact_id=call.contact_id)

    async def _hush(self, call: Call, leg: Leg) -> None:
        """A start of music that Asterisk carried out late plays over the call taker for ever."""
        with contextlib.suppress(TelephonyError):
            async with call.lock:
                if _together(call, leg):
                    await self._guard.actions.stop_music(call.caller_leg)

    async def _flow(self, call: Call, leg: Leg) -> tuple[Packets | None, Packets | None]:
        """What went to caller and leg, and came from them, in `LOOK_S`; ``None``: not known."""
        before = await self._count(call, leg)
        await asyncio.sleep(LOOK_S)
        after = await self._count(call, leg)
        caller, other = (
            Packets(new.sent - old.sent, new.received - old.received) if old and new else None
            for old, new in zip(before, after, strict=True)
        )
        return caller, other

    async def _count(self, call: Call, leg: Leg) -> tuple[Packets | None, Packets | None]:
        if not _together(call, leg):
            return None, None
        counts = [await self._guard.actions.packets(each) for each in (call.caller_leg, leg.leg_id)]
        caller, other = (Packets(*count) if count else None for count in counts)
        return caller, other

    def _tell_unheard(
        self, call: Call, leg: Leg, caller: Packets | None, other: Packets | None
    ) -> None:
        """Who sends nothing cannot be heard; not ours to mend, and nobody should have to guess."""
        for who, packets in (("caller", caller), (leg.kind.value, other)):
            if packets is not None and not packets.received:
                log.warning("leg_sends_no_sound", contact_id=call.contact_id, leg=who)

    async def _rejoin(self, call: Call, leg: Leg) -> None:
        """Out and in again. The lease is in force meanwhile: alone in the bridge nobody keeps."""
        if not _together(call, leg):
            return
        guard, bridge_id = self._guard, bridge_id_of(call.contact_id)
        # Also if an answer is lost: a lease on a talking caller would cut the call.
        doubts, call.lease_doubts = call.lease_doubts, LEASE_DOUBTS
        await guard.lease(call)
        call.lease_doubts = 0  # from here on no renewal may clear it
        try:
            await guard.actions.leave(bridge_id, leg.leg_id)
            await guard.actions.join(bridge_id, leg.leg_id)
        except TelephonyError:
            if _together(call, leg):
                self._wait_again(call)  # leased already; they have not heard one another yet
            raise
        if _together(call, leg):
            call.lease_doubts = LEASE_DOUBTS
            await guard.clear_lease(call)
            call.lease_doubts = doubts
        if call.phase in LEASED_PHASES:  # the leg was lost while the lease was being cleared
            await guard.renew_lease(call, deadline_s=guard.lease_s / LEASE_RENEWALS)


def _together(call: Call, leg: Leg) -> bool:
    """Whether the two are still in conversation, as far as this process knows."""
    there = call.legs.get(leg.leg_id) is leg and leg.joined and leg.armed and not leg.held
    return there and call.phase in KEPT_PHASES
