"""Keeps the view of the calls true: leases, adoption after a restart, repair of what was missed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from ccserver.telephony.adoption import adopt
from ccserver.telephony.call import Call, CallPhase, bridge_id_of
from ccserver.telephony.calls import Calls
from ccserver.telephony.errors import ARIRefused, TelephonyError
from ccserver.telephony.guard import LEASE_RENEWALS
from ccserver.telephony.survey import FoundCaller, Survey, Where, survey
from ccserver.telephony.transfer import HELD_PHASES, KEPT_PHASES, LEASED_PHASES, OTHER_RINGS
from ccserver.types import ContactId

log = structlog.get_logger(__name__)

SURVEY_INTERVAL_S = 1.0  # while a caller is in the parachute queue and might be taken back
SWEEP_INTERVAL_S = 15.0  # otherwise: repairs whatever a lost event left behind
LEASE_RENEWALS_PARALLEL_MAX = 32  # Asterisk answers in about 1 ms; more only queues up there
CAUSE_VANISHED = 41  # ITU-T Q.850: temporary failure
TAKE_BACK_WITHIN_S = 0.5  # of the look that saw no phone ring; later, one may have been answered

Changes = Mapping[ContactId, int]
"""How often each known call had changed when Asterisk was asked."""


class Keeper:
    """Runs beside `Calls`. ``redirect_to_claim`` sends a parachuted caller back to us."""

    def __init__(
        self,
        calls: Calls,
        *,
        redirect_to_claim: Callable[[str], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._calls = calls
        self._redirect_to_claim = redirect_to_claim
        self._clock = clock
        self._ready = False

    async def renew_leases(self) -> None:
        """Runs for ever, at the same pace where a renewal is not answered."""
        interval_s = self._calls.lease_s / LEASE_RENEWALS
        spent_s = 0.0
        while True:
            await asyncio.sleep(max(0.0, interval_s - spent_s))
            began = self._clock()
            await self.renew_once(deadline_s=interval_s)
            spent_s = self._clock() - began

    async def renew_once(self, *, deadline_s: float) -> None:
        """One round over all calls that need it; a failing one does not hold up the others."""
        gate = asyncio.Semaphore(LEASE_RENEWALS_PARALLEL_MAX)

        async def renew(call: Call) -> None:
            async with gate:
                try:
                    await self._calls.guard.renew_lease(call, deadline_s=deadline_s)
                except TelephonyError as error:
                    log.warning(
                        "lease_not_renewed",
                        contact_id=call.contact_id,
                        reason=type(error).__name__,
                    )

        calls = self._calls.table.all()
        leased = [call for call in calls if call.phase in LEASED_PHASES or call.lease_doubts]
        await asyncio.gather(*(renew(call) for call in leased))

    async def survey_for_ever(self) -> None:
        """Runs for ever: takes callers back from the parachute queue, repairs what was missed."""
        last = self._clock()
        while True:
            await asyncio.sleep(SURVEY_INTERVAL_S)
            parachuted = any(c.phase is CallPhase.PARACHUTE for c in self._calls.table.all())
            soon = parachuted or self._calls.look_again
            if not self._ready or (not soon and self._clock() - last < SWEEP_INTERVAL_S):
                continue
            last = self._clock()
            try:
                await self.resync()
            except TelephonyError as error:
                self._calls.look_again = True
                log.warning("survey_failed", reason=type(error).__name__)

    async def connected(self) -> None:
        """A new connection: watch every channel, then read what is alive."""
        await self._calls.actions.watch_all_channels()
        await self.resync()

    def lost(self) -> None:
        """The connection is gone: nothing is known any more, nobody is taken from anywhere."""
        self._ready = False

    async def resync(self) -> None:
        """Bring this view in line with Asterisk: adopt, take back, release, sweep.

        What has changed here since Asterisk was asked is left alone: the events know better.
        """
        self._calls.look_again = False
        before = {call.contact_id: call.changes for call in self._calls.table.all()}
        asked_at = self._clock()
        found = survey(await self._calls.actions.channels(), await self._calls.actions.bridges())
        self._ready = True
        seen = {caller.facts.contact_id for caller in found.callers}
        for contact_id in before:
            call = self._calls.table.get(contact_id)
            if call is not None and contact_id not in seen and call.phase is not CallPhase.DIALLED:
                # Vanished without a word, with Asterisk itself perhaps: not the caller's doing.
                self._calls.caller_destroyed(call, CAUSE_VANISHED)
        for caller in found.callers:
            if not self._is_news(caller.facts.contact_id, before):
                continue
            try:
                await self._settle(caller, found, asked_at)
            except ARIRefused as refused:
                # It has moved on; its own event follows. The others must not wait for it.
                log.info(
                    "caller_moved_on", contact_id=caller.facts.contact_id, status=refused.status
                )
        self._settle_legs(found, before)
        await self._sweep(found)
        if any(self._ended_meanwhile(caller.facts.contact_id) for caller in found.callers):
            # Its legs were not looked at as those of nobody; they should not wait for long.
            self._calls.look_again = True

    def _ended_meanwhile(self, contact_id: ContactId) -> bool:
        call = self._calls.table.get(contact_id)
        return call is None or call.phase is CallPhase.GONE or call.ended_posted

    def _is_news(self, contact_id: ContactId, before: Changes) -> bool:
        call = self._calls.table.get(contact_id)
        changes = None if call is None else call.changes
        return changes == before.get(contact_id) and not self._calls.table.is_over(contact_id)

    async def _settle(self, found: FoundCaller, survey: Survey, asked_at: float) -> None:
        call = self._calls.table.get(found.facts.contact_id)
        if call is not None and call.phase is CallPhase.GONE:
            return
        if call is not None and call.ended_posted:
            await self._calls.guard.end_caller(call)
        elif call is not None and call.phase is CallPhase.DIALLED:
            self._settle_dialled(call, found)
        elif found.where is Where.OURS:
            if call is None or call.phase is CallPhase.PARACHUTE:
                bridge_exists = bridge_id_of(found.facts.contact_id) in survey.bridges
                await adopt(self._calls, found, bridge_exists=bridge_exists)
            elif _alone(call, found):
                self._wait_again(call)
            elif call.music_owed:
                self._calls.table.spawn(call, self._calls.joining.make_up_music(call))
        elif found.where is not Where.ELSEWHERE:
            await self._parachuted(found, asked_at)

    def _settle_dialled(self, call: Call, found: FoundCaller) -> None:
        """A citizen whom we call has answered, and we were not told."""
        if found.where is Where.OURS and found.up:
            self._calls.outbound.answered(call, found.channel, found.facts)

    def _settle_legs(self, found: Survey, before: Changes) -> None:
        """What became of the phones that we rang, where the event did not reach us."""
        for call in self._calls.table.all():
            if not self._is_news(call.contact_id, before):
                continue
            for leg in list(call.legs.values()):
                if not leg.created:
                    continue
                if leg.leg_id not in found.legs_up:
                    self._calls.ends.leg_gone(call, leg, 0)
                elif found.legs_up[leg.leg_id]:
                    self._calls.leg_answered(call, leg)
            gone = call.caller_leg not in found.legs_up
            if call.phase is CallPhase.DIALLED and call.dial_answered and gone:
                self._calls.ends.no_citizen(call, "failed")
        for monitor in self._calls.monitors.all():
            if monitor.leg.created and monitor.leg.leg_id not in found.legs_up:
                self._calls.monitors.end(monitor)

    async def _sweep(self, found: Survey) -> None:
        """Legs that belong to nothing here, and bridges that belong to no call."""
        # A caller who is on the way between two applications may be adopted with these later.
        spared = {
            caller.facts.contact_id
            for caller in found.callers
            if caller.up and self._calls.table.get(caller.facts.contact_id) is None
        }
        for leg_id, contact_id in found.legs.items():
            if not self._calls.is_live(leg_id) and contact_id not in spared:
                log.info("stray_leg_dropped", leg_id=leg_id, contact_id=contact_id or None)
                await self._calls.guard.release_leg(leg_id)
        for caller in found.callers:
            # We called, and nobody is at the phone any more for whom it rings.
            if caller.facts.outbound and not caller.up:
                call = self._calls.table.get(caller.facts.contact_id)
                if call is None:
                    await self._calls.guard.drop_leg(caller.leg_id)
        wanted = {bridge_id_of(call.contact_id) for call in self._calls.table.all()}
        wanted |= {monitor.bridge_id for monitor in self._calls.monitors.all()}
        for bridge_id in found.stray_bridges:
            if bridge_id not in wanted:
                await self._calls.actions.destroy_bridge(bridge_id)

    def _wait_again(self, call: Call) -> None:
        """A conversation without its keeper, and nobody told us: the caller waits again."""
        log.warning("caller_found_alone", contact_id=call.contact_id)
        self._calls.joining.wait_again(call)

    async def _parachuted(self, found: FoundCaller, asked_at: float) -> None:
        call = self._calls.table.remember(found.facts, found.leg_id, found.channel)
        call.move(CallPhase.PARACHUTE)
        known = set(call.legs)
        self._calls.guard.withdraw_all(call)
        self._calls.observer.caller_left(found.facts, agent_channel=found.parachute_agent_channel)
        for leg in (*found.keepers, *found.others):
            if leg.leg_id not in known:
                # Left over from us. Its end must not reach for the caller.
                await self._calls.guard.release_leg(leg.leg_id)
        fresh = self._clock() - asked_at < TAKE_BACK_WITHIN_S
        if found.where is Where.PARACHUTE_WAITING and fresh and call.phase is CallPhase.PARACHUTE:
            # No phone rings for this caller, so nobody can be about to answer it there.
            log.info("caller_taken_back", contact_id=found.facts.contact_id)
            await self._redirect_to_claim(found.channel)


def _alone(call: Call, found: FoundCaller) -> bool:
    """Whether nobody is with a caller who should have somebody, or waits for nobody's answer."""
    if call.phase in KEPT_PHASES:
        return not found.keepers or not found.in_bridge
    if call.phase in HELD_PHASES:
        return not any(leg.agent_id is not None for leg in found.keepers)
    return call.phase in OTHER_RINGS and call.other is None
