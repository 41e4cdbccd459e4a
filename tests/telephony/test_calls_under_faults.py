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
from ccserver.telephony.party import (
    AgentTarget,
    NumberTarget,
    PartyKind,
    QueueTarget,
    Target,
)
from ccserver.telephony.transfer import PLANS
from ccserver.telephony.wishes import CallRefused
from ccserver.types import AgentId, ContactId
from tests.telephony.centre import SUPERVISOR, Centre, passed
from tests.telephony.fakes import (
    BROKEN,
    LOST_AFTER,
    LOST_BEFORE,
    NO_ANSWER,
    NORMAL,
    FakeAsterisk,
    Outcome,
)
from tests.telephony.virtual_time import in_virtual_time

CALLS = 5
WITH_TARGET = ("consult", "invite", "transfer")
WISHES = (
    *("hold", "resume", "hang_up", "reject", "mute", "unmute", "drop", "monitor", "take_over"),
    *("merge", "swap", "complete", "cancel") * 2,
    *WITH_TARGET * 3,
)
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
    talkative: bool = False
    """Long conversations full of wishes, in which legs end seldom."""
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
        self.centre = Centre(self.asterisk, instance=f"p{self.generation}", supervised=True)
        await self.centre.start()

    async def _faulty(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + FAULTY_S
        while loop.time() < end:
            await passed(self.dice.choice((0.001, 0.01, 0.3, 1.0)))
            await self._something()
            self.centre.check()
            self._raise_what_wishes_raised()
            assert not self.asterisk.unguarded, self.asterisk.unguarded

    def _raise_what_wishes_raised(self) -> None:
        for wish in [task for task in self.wishes if task.done()]:
            self.wishes.remove(wish)
            wish.result()

    async def _something(self) -> None:
        actions = [self._call, self._answer, self._answer, self._parachute]
        actions += [self._wish] * (25 if self.talkative else 4)
        actions += [self._answer] * (8 if self.talkative else 0)
        actions += [self._hang_up_leg, self._hang_up_caller]
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
        ringing = [leg for leg in self.asterisk.legs() if leg.state == "Ringing"]
        if ringing:
            self.asterisk.answer(self.dice.choice(ringing).id)

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
        wish = self._choose(contact_id)
        try:
            if wish == "reject":
                wishes.reject(contact_id, agent_id)
            elif wish in WITH_TARGET:
                await getattr(wishes, wish)(contact_id, agent_id, self._target(wish))
            elif wish == "drop":
                parties = self.centre.calls.parties(contact_id)
                if parties:
                    await wishes.drop(contact_id, agent_id, self.dice.choice(parties).party_id)
            elif wish in ("monitor", "take_over"):
                await self._supervise(contact_id, wish)
            else:
                await getattr(wishes, wish)(contact_id, agent_id)
        except (CallRefused, TelephonyError):
            pass

    def _choose(self, contact_id: ContactId) -> str:
        """Any wish; a talkative life mostly has those that fit, and seldom gives a caller away."""
        call = self.centre.calls.table.get(contact_id)
        fitting = [wish.value for phase, wish in PLANS if call and phase is call.phase]
        fitting = [wish for wish in fitting if not wish.startswith("transfer")]
        if self.talkative and fitting and self.dice.random() < 0.8:
            return self.dice.choice(fitting)
        return self.dice.choice(WISHES)

    def _target(self, wish: str) -> Target:
        kind = self.dice.choice((PartyKind.SERVICE, PartyKind.INTERPRETER, PartyKind.OUTSIDE))
        targets: list[Target] = [NumberTarget("113", kind, "NMPD")]
        targets.append(AgentTarget(self.dice.choice(self.centre.agents)))
        if wish == "transfer":
            targets.append(QueueTarget("emergency"))
        return self.dice.choice(targets)

    async def _supervise(self, contact_id: ContactId, wish: str) -> None:
        wishes, supervisor = self.centre.wishes, SUPERVISOR
        if wish == "monitor":
            mode = self.dice.choice(("listen", "whisper", "barge", "off"))
            await wishes.monitor(contact_id, supervisor, mode)
        elif self.dice.random() < 0.3:
            await wishes.take_over(contact_id, supervisor)

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
        agent_id = call.owner.agent_id if call and call.owner else None
        if call is None or agent_id is None or call.phase is CallPhase.TALKING:
            self.asterisk.hang_up(leg_id)
            return
        try:
            wish = "cancel" if call.other else "resume"
            await getattr(self.centre.wishes, wish)(call.contact_id, agent_id)
        except CallRefused:
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
        # A party's is told with its leg's end, as often as that is told: sealing again is nothing.
        own = [recording for recording, _ in centre.sealed if "." not in recording]
        assert len(own) == len(set(own))
        assert not centre.calls.table._contact_of_leg


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    fault_rate=st.sampled_from((0.0, 0.02, 0.1, 0.3)),
    talkative=st.booleans(),
)
def test_no_caller_is_unguarded_and_all_are_served_once_the_faults_stop(
    seed: int, fault_rate: float, talkative: bool
) -> None:
    in_virtual_time(Life(seed, fault_rate, talkative=talkative).live())


@pytest.mark.parametrize("seed", range(3))
def test_a_calm_life_has_no_fault_at_all(seed: int) -> None:
    in_virtual_time(Life(seed, 0.0, kills=False, outages=False).live())
