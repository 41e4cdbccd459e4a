"""Safety under faults, then liveness: many seeded lives of a small centre over the fake Asterisk.

Commands are lost before and after they are carried out, answers and events are late and repeated,
links break, the process is killed and started again, callers and call takers do what they like. At
every step no caller in the application is unguarded. Then the faults stop, and every caller who
still waits is served, nothing is left in Asterisk, and each contact has had one card and one seal.
"""

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.acd.events import PresenceKind
from ccserver.telephony.call import CallPhase
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.wishes import CallRefused
from ccserver.types import AgentId, ContactId
from tests.telephony.centre import Centre, passed
from tests.telephony.fakes import (
    BROKEN,
    LOST_AFTER,
    LOST_BEFORE,
    NO_ANSWER,
    NORMAL,
    FakeAsterisk,
    Outcome,
    in_virtual_time,
)

CALLS = 5
FAULTY_S = 40.0
LATE_S = 2.5  # a renewal's interval and a bit: see FakeAsterisk.check
CALM_S = 240.0


@dataclass
class Life:
    """One seed's story."""

    seed: int
    fault_rate: float
    kills: bool = True
    outages: bool = True
    dice: random.Random = field(init=False)
    asterisk: FakeAsterisk = field(init=False)
    centre: Centre = field(init=False)
    generation: int = 0
    calls_made: int = 0
    wishes: list[asyncio.Task[None]] = field(default_factory=list)

    async def live(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - a test's dice
        self.asterisk = FakeAsterisk()
        self.asterisk.faults = self._fault
        self.asterisk.unguarded_max_s = LATE_S if self.fault_rate else 0.0
        self.asterisk.event_delay = lambda channel_id: self.dice.choice((0.0005, 0.002, 0.05))
        self.asterisk.event_repeats = lambda event: 1 + (self.dice.random() < self.fault_rate)
        await self._begin()
        await self._faulty()
        self.asterisk.faults = lambda verb: Outcome()
        self.asterisk.event_repeats = lambda event: 1
        await self._calm()

    def _fault(self, verb: str) -> Outcome:
        if self.dice.random() >= self.fault_rate:
            return Outcome(before_s=self.dice.choice((0.001, 0.001, 0.003)))
        slow = Outcome(before_s=self.dice.uniform(0, 1.5), after_s=self.dice.uniform(0, 0.4))
        return self.dice.choice((LOST_BEFORE, LOST_AFTER, BROKEN, slow, slow))

    async def _begin(self) -> None:
        self.generation += 1
        self.centre = Centre(self.asterisk, instance=f"p{self.generation}")
        await self.centre.start()

    async def _faulty(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + FAULTY_S
        while loop.time() < end:
            await passed(self.dice.choice((0.001, 0.01, 0.3, 1.0)))
            await self._something()
            self.centre.check()
            assert not self.asterisk.unguarded, self.asterisk.unguarded

    async def _something(self) -> None:
        actions = [self._call, self._answer, self._answer, self._hang_up_leg, self._hang_up_caller]
        actions += [self._wish, self._wish, self._parachute]
        if self.outages:
            actions.append(self._outage)
        if self.kills:
            actions.append(self._kill)
        await self.dice.choice(actions)()

    async def _call(self) -> None:
        if self.calls_made < CALLS:
            self.calls_made += 1
            self.asterisk.call(f"c{self.calls_made}")

    async def _answer(self) -> None:
        for leg in self.asterisk.legs():
            if leg.state == "Ringing":
                self.asterisk.answer(leg.id)
                return

    async def _hang_up_leg(self) -> None:
        legs = self.asterisk.legs()
        if legs:
            self.asterisk.hang_up(self.dice.choice(legs).id, self.dice.choice((NORMAL, NO_ANSWER)))

    async def _hang_up_caller(self) -> None:
        callers = self.asterisk.callers()
        if callers and self.dice.random() < 0.3:
            self.asterisk.hang_up(self.dice.choice(callers).id)

    async def _wish(self) -> None:
        live = self.centre.live.contacts()
        if not live:
            return
        contact = self.dice.choice(live)
        agent_id = contact.view.agent_id if contact.view else None
        if agent_id is not None:
            self.wishes.append(asyncio.ensure_future(self._ask(contact.contact_id, agent_id)))

    async def _ask(self, contact_id: ContactId, agent_id: AgentId) -> None:
        wishes = self.centre.wishes
        wish = self.dice.choice(("hold", "resume", "hang_up", "reject"))
        try:
            if wish == "reject":
                wishes.reject(contact_id, agent_id)
            else:
                await getattr(wishes, wish)(contact_id, agent_id)
        except (CallRefused, TelephonyError):
            pass

    async def _parachute(self) -> None:
        for caller in self.asterisk.callers():
            if caller.app == "Queue" and caller.leave_at is not None:
                phone = self.asterisk.ring_parachute(caller, "ct-101")
                await passed(self.dice.choice((0.001, 0.7, 2.5)))
                if phone.id in self.asterisk.channels and caller.app == "Queue":
                    self.asterisk.answer_parachute(caller, phone)
                return

    async def _outage(self) -> None:
        if self.dice.random() < 0.4:
            await self.centre.lose_link(self.dice.choice((0.1, 1.0, 8.0)))

    async def _kill(self) -> None:
        if self.dice.random() < 0.3:
            self.centre.kill()
            await passed(self.dice.choice((0.1, 3.0, 12.0)))
            await self._begin()

    async def _calm(self) -> None:
        """Everybody works: what is offered is answered, and talks end."""
        loop = asyncio.get_running_loop()
        end = loop.time() + CALM_S
        while loop.time() < end and (self.asterisk.callers() or self.asterisk.legs()):
            await passed(1.0)
            self.centre.check()
            for agent_id in self.centre.agents:
                self.centre.present(agent_id, PresenceKind.READY)
            for leg in self.asterisk.legs():
                if leg.state == "Ringing":
                    self.asterisk.answer(leg.id)
                elif self.dice.random() < 0.1:
                    await self._finish_talk(leg.id)
            for channel in list(self.asterisk.channels.values()):
                if channel.id.startswith("queue-") and self.dice.random() < 0.2:
                    self._end_parachute(channel.id)
        await passed(20.0)
        self._nothing_left()

    async def _finish_talk(self, leg_id: str) -> None:
        call = self.centre.calls.table.of_leg(leg_id)
        if call is not None and call.phase is CallPhase.HELD and call.offer is not None:
            await self.centre.wishes.resume(call.contact_id, call.offer.agent_id)
        else:
            self.asterisk.hang_up(leg_id)

    def _end_parachute(self, phone_id: str) -> None:
        phone = self.asterisk.channels[phone_id]
        contact = phone.variables["CONTACT_ID"]
        talked = phone.variables.get("CONNECTED") == "1"
        self.asterisk.hang_up(phone_id)
        if talked:
            self.asterisk.hang_up(f"caller-{contact}")  # QUEUESTATUS is CONTINUE

    def _nothing_left(self) -> None:
        asterisk, centre = self.asterisk, self.centre
        assert not asterisk.unguarded, asterisk.unguarded
        assert not asterisk.channels, [(c.id, c.app) for c in asterisk.channels.values()]
        assert not asterisk.bridges
        assert not centre.calls.table.all()
        assert not centre.live.contacts()
        assert not centre.core.contact_views()
        assert max(centre.journal.opened().values(), default=1) == 1
        assert len(centre.sealed) == len(set(centre.sealed))
        assert not centre.calls.table._contact_of_leg


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32), fault_rate=st.sampled_from((0.0, 0.02, 0.1, 0.3)))
def test_no_caller_is_unguarded_and_all_are_served_once_the_faults_stop(
    seed: int, fault_rate: float
) -> None:
    in_virtual_time(Life(seed, fault_rate).live())


@pytest.mark.parametrize("seed", range(3))
def test_a_calm_life_has_no_fault_at_all(seed: int) -> None:
    in_virtual_time(Life(seed, 0.0, kills=False, outages=False).live())
