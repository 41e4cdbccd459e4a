"""Proves, for any plan, that waiting only widens who may get a contact and never changes the order.

Also the small values: levels, places, the lines of the free, and the memory of redials.
"""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.acd.commands import Shortage
from ccserver.acd.contact import Contact
from ccserver.acd.matching import Free, Pool
from ccserver.acd.memory import Redial, Redials
from ccserver.acd.needs import Need, need_at, next_step, qualifies
from ccserver.acd.plan import (
    AgentPlan,
    OverflowStep,
    Plan,
    QueuePlan,
    RelaxStep,
    Requirement,
    Selection,
    finite,
    positive,
)
from ccserver.acd.roster import NOBODY, Roster
from ccserver.types import AgentId, ContactId, Medium
from tests.acd.desk import ANYBODY, queue_plans
from tests.acd.test_acd_stateful import AGENT_PLANS, PLANS, QUEUES, SKILLS

MEDIA = st.sampled_from(Medium)
MOMENTS = st.lists(st.floats(0, 100), min_size=2, max_size=2).map(sorted)


@given(plan=PLANS, queue=QUEUES, skills=SKILLS, medium=MEDIA, agent=AGENT_PLANS, moments=MOMENTS)
def test_who_fits_once_fits_until_the_end(
    *,
    plan: Plan,
    queue: str,
    skills: tuple[Requirement, ...],
    medium: Medium,
    agent: AgentPlan,
    moments: list[float],
) -> None:
    early, late = (need_at(plan, queue, skills, medium, since=0.0, now=now) for now in moments)
    assert not qualifies(agent, early) or qualifies(agent, late)
    levels = {needed.skill: needed.level for needed in early.skills}
    assert all(needed.level <= levels[needed.skill] for needed in late.skills)
    assert early.everybody <= late.everybody


@given(PLANS, QUEUES, SKILLS, MEDIA, st.floats(0, 100))
def test_a_need_changes_at_its_steps_only(
    plan: Plan, queue: str, skills: tuple[Requirement, ...], medium: Medium, now: float
) -> None:
    step = next_step(plan, queue, since=0.0, now=now)
    until = math.nextafter(step, 0.0) if step is not None else 1e12
    before = need_at(plan, queue, skills, medium, since=0.0, now=now)
    assert before == need_at(plan, queue, skills, medium, since=0.0, now=max(now, until))
    assert step is None or step > now


@given(PLANS, QUEUES, SKILLS, MEDIA, AGENT_PLANS)
def test_everybody_who_may_have_such_a_contact_gets_it_in_the_end(
    plan: Plan, queue: str, skills: tuple[Requirement, ...], medium: Medium, agent: AgentPlan
) -> None:
    need = need_at(plan, queue, skills, medium, since=0.0, now=1e9)
    assert need == need.widened()
    assert qualifies(agent, need) is (medium is Medium.VOICE or agent.text_max > 0)


@given(PLANS, QUEUES, st.integers(-3, 20), st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_order_key_is_static_and_arrival_decides_between_equals(
    plan: Plan, queue: str, priority: int, first: float, second: float
) -> None:
    one, two = (
        Contact(ContactId(name), Medium.VOICE, queue, priority, arrived_at, sequence, arrived_at)
        for sequence, (name, arrived_at) in enumerate((("b", first), ("a", second)))
    )
    places = [contact.place_by(plan.queue(queue)) for contact in (one, two)]
    assert (places[0] < places[1]) is (first <= second)
    one.waits_since = one.as_of = 1e9
    assert one.place_by(plan.queue(queue)) == places[0]


def test_a_place_is_class_then_arrival_less_head_start() -> None:
    contact = Contact(ContactId("c"), Medium.VOICE, "q", 3, 1000.0, 7, 1000.0)
    queue = QueuePlan("q", queue_class=8, head_start_s=100.0, priority_step_s=20.0)
    assert contact.place_by(queue) == (-8, 840.0, 1000.0, 7, "c")


def test_a_need_is_normal_whatever_the_order_of_the_plan() -> None:
    queue = QueuePlan(
        "q",
        skills=(Requirement("b", 2), Requirement("a", 1), Requirement("x", 0)),
        sites=("s2", "s1"),
        overflow=(
            OverflowStep(0.0, queue="p"),
            OverflowStep(0.0, queue="q"),
            OverflowStep(0.0, queue="unknown"),
            OverflowStep(0.0, site="s2"),
            OverflowStep(0.0, site="s0"),
            OverflowStep(1.0, queue="later", site="later"),
        ),
        relax=(RelaxStep(1.0, "*"),),
    )
    plan = Plan(queue_plans(queue, QueuePlan("p"), QueuePlan("later")))
    own = (Requirement("b", 1), Requirement("a", 3))
    assert need_at(plan, "q", own, Medium.VOICE, since=10.0, now=10.0) == Need(
        Medium.VOICE,
        Selection.LONGEST_IDLE,
        queues=("p", "q"),
        sites=("s0", "s1", "s2"),
        skills=(Requirement("a", 3), Requirement("b", 2)),
    )
    later = need_at(plan, "q", own, Medium.VOICE, since=10.0, now=11.0)
    assert (later.queues, later.skills) == (("later", "p", "q"), ())
    assert next_step(plan, "q", since=10.0, now=10.0) == 11
    assert next_step(plan, "q", since=10.0, now=11.0) == 40
    assert next_step(plan, "q", since=10.0, now=40.0) == 70
    assert next_step(plan, "q", since=10.0, now=70.0) is None


def test_a_step_covers_a_skill_a_category_or_all() -> None:
    assert RelaxStep(0.0, "ecall").covers("ecall")
    assert not RelaxStep(0.0, "ecall").covers("ecall2")
    assert RelaxStep(0.0, "language:*").covers("language:lv")
    assert not RelaxStep(0.0, "language:*").covers("language")
    assert not RelaxStep(0.0, "language:*").covers("languages:lv")
    assert RelaxStep(0.0, "*").covers("anything")


def test_a_skill_told_twice_has_the_higher_level() -> None:
    skills = (Requirement("a", 3), Requirement("a", 5), Requirement("a", 1))
    agent = AgentPlan(AgentId("x"), skills=skills)
    assert (agent.level("a"), agent.level("b")) == (5, 0)
    assert agent == AgentPlan(AgentId("x"), skills=skills)


def test_times_that_are_no_numbers_are_replaced() -> None:
    assert [finite(x, 7.0) for x in (1.0, -1.0, None, math.nan, math.inf)] == [1, -1, 7, 7, 7]
    assert [positive(x, 7.0) for x in (1.0, -1.0, 0.0, None, math.nan, math.inf)] == [1] + [7] * 5


@pytest.mark.parametrize(
    ("members", "logged_in", "reachable", "expected"),
    [
        (0, 0, 0, Shortage.NOBODY_QUALIFIED),
        (2, 0, 0, Shortage.NOBODY_LOGGED_IN),
        (2, 1, 0, Shortage.NO_DEVICE),
        (2, 1, 1, Shortage.ALL_BUSY),
    ],
)
def test_the_reason_for_waiting_is_the_first_that_holds(
    members: int, logged_in: int, reachable: int, expected: Shortage
) -> None:
    roster = Roster()
    for number in range(members):
        bit = roster.add(AgentId(f"agent {number}"), ANYBODY)
        roster.note(bit, logged_in=number < logged_in, reachable=number < reachable)
    pool = Pool(Need(Medium.VOICE, Selection.LONGEST_IDLE, everybody=True), roster)
    assert pool.shortage is expected


def test_the_free_are_found_by_looking_at_few_from_either_side() -> None:
    roster = Roster()
    free = Free(roster)
    names = [AgentId(f"agent {number}") for number in range(6)]
    bits = {name: roster.add(name, ANYBODY) for name in names}
    for number, name in enumerate(names):
        free.stand(
            name, f"site {number % 2}", (max(0, number - 3), 0, 0, float(number), number, name)
        )
    pool = Pool(Need(Medium.VOICE, Selection.LONGEST_IDLE), roster)
    pool.members = NOBODY
    assert free.choose(pool, levels=2) == []
    for members in (names[2:4], names[2:], names):
        pool.members = sum(bits[name] for name in members)
        fit = [name for name in members if name in names[:4]]
        assert free.choose(pool, levels=0) == fit[:1]
        assert free.choose(pool, levels=0, count=9) == fit
        assert free.choose(pool, levels=0, count=2, refused_by={fit[0]}) == fit[1:3]
        assert free.choose(pool, levels=0, count=9, refused_by=set(members)) == fit
        at_site = free.choose(pool, levels=0, site="site 1")
        assert at_site == [names[3 if members != names else 1]]
        assert free.choose(pool, levels=0, preferred=names[3]) == [names[3]]
        assert free.choose(pool, levels=0, preferred=names[5]) == fit[:1]
        assert free.choose(pool, levels=0, preferred=AgentId("unknown")) == fit[:1]
    assert free.choose(pool, levels=1, count=9) == names[:5]
    assert free.choose(pool, levels=2, count=9) == names
    assert free.choose(pool, levels=2, count=9, site="site 1", refused_by=set(names[:3])) == [
        names[3],
        names[4],
        names[5],
    ]
    free.stand(names[0], "site 0", None)
    free.stand(names[2], "site 0", None)
    free.stand(names[4], "site 0", None)
    assert list(free.lines) == ["site 1"]


def test_redials_are_bounded_newest_first_and_forgotten() -> None:
    redials = Redials(2)
    for number, caller in enumerate(("a", "b", "a", "x")):
        redial = Redial(float(number), number, float(number))
        redials.remember(caller, redial, forget_before=-1.0)
    assert len(redials) == 2
    assert redials.take("b", not_before=0.0) is None
    redials.remember("a", Redial(9.0, 9, 1.0), forget_before=-1.0)  # older than what is known
    assert redials.take("a", not_before=2.5) is None
    assert len(redials) == 1
    redials.remember("y", Redial(7.0, 7, 7.0), forget_before=3.0)
    assert len(redials) == 2
    redials.remember("z", Redial(8.0, 8, 8.0), forget_before=7.5)
    assert len(redials) == 1
    assert redials.take("z", not_before=8.0) == Redial(8.0, 8, 8.0)
    assert redials.take("z", not_before=0.0) is None
    redials.remember("old", Redial(1.0, 1, 1.0), forget_before=5.0)
    assert len(redials) == 0
