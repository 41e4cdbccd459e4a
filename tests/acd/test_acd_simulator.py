"""Proves the core under simulated people and faults, and that the simulator can see a bug.

A thousand simulated hours over a hundred kinds of centres by default; ``CCSERVER_SIM_HOURS`` asks
for more. Each planted bug below is found by the simulator's own model alone: the core's
`check_invariants` is switched off for them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.agent import Agent
from ccserver.acd.contact import Contact, Offer
from ccserver.acd.core import ACDCore
from ccserver.types import AgentId
from sim.acd.__main__ import spread, summary
from sim.acd.run import SimulationFailed, simulate

ROOT = Path(__file__).resolve().parents[2]
HOURS = float(os.environ.get("CCSERVER_SIM_HOURS", "1000"))
SEEDS_FOR_A_BUG = range(24)


@pytest.mark.slow
@pytest.mark.timeout(max(600, HOURS))
def test_many_simulated_hours_hold_and_see_everything() -> None:
    results = spread(HOURS, workers=min(2, os.cpu_count() or 1))
    assert sum(result.hours for result in results) == pytest.approx(HOURS)
    counts = summary(results, 0.0)["counts"]
    assert isinstance(counts, dict)
    expected = {kind.__name__ for kind in e.Event.__args__}
    expected |= {f"RescindOffer:{reason}" for reason in c.RescindReason}
    expected |= {"OfferContact", "ConnectContact", "ignored:OfferAccepted:offer_closed"}
    assert expected <= set(counts)


def test_a_seed_replays_exactly() -> None:
    first, second = (simulate(7, 2.0, digest=True) for _ in range(2))
    assert first == second
    assert simulate(8, 2.0, digest=True).digest != first.digest


def test_the_order_of_hashes_changes_nothing() -> None:
    digests = set()
    for hash_seed in ("0", "1", "4711"):
        run = subprocess.run(
            [sys.executable, "-m", "sim.acd", "--seed", "5", "--hours", "4", "--digest"],
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


# ---- planted bugs ----


class NewestFirst(ACDCore):
    """Answers the contact at the wrong end of the line."""

    def _match(self) -> None:
        while self._waiting and self._idle:
            contact = self._contacts[list(self._waiting)[-1][3]]
            self._offer(contact, self._agents[next(iter(self._idle))[2]])


class PriorityForgotten(ACDCore):
    """Takes everybody for equally urgent."""

    def _enter(self, event: e.ContactArrived | e.ContactAdopted) -> Contact:
        contact = super()._enter(event)
        contact.priority = 5
        return contact


class ShortestIdle(ACDCore):
    """Gives the contact to whoever became idle last."""

    def _match(self) -> None:
        while self._waiting and self._idle:
            contact = self._contacts[next(iter(self._waiting))[3]]
            self._offer(contact, self._agents[list(self._idle)[-1][2]])


class OfferedTwice(ACDCore):
    """Rings a second phone for the same contact when there is one idle."""

    def _offer(self, contact: Contact, agent: Agent) -> None:
        super()._offer(contact, agent)
        other = self._idle.first()
        if other is not None and contact.offer is not None:
            deadline = contact.offer.deadline
            offer_id = contact.offer.offer_id
            self._commands.append(c.OfferContact(offer_id, contact.contact_id, other[2], deadline))


class LostOnReject(ACDCore):
    """Forgets a contact whose offer was rejected."""

    def _on_offer_event(self, event: e.OfferAccepted | e.OfferFailed) -> None:
        offer = self._offers.get(event.offer_id)
        super()._on_offer_event(event)
        if offer is not None and isinstance(event, e.OfferFailed):
            contact = self._contacts.pop(offer.contact_id)
            self._waiting.remove(contact.place)
            del self._touched_contacts[offer.contact_id]


class NotMatchedAgain(ACDCore):
    """Does not look for another agent when an offer comes back."""

    def _match(self) -> None:
        came_back = any(
            contact.state is c.ContactState.WAITING and contact.refused_by
            for contact in self._touched_contacts.values()
        )
        if not came_back:
            super()._match()


class EndlessWrapUp(ACDCore):
    """Lets the deadline of a wrap-up pass."""

    def _expire(self, agent: Agent) -> None:
        if agent.state is c.AgentState.WRAP_UP and agent.timer is not None:
            self._deadlines.remove(agent.timer)
            agent.timer = None
        else:
            super()._expire(agent)


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
        self, offer: Offer, contact: Contact, reason: c.RescindReason, *, rings: bool = True
    ) -> None:
        self._renew_idle(self._agents[offer.agent_id])
        super()._close_offer(offer, contact, reason, rings=rings)


class ReturnedToTheEnd(ACDCore):
    """Takes a contact that lost its call taker for a new one."""

    def _return(self, contact: Contact, agent_id: AgentId | None) -> None:
        contact.arrived_at = self._now
        super()._return(contact, agent_id)


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
        self, offer: Offer, contact: Contact, reason: c.RescindReason, *, rings: bool = True
    ) -> None:
        rings = rings and reason is not c.RescindReason.LEFT
        super()._close_offer(offer, contact, reason, rings=rings)


class GhostsComeBack(ACDCore):
    """Does not remember who is over."""

    def _enter(self, event: e.ContactArrived | e.ContactAdopted) -> Contact:
        self._over = type(self._over)()
        return super()._enter(event)


PLANTED = [
    NewestFirst,
    PriorityForgotten,
    ShortestIdle,
    OfferedTwice,
    LostOnReject,
    NotMatchedAgain,
    EndlessWrapUp,
    LateAnswerConnects,
    RankLostWhenAbandoned,
    ReturnedToTheEnd,
    ClockBelieved,
    AskedAgainAtOnce,
    RingsOnAfterLeaving,
    GhostsComeBack,
]


@pytest.mark.parametrize("broken", PLANTED, ids=lambda broken: broken.__name__)
def test_a_planted_bug_is_found_and_its_seed_replays(broken: type[ACDCore]) -> None:
    found = None
    for seed in SEEDS_FOR_A_BUG:
        try:
            simulate(seed, 5.0, make_core=broken, self_check=False)
        except SimulationFailed as failure:
            found = str(failure)
            break
    assert found is not None
    assert f"--seed {seed} " in found
    with pytest.raises(SimulationFailed) as again:
        simulate(seed, 5.0, make_core=broken, self_check=False)
    assert str(again.value) == found
