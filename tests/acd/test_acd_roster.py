"""Proves that the sets of the roster say of everybody what the plan says of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.acd import roster as rosters
from ccserver.acd.needs import need_at, qualifies
from ccserver.acd.plan import AgentPlan, Plan, Requirement, Selection
from ccserver.acd.roster import NOBODY, Roster
from ccserver.types import AgentId, Medium
from tests.acd.test_acd_stateful import AGENT_PLANS, PLANS, QUEUES, SKILLS

ANNA, JURIS, OLGA = AgentId("anna"), AgentId("juris"), AgentId("olga")
LATVIAN = Requirement("language:lv")


@given(
    seats=st.lists(AGENT_PLANS, max_size=8, unique_by=lambda plan: plan.agent_id),
    gone=st.sets(st.integers(0, 7)),
    late=st.lists(AGENT_PLANS, max_size=4, unique_by=lambda plan: plan.agent_id),
    plan=PLANS,
    queue=QUEUES,
    skills=SKILLS,
    medium=st.sampled_from(Medium),
    waited_s=st.floats(0, 100),
)
def test_who_qualifies_is_the_same_for_all_at_once_and_for_each(
    *,
    seats: list[AgentPlan],
    gone: set[int],
    late: list[AgentPlan],
    plan: Plan,
    queue: str,
    skills: tuple[Requirement, ...],
    medium: Medium,
    waited_s: float,
) -> None:
    roster = Roster()
    need = need_at(plan, queue, skills, medium, since=0.0, now=waited_s)
    there = {seat.agent_id: seat for seat in seats}
    for seat in seats:
        roster.add(seat.agent_id, seat)
    roster.qualified(need)  # what is kept from here on must follow those who come and go
    for number in sorted(gone & set(range(len(seats)))):
        roster.remove(seats[number].agent_id)
        del there[seats[number].agent_id]
    for seat in late:
        if seat.agent_id not in there:
            roster.add(seat.agent_id, seat)
            there[seat.agent_id] = seat
    for asked in (need, need.widened()):
        expected = {agent_id for agent_id, seat in there.items() if qualifies(seat, asked)}
        assert set(roster.agents(roster.qualified(asked))) == expected


def test_a_seat_that_is_gone_leaves_nothing_to_the_one_that_gets_its_bit() -> None:
    roster = Roster()
    skilled = AgentPlan(ANNA, queues=("q",), skills=(LATVIAN,), site="riga", text_max=1)
    bit = roster.add(ANNA, skilled)
    roster.note(bit, logged_in=True, reachable=True)
    need = need_at(Plan(), "q", (LATVIAN,), Medium.VOICE, since=0.0, now=0.0)
    assert roster.qualified(need) == NOBODY  # the plan's fallback queue is not one of hers
    roster.remove(ANNA)
    assert roster.add(JURIS, AgentPlan(JURIS)) == bit
    assert (roster.logged_in, roster.reachable) == (NOBODY, NOBODY)
    assert roster.qualified(need) == NOBODY
    assert list(roster.agents(roster.qualified(need.widened()))) == [JURIS]
    assert roster.bit(ANNA) == NOBODY


def test_who_is_there_is_noted_and_taken_back() -> None:
    roster = Roster()
    anna, juris = roster.add(ANNA, AgentPlan(ANNA)), roster.add(JURIS, AgentPlan(JURIS))
    roster.note(anna, logged_in=True, reachable=True)
    roster.note(juris, logged_in=True, reachable=False)
    assert (roster.logged_in, roster.reachable) == (anna | juris, anna)
    roster.note(anna, logged_in=False, reachable=False)
    assert (roster.logged_in, roster.reachable) == (juris, NOBODY)


def test_skills_without_end_are_forgotten_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rosters, "LEVELS_MAX", 2)
    roster = Roster()
    roster.add(OLGA, AgentPlan(OLGA, skills=(LATVIAN,)))
    for number in range(5):
        strange = need_at(
            Plan(), "q", (Requirement(f"s{number}"),), Medium.VOICE, since=0.0, now=0.0
        )
        assert roster.qualified(strange) == NOBODY
        assert len(roster._by_level) <= 2
    need = need_at(Plan(), "q", (LATVIAN,), Medium.VOICE, since=0.0, now=0.0)
    assert list(roster.agents(roster.qualified(need))) == [OLGA]


@pytest.mark.parametrize("selection", Selection)
def test_the_selection_has_no_part_in_who_qualifies(selection: Selection) -> None:
    roster = Roster()
    bit = roster.add(ANNA, AgentPlan(ANNA))
    need = need_at(Plan(), "q", (), Medium.VOICE, since=0.0, now=0.0)
    assert roster.qualified(type(need)(need.medium, selection, queues=need.queues)) == bit
