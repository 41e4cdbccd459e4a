"""Keeps the view of the calls true: leases, adoption after a restart, repair of what was missed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from ccserver.telephony.call import LEASED_PHASES, Call, CallPhase, OfferLeg, bridge_id_of
from ccserver.telephony.calls import Calls
from ccserver.telephony.errors import ARIRefused, TelephonyError
from ccserver.telephony.survey import FoundCaller, Where, survey
from ccserver.types import LegId

log = structlog.get_logger(__name__)

SURVEY_INTERVAL_S = 1.0  # while a caller is in the parachute queue and might be taken back
SWEEP_INTERVAL_S = 15.0  # otherwise: repairs whatever a lost event left behind
LEASE_RENEWALS_PARALLEL_MAX = 32  # Asterisk answers in about 1 ms; more only queues up there


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
        """Runs for ever: a third of the lease between renewals, so two may fail."""
        gate = asyncio.Semaphore(LEASE_RENEWALS_PARALLEL_MAX)

        async def renew(call: Call) -> None:
            async with gate:
                if call.phase not in LEASED_PHASES:
                    return
                try:
                    await self._calls.actions.set_lease(call.caller_leg, self._calls.lease_s)
                    if call.phase is CallPhase.TALKING:
                        # Connected while the renewal was under way: it must not cut the call.
                        await self._calls.actions.set_lease(call.caller_leg, 0)
                except TelephonyError as error:
                    log.warning(
                        "lease_not_renewed",
                        contact_id=call.contact_id,
                        reason=type(error).__name__,
                    )

        while True:
            await asyncio.sleep(self._calls.lease_s / 3)
            leased = [call for call in self._calls.table.all() if call.phase in LEASED_PHASES]
            await asyncio.gather(*(renew(call) for call in leased))

    async def survey_for_ever(self) -> None:
        """Runs for ever: takes callers back from the parachute queue, repairs what was missed."""
        last = self._clock()
        while True:
            await asyncio.sleep(SURVEY_INTERVAL_S)
            parachuted = any(c.phase is CallPhase.PARACHUTE for c in self._calls.table.all())
            if not self._ready or (not parachuted and self._clock() - last < SWEEP_INTERVAL_S):
                continue
            last = self._clock()
            try:
                await self.resync()
            except TelephonyError as error:
                log.warning("survey_failed", reason=type(error).__name__)

    async def connected(self) -> None:
        """A new connection: watch every channel, then read what is alive."""
        await self._calls.actions.watch_all_channels()
        await self.resync()

    def lost(self) -> None:
        """The connection is gone: nothing is known any more, nobody is taken from anywhere."""
        self._ready = False

    async def resync(self) -> None:
        """Bring this view in line with Asterisk: adopt, take back, release, sweep."""
        known_before = self._calls.table.contacts()
        found = survey(await self._calls.actions.channels(), await self._calls.actions.bridges())
        self._ready = True
        for caller in found.callers:
            known_before.discard(caller.facts.contact_id)
            await self._settle(caller, bridge_exists=_bridge_of(caller) in found.bridges)
        for contact_id in known_before:
            call = self._calls.table.get(contact_id)
            if call is not None:
                self._calls.caller_destroyed(call)
        self._settle_offers(found.legs_up)
        for leg_id in found.stray_legs:
            contact = self._calls.table.of_leg(leg_id)
            if contact is None or contact.offer is None:
                log.info("stray_leg_dropped", leg_id=leg_id)
                await self._calls.drop_leg(leg_id)
        for bridge_id in found.stray_bridges:
            if not any(
                bridge_id_of(call.contact_id) == bridge_id for call in self._calls.table.all()
            ):
                await self._calls.actions.destroy_bridge(bridge_id)

    async def _settle(self, found: FoundCaller, *, bridge_exists: bool) -> None:
        call = self._calls.table.get(found.facts.contact_id)
        if found.where is Where.OURS:
            if call is None or call.phase is CallPhase.PARACHUTE:
                await self._adopt(found, bridge_exists=bridge_exists)
            elif call.phase is CallPhase.TALKING and found.agent_leg is None:
                await self._alone(call)
        elif found.where is not Where.ELSEWHERE:
            await self._parachuted(found)

    def _settle_offers(self, legs_up: Mapping[LegId, bool]) -> None:
        """What became of the phones that we rang, where the event did not reach us."""
        for call in self._calls.table.all():
            leg = call.offer
            if leg is None or not leg.created:
                continue
            if leg.leg_id not in legs_up:
                self._calls.offer_leg_gone(call, leg, 0)
            elif legs_up[leg.leg_id] and not leg.answered:
                leg.answered = True
                self._calls.observer.offer_answered(leg.offer_id)

    async def _adopt(self, found: FoundCaller, *, bridge_exists: bool) -> None:
        leg = found.agent_leg
        if leg is not None and (found.in_bridge or leg.held):
            call = self._calls.table.remember(found.facts, found.leg_id, found.channel)
            call.phase = CallPhase.HELD if leg.held else CallPhase.TALKING
            call.bridge_made = bridge_exists
            call.offer = OfferLeg(
                leg.offer_id, leg.agent_id, leg.leg_id, created=True, answered=True
            )
            self._calls.table.bind(leg.leg_id, found.facts.contact_id)
            await self._calls.actions.set_lease(
                found.leg_id, self._calls.lease_s if leg.held else 0
            )
            self._calls.observer.caller_adopted(found.facts, leg.agent_id, held=leg.held)
            return
        try:
            # Refused unless the channel is in our application: it may be about to be offered.
            await self._calls.actions.start_music(found.leg_id, "emergency")
            await self._calls.actions.set_lease(found.leg_id, self._calls.lease_s)
        except ARIRefused:
            return
        call = self._calls.table.remember(found.facts, found.leg_id, found.channel)
        call.phase, call.bridge_made = CallPhase.CLAIMED, bridge_exists
        if leg is not None:
            await self._calls.drop_leg(leg.leg_id)
        self._calls.observer.caller_waits(found.facts)

    async def _alone(self, call: Call) -> None:
        """A conversation without its call taker, and nobody told us: the caller waits again."""
        log.warning("caller_found_alone", contact_id=call.contact_id)
        call.offer = None
        await self._calls.back_to_music(call)

    async def _parachuted(self, found: FoundCaller) -> None:
        call = self._calls.table.remember(found.facts, found.leg_id, found.channel)
        call.phase = CallPhase.PARACHUTE
        call.offer = None
        self._calls.observer.caller_left(found.facts, agent_channel=found.parachute_agent_channel)
        if found.where is Where.PARACHUTE_WAITING:
            # No phone rings for this caller, so nobody can be about to answer it there.
            log.info("caller_taken_back", contact_id=found.facts.contact_id)
            await self._redirect_to_claim(found.channel)


def _bridge_of(caller: FoundCaller) -> str:
    return bridge_id_of(caller.facts.contact_id)
