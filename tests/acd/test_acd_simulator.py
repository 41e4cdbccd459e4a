"""Proves the core under simulated people and faults, and that the simulator can see a bug.

Some twenty simulated hours over as many kinds of centres by default; ``CCSERVER_SIM_HOURS`` asks
for more. Each planted bug below is found by the simulator's own model alone: the core's
`check_invariants` is switched off for them. So is every part of the plan: a core to which one
field of it is never told is found out.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.agent import Agent
from ccserver.acd.commands import AlarmCode, ContactState, OfferKind, RescindReason
from ccserver.acd.contact import Contact, Offer
from ccserver.acd.core import ACDCore
from ccserver.acd.errors import StaleEvent
from ccserver.acd.matching import Pool
from ccserver.acd.plan import AgentPlan, Plan, QueuePlan, Selection
from ccserver.acd.roster import NOBODY
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId
from sim.acd.__main__ import spread, summary
from sim.acd.run import SimulationFailed, simulate

ROOT = Path(__file__).resolve().parents[2]
HOURS = float(os.environ.get("CCSERVER_SIM_HOURS", "20"))
SEEDS_FOR_A_BUG = range(1000, 1060)
HOURS_FOR_A_BUG = 1.0


@pytest.mark.slow
@pytest.mark.timeout(max(600, HOURS * 20))
def test_many_simulated_hours_hold_and_see_everything() -> None:
    results = spread(HOURS, hours_per_seed=1.0, workers=min(2, os.cpu_count() or 1))
    assert sum(result.hours for result in results) == pytest.approx(HOURS)
    counts = summary(results, 0.0)["counts"]
    assert isinstance(counts, dict)
    expected = {kind.__name__ for kind in e.Event.__args__}
    expected |= {f"RescindOffer:{reason}" for reason in c.RescindReason}
    expected |= {f"OfferContact:{kind}" for kind in c.OfferKind}
    expected |= {f"RaiseAlarm:{code}" for code in c.AlarmCode}
    expected |= {"ConnectContact", "ignored:OfferAccepted:offer_closed"}
    expected |= {"redial", "rings at several", "wrap-up extended", "escalated: nobody there"}
    expected |= {"vacant positions quiet"}
    assert expected <= set(counts)


def test_a_seed_replays_exactly() -> None:
    first, second = (simulate(7, 1.0, digest=True) for _ in range(2))
    assert first == second
    assert simulate(8, 1.0, digest=True).digest != first.digest


def test_the_order_of_hashes_changes_nothing() -> None:
    digests = set()
    for hash_seed in ("0", "1", "4711"):
        run = subprocess.run(
            [sys.executable, "-m", "sim.acd", "--seed", "5", "--hours", "0.7", "--digest"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        digests.add(json.loads(run.stdout.splitlines()[-1])["digest"])
    assert len(digests) == 1
    assert None not in digests


def test_hours_are_spread_over_seeds_and_counts_added_up() -> None:
    results = spread(0.2, hours_per_seed=0.1, first_seed=3)
    assert [result.seed for result in results] == [3, 4]
    added = Counter[str]()
    for seed in (3, 4):
        added.update(simulate(seed, 0.1).counts)
    assert summary(results, 0.0)["counts"] == dict(sorted(added.items()))


# ---- planted bugs ----


class NewestFirst(ACDCore):
    """Answers the contact at the wrong end of the line."""

    def _give(self, pool: Pool) -> None:
        contact = self._contacts[list(pool.waiting)[-1][-1]]
        self._offer(contact, self._agents[self._who(pool, contact)[0]])

    def _who(self, pool: Pool, contact: Contact) -> list[AgentId]:
        return self._pools.choose(pool, refused_by=contact.refused_by, count=99)


class ShortestIdle(NewestFirst):
    """Gives the contact to whoever became idle last."""

    def _give(self, pool: Pool) -> None:
        contact = self._contacts[next(iter(pool.waiting))[-1]]
        self._offer(contact, self._agents[self._who(pool, contact)[-1]])


class OfferedTwice(NewestFirst):
    """Rings a second phone for the same contact when there is one idle."""

    def _give(self, pool: Pool) -> None:
        contact = self._contacts[next(iter(pool.waiting))[-1]]
        for agent_id in self._who(pool, contact)[:2]:
            self._offer(contact, self._agents[agent_id])


class LostOnReject(ACDCore):
    """Forgets a contact whose offer was rejected."""

    def _on_offer_event(self, event: e.OfferAccepted | e.OfferFailed) -> None:
        offer = self._offers.get(event.offer_id)
        super()._on_offer_event(event)
        if offer is not None and isinstance(event, e.OfferFailed):
            contact = self._contacts[offer.contact_id]
            if contact.state is ContactState.WAITING:
                contact.state = ContactState.GONE
                self._forget(contact)


class NotMatchedAgain(ACDCore):
    """Does not look for another agent when an offer comes back."""

    def _match(self) -> None:
        came_back = any(
            contact.state is ContactState.WAITING and contact.refused_by
            for contact in self._touched_contacts.values()
        )
        if came_back:
            self._settle()
        else:
            super()._match()


class EndlessWrapUp(ACDCore):
    """Lets the deadline of a wrap-up pass."""

    def _expire(self, owner: Agent | Contact) -> None:
        if isinstance(owner, Agent) and owner.state is c.AgentState.WRAP_UP:
            self._arm(owner, None)
        else:
            super()._expire(owner)


class LateAnswerConnects(ACDCore):
    """Believes an answer to an offer that was given up."""

    def _refuse_closed_offer(self, event: e.OfferAccepted | e.OfferFailed) -> None:
        try:
            super()._refuse_closed_offer(event)
        finally:
            for index, command in enumerate(self._commands):
                if isinstance(command, c.RescindOffer) and isinstance(event, e.OfferAccepted):
                    self._commands[index] = c.ConnectContact(
                        command.offer_id, command.contact_id, command.agent_id
                    )


class RankLostWhenAbandoned(ACDCore):
    """Sends an agent to the end of the idle though the caller left."""

    def _close_offer(
        self, offer: Offer, contact: Contact, reason: RescindReason, *, rings: bool = True
    ) -> None:
        self._renew_idle(self._agents[offer.agent_id])
        super()._close_offer(offer, contact, reason, rings=rings)


class PassedOnToTheEnd(ACDCore):
    """Takes a contact that was transferred for a new one."""

    def _transfer(self, event: e.ContactTransferred) -> None:
        contact = self._held_by(event.contact_id, event.by_agent)
        contact.arrived_at = self._now
        contact.place = contact.place_by(self._queue(contact))
        super()._transfer(event)


class ReturnedToTheEnd(ACDCore):
    """Takes a contact that lost its call taker for a new one."""

    def _leave_conversation(self, contact: Contact) -> None:
        contact.arrived_at = self._now
        contact.place = contact.place_by(self._queue(contact))
        super()._leave_conversation(contact)


class ClockBelieved(ACDCore):
    """Lets time go backward."""

    def _advance(self, now: float) -> None:
        self._now = now


class AskedAgainAtOnce(ACDCore):
    """Asks the agent who refused although another is idle."""

    def _match(self) -> None:
        for contact in self._contacts.values():
            contact.refused_by.clear()
        super()._match()


class RingsOnAfterLeaving(ACDCore):
    """Does not stop the phone when the caller was taken by the parachute queue."""

    def _close_offer(
        self, offer: Offer, contact: Contact, reason: RescindReason, *, rings: bool = True
    ) -> None:
        rings = rings and reason is not RescindReason.LEFT
        super()._close_offer(offer, contact, reason, rings=rings)


class OthersRingOn(ACDCore):
    """Does not stop the other phones when one of several was answered."""

    def _close_offer(
        self, offer: Offer, contact: Contact, reason: RescindReason, *, rings: bool = True
    ) -> None:
        rings = rings and reason is not RescindReason.ANSWERED_ELSEWHERE
        super()._close_offer(offer, contact, reason, rings=rings)


class GhostsComeBack(ACDCore):
    """Does not remember who is over."""

    def _enter(self, event: e.ContactArrived | e.ContactAdopted) -> Contact:
        self._over = type(self._over)()
        return super()._enter(event)


class HelpersStay(ACDCore):
    """Leaves those who assisted in a conversation that is over."""

    def _forget(self, contact: Contact) -> None:
        super()._forget(contact)
        for agent in self._agents.values():
            if agent.paused_until is not None and agent.state is c.AgentState.UNAVAILABLE:
                agent.assisting = True


class DirectedToAnybody(ACDCore):
    """Forgets to whom a contact was passed on."""

    def _transfer(self, event: e.ContactTransferred) -> None:
        super()._transfer(replace(event, agent_id=None))


class PickedByAnybody(ACDCore):
    """Gives a contact that was picked to the next in line."""

    def _pick(self, event: e.ContactPicked) -> None:
        contact = self._contact(event.contact_id)
        if contact.state is not ContactState.WAITING:
            raise StaleEvent("contact_not_waiting")
        self._free(event.agent_id, contact)


class RemovedStays(ACDCore):
    """Keeps a seat that exists no more."""

    def _remove_agent(self, agent: Agent) -> None:
        super()._remove_agent(agent)
        agent.removed = False


class AlarmsAgain(ACDCore):
    """Tells supervisors of the same contact at every step."""

    def _alarm(self, contact: Contact, code: AlarmCode) -> None:
        contact.alarmed.clear()
        super()._alarm(contact, code)


class AlarmsNever(ACDCore):
    """Lets supervisors sleep."""

    def _alarm(self, contact: Contact, code: AlarmCode) -> None:
        contact.alarmed.add(code)


class InvitedAnswers(ACDCore):
    """Takes who was asked to help for the one responsible."""

    def _offer(
        self,
        contact: Contact,
        agent: Agent,
        kind: OfferKind | None = None,
        *,
        shared: bool = False,
    ) -> None:
        super()._offer(contact, agent, kind, shared=shared)
        last = self._commands[-1]
        if isinstance(last, c.OfferContact) and kind is OfferKind.ASSIST:
            self._commands[-1] = replace(last, kind=OfferKind.ANSWER)


class EndlessExtension(ACDCore):
    """Lets a wrap-up be extended without a bound."""

    def _extend_wrap_up(self, agent: Agent, by_s: float) -> None:
        agent.wrap_up_extended_s = 0.0
        super()._extend_wrap_up(agent, by_s)


class VacantRingsOn(ACDCore):
    """Leaves a contact ringing in an empty room though somebody has come."""

    def _quiet_vacant(self) -> None:
        pass


class VacantTooEarly(ACDCore):
    """Rings at vacant positions though somebody is on duty."""

    def _settle_agent(self, agent: Agent) -> None:
        super()._settle_agent(agent)
        self._pools.roster.reachable = NOBODY


class VacantNever(ACDCore):
    """Lets callers wait where nobody is signed on."""

    def _settle_agent(self, agent: Agent) -> None:
        super()._settle_agent(agent)
        self._pools.roster.reachable = self._pools.roster.bit(agent.agent_id)


PLANTED = [
    NewestFirst,
    ShortestIdle,
    OfferedTwice,
    LostOnReject,
    NotMatchedAgain,
    EndlessWrapUp,
    LateAnswerConnects,
    RankLostWhenAbandoned,
    PassedOnToTheEnd,
    ReturnedToTheEnd,
    ClockBelieved,
    AskedAgainAtOnce,
    RingsOnAfterLeaving,
    OthersRingOn,
    GhostsComeBack,
    HelpersStay,
    DirectedToAnybody,
    PickedByAnybody,
    RemovedStays,
    AlarmsAgain,
    AlarmsNever,
    InvitedAnswers,
    EndlessExtension,
    VacantRingsOn,
    VacantTooEarly,
    VacantNever,
]


def found(make_core: Callable[..., ACDCore]) -> tuple[int, str]:
    for seed in SEEDS_FOR_A_BUG:
        try:
            simulate(seed, HOURS_FOR_A_BUG, make_core=make_core, self_check=False)
        except SimulationFailed as failure:
            return seed, str(failure)
    pytest.fail("not found")


@pytest.mark.slow
@pytest.mark.parametrize("broken", PLANTED, ids=lambda broken: broken.__name__)
def test_a_planted_bug_is_found_and_its_seed_replays(broken: type[ACDCore]) -> None:
    seed, said = found(broken)
    assert f"--seed {seed} " in said
    with pytest.raises(SimulationFailed) as again:
        simulate(seed, HOURS_FOR_A_BUG, make_core=broken, self_check=False)
    assert str(again.value) == said


# ---- parts of the plan that the core is never told of ----


def queues(plan: Plan, change: Callable[[QueuePlan], QueuePlan]) -> Plan:
    changed = {name: change(queue) for name, queue in plan.queues.items()}
    return replace(plan, queues=changed, fallback=change(plan.fallback))


def agents(plan: Plan, change: Callable[[AgentPlan], AgentPlan]) -> Plan:
    return replace(plan, agents={name: change(agent) for name, agent in plan.agents.items()})


UNTOLD: dict[str, Callable[[Plan], Plan]] = {
    "queue_class": lambda plan: queues(plan, lambda x: replace(x, queue_class=5)),
    "head_start": lambda plan: queues(plan, lambda x: replace(x, head_start_s=0.0)),
    "priority_step": lambda plan: queues(plan, lambda x: replace(x, priority_step_s=0.0)),
    "skills": lambda plan: queues(plan, lambda x: replace(x, skills=())),
    "relax": lambda plan: queues(plan, lambda x: replace(x, relax=())),
    "overflow": lambda plan: queues(plan, lambda x: replace(x, overflow=())),
    "sites": lambda plan: queues(plan, lambda x: replace(x, sites=())),
    "site_affinity": lambda plan: queues(plan, lambda x: replace(x, site_affinity=False)),
    "prefer_last_agent": lambda plan: queues(plan, lambda x: replace(x, prefer_last_agent=False)),
    "selection": lambda plan: queues(plan, lambda x: replace(x, selection=Selection.LONGEST_IDLE)),
    "ring_all_max": lambda plan: queues(plan, lambda x: replace(x, ring_all_max=99)),
    "offer_timeout": lambda plan: queues(plan, lambda x: replace(x, offer_timeout_s=None)),
    "wrap_up": lambda plan: queues(plan, lambda x: replace(x, wrap_up_s=None)),
    "alarm": lambda plan: queues(plan, lambda x: replace(x, alarm_after_s=1e6)),
    "escalate": lambda plan: queues(plan, lambda x: replace(x, escalate_after_s=1e6)),
    "redial_window": lambda plan: queues(plan, lambda x: replace(x, redial_window_s=0.0)),
    "agent queues": lambda plan: agents(plan, lambda x: replace(x, queues=None)),
    "agent skills": lambda plan: agents(plan, lambda x: replace(x, skills=())),
    "agent site": lambda plan: agents(plan, lambda x: replace(x, site="")),
    "text_max": lambda plan: agents(plan, lambda x: replace(x, text_max=9)),
    "missed_offers_max": lambda plan: replace(plan, missed_offers_max=0),
    "text_during_voice": lambda plan: replace(plan, text_during_voice=False),
    "voice_during_text": lambda plan: replace(plan, voice_during_text=True),
    "extension": lambda plan: replace(plan, wrap_up_extension_max_s=1e6),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNTOLD)
def test_a_part_of_the_plan_that_is_not_told_is_missed(name: str) -> None:
    untold = UNTOLD[name]

    class Deaf(ACDCore):
        def _change_plan(self, plan: Plan) -> None:
            super()._change_plan(untold(plan))

    def make(settings: DistributorSettings, *, instance: str, plan: Plan | None = None) -> ACDCore:
        return Deaf(settings, instance=instance, plan=untold(plan or Plan()))

    found(make)
