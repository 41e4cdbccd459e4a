"""Proves the routing: order, skills, sites, overflow, selections, times, plans."""

from dataclasses import replace

import pytest

from ccserver.acd.commands import OfferView, RescindReason
from ccserver.acd.events import ContactAbandoned, ContactArrived, OfferFailure
from ccserver.acd.plan import OverflowStep, Plan, RelaxStep, Requirement, Selection
from ccserver.types import AgentId, ContactId, OfferId
from tests.acd.desk import (
    ANYBODY,
    BREAK,
    EMERGENCY,
    LATVIAN,
    OFF,
    READY,
    RUSSIAN,
    Desk,
    agent_plans,
    connect,
    offer,
    offered,
    queue_plans,
    rescind,
)


def order(desk: Desk, count: int) -> list[str]:
    """Return the contacts in the order in which agents who come one by one get them."""
    got = []
    for number in range(count):
        ((contact, _),) = offered(desk.join(f"agent {number}"))
        got.append(contact)
    return got


# ---- the order of the waiting ----


def test_a_higher_class_is_always_before_a_lower_however_long_that_has_waited() -> None:
    low = replace(EMERGENCY, name="low", queue_class=4, head_start_s=1e5)
    desk = Desk(plan=Plan(queues=queue_plans(EMERGENCY, low)))
    desk.arrive("old", queue="low", priority=10, at=0)
    desk.arrive("new", priority=0, at=9000)
    assert order(desk, 2) == ["new", "old"]


def test_within_a_class_waiting_time_and_head_start_are_added() -> None:
    ahead = replace(EMERGENCY, name="ahead", head_start_s=100.0)
    desk = Desk(plan=Plan(queues=queue_plans(EMERGENCY, ahead)))
    desk.arrive("first", at=0)
    desk.arrive("second", at=61)
    desk.arrive("ahead", queue="ahead", at=160)
    desk.arrive("third", at=161)
    assert order(desk, 4) == ["first", "ahead", "second", "third"]


def test_a_point_of_priority_is_a_head_start_of_its_own() -> None:
    plan = replace(EMERGENCY, priority_step_s=10.0)
    desk = Desk(plan=Plan(queues=queue_plans(plan)))
    desk.arrive("low", priority=1, at=0)
    desk.arrive("late", priority=4, at=31)
    desk.arrive("high", priority=4, at=29)
    assert order(desk, 3) == ["high", "low", "late"]


def test_a_priority_beyond_the_scale_is_its_end() -> None:
    desk = Desk(plan=Plan(queues=queue_plans(EMERGENCY)))
    desk.arrive("ten", priority=10, at=0)
    desk.arrive("more", priority=10**400, at=1)
    desk.arrive("none", priority=0, at=2)
    desk.arrive("less", priority=-5, at=3)
    assert order(desk, 4) == ["ten", "more", "none", "less"]


def test_a_head_start_that_is_no_number_is_none() -> None:
    broken = replace(EMERGENCY, name="broken", head_start_s=float("nan"), priority_step_s=1e999)
    desk = Desk(plan=Plan(queues=queue_plans(broken, replace(EMERGENCY, priority_step_s=0.0))))
    for number, queue in enumerate(("broken", "emergency", "broken")):
        desk.arrive(f"c{number}", queue=queue, at=float(number))
    assert order(desk, 3) == ["c0", "c1", "c2"]


# ---- who may get whom ----


def test_only_members_of_the_queue_get_its_contacts() -> None:
    office = replace(EMERGENCY, name="office")
    members = agent_plans(
        office=replace(ANYBODY, queues=("office",)),
        both=replace(ANYBODY, queues=("office", "emergency")),
        none=replace(ANYBODY, queues=()),
    )
    desk = Desk("none", "office", "both", plan=Plan(queue_plans(EMERGENCY, office), members))
    assert offered(desk.arrive("c")) == [("c", "both")]
    assert desk.arrive("d") == []
    assert offered(desk.arrive("e", queue="office")) == [("e", "office")]
    assert offered(desk.join("unknown to the plan")) == [("d", "unknown to the plan")]


def test_a_contact_of_an_unknown_queue_is_the_fallbacks() -> None:
    members = agent_plans(
        named=replace(ANYBODY, queues=("emergency", "nowhere")),
        back=replace(ANYBODY, queues=("rest",)),
    )
    plan = Plan(queue_plans(EMERGENCY), members, fallback=replace(EMERGENCY, name="rest"))
    desk = Desk("named", "back", plan=plan)
    assert offered(desk.arrive("c", queue="nowhere")) == [("c", "back")]
    assert desk.contact("c").queue == "nowhere"


def test_a_skill_is_needed_at_its_level_by_queue_and_contact_the_higher_of_both() -> None:
    plan = replace(EMERGENCY, skills=(LATVIAN, Requirement("ecall", 2)))
    members = agent_plans(
        none=ANYBODY,
        low=replace(ANYBODY, skills=(Requirement("language:lv", 4), Requirement("ecall", 9))),
        one=replace(ANYBODY, skills=(LATVIAN,)),
        fits=replace(ANYBODY, skills=(LATVIAN, Requirement("ecall", 2))),
        best=replace(ANYBODY, skills=(LATVIAN, Requirement("ecall", 3), Requirement("ecall", 1))),
    )
    desk = Desk("none", "low", "one", "fits", "best", plan=Plan(queue_plans(plan), members))
    asked = (Requirement("ecall", 3), Requirement("language:lv", 1))
    assert offered(desk.arrive("c", skills=asked)) == [("c", "best")]
    assert desk.contact("c").skills == asked
    assert offered(desk.arrive("d")) == [("d", "fits")]
    assert desk.arrive("e") == []


def test_relaxation_lowers_what_is_needed_step_by_step() -> None:
    steps = (
        RelaxStep(10.0, "language:*", 3),
        RelaxStep(20.0, "ecall"),
        RelaxStep(30.0, "*", 1),
        RelaxStep(30.0, "language:ru", 9),
    )
    plan = replace(EMERGENCY, skills=(LATVIAN, Requirement("ecall", 4)), relax=steps)
    members = agent_plans(
        three=replace(ANYBODY, skills=(Requirement("language:lv", 3), Requirement("ecall", 4))),
        two=replace(ANYBODY, skills=(Requirement("language:lv", 3),)),
        one=replace(ANYBODY, skills=(Requirement("language:lv", 1),)),
        all=replace(ANYBODY, skills=(LATVIAN, Requirement("ecall", 4))),
    )
    desk = Desk("all", "one", "two", "three", plan=Plan(queue_plans(plan), members))
    desk.talk("busy", "all")
    for name in ("c", "d", "e"):
        assert desk.arrive(name, at=0) == []
    assert desk.core.next_deadline() == 10
    assert offered(desk.timer(at=10)) == [("c", "three")]
    assert desk.core.next_deadline() == 20
    assert offered(desk.timer(at=20)) == [("d", "two")]
    assert desk.timer(at=25) == [rescind(2, "c", "three", RescindReason.TIMED_OUT)]
    assert offered(desk.timer(at=30)) == [("c", "one")]  # before e, as it came before


def test_overflow_adds_queues_that_exist_and_is_not_transitive() -> None:
    plan = replace(EMERGENCY, overflow=(OverflowStep(10.0, "second"), OverflowStep(5.0, "nowhere")))
    second = replace(EMERGENCY, name="second", overflow=(OverflowStep(0.0, "third"),))
    third = replace(EMERGENCY, name="third", overflow=(OverflowStep(0.0, "emergency"),))
    members = agent_plans(
        a=replace(ANYBODY, queues=("third", "nowhere")), b=replace(ANYBODY, queues=("second",))
    )
    desk = Desk("a", "b", plan=Plan(queue_plans(plan, second, third), members))
    desk.device("b", reachable=False)
    desk.join("x")  # a member of all who only takes care that somebody is there
    desk.talk("busy", "x")
    assert desk.arrive("c", at=0) == []
    assert desk.timer(at=10) == []
    assert desk.device("b", at=11) == [offer(2, "c", "b", at=11)]


def test_overflow_to_a_site_widens_the_sites() -> None:
    plan = replace(
        EMERGENCY,
        sites=("riga",),
        overflow=(OverflowStep(10.0, site="liepaja"), OverflowStep(10.0, site="riga")),
    )
    members = agent_plans(
        riga=replace(ANYBODY, site="riga"),
        liepaja=replace(ANYBODY, site="liepaja"),
        nowhere=ANYBODY,
    )
    desk = Desk("nowhere", "liepaja", "riga", plan=Plan(queue_plans(plan), members))
    desk.talk("busy", "riga")
    desk.arrive("c", at=0)
    assert desk.timer(at=9.9) == []
    assert desk.timer(at=10) == [offer(2, "c", "liepaja", at=10)]


def test_overflow_to_a_site_does_not_narrow_a_queue_that_is_open_to_all() -> None:
    plan = replace(EMERGENCY, overflow=(OverflowStep(0.0, site="liepaja"),))
    desk = Desk("a", plan=Plan(queue_plans(plan)))
    assert offered(desk.arrive("c")) == [("c", "a")]


@pytest.mark.parametrize("after_s", [float("nan"), float("inf")])
def test_a_step_at_a_time_that_is_no_number_never_comes(after_s: float) -> None:
    plan = replace(EMERGENCY, skills=(LATVIAN,), relax=(RelaxStep(after_s, "*"),))
    plan = replace(plan, overflow=(OverflowStep(after_s, "emergency"),))
    can = agent_plans(a=ANYBODY, b=replace(ANYBODY, skills=(LATVIAN,)))
    desk = Desk("a", "b", plan=Plan(queue_plans(plan), can))
    desk.talk("busy", "b")
    assert desk.arrive("c", at=5) == []
    assert desk.core.next_deadline() == 1e6 + 5


# ---- preferences ----


def test_who_spoke_with_the_person_last_is_asked_first_if_idle() -> None:
    desk = Desk("a", "b", "x")
    assert offered(desk.arrive("c", preferred="x")) == [("c", "x")]
    assert offered(desk.arrive("d", preferred="x")) == [("d", "a")]
    assert offered(desk.arrive("e", preferred="nobody")) == [("e", "b")]


def test_the_preferred_is_not_asked_again_when_it_refused_nor_where_that_is_not_wanted() -> None:
    desk = Desk("a", "b")
    desk.arrive("c", preferred="b")
    assert offered(desk.fail(1)) == [("c", "a")]
    plan = Plan(queue_plans(replace(EMERGENCY, prefer_last_agent=False)))
    assert offered(Desk("a", "b", plan=plan).arrive("c", preferred="b")) == [("c", "a")]


def test_the_preferred_must_qualify() -> None:
    plan = replace(EMERGENCY, skills=(LATVIAN,))
    members = agent_plans(a=ANYBODY, b=replace(ANYBODY, skills=(LATVIAN,)))
    desk = Desk("a", "b", plan=Plan(queue_plans(plan), members))
    assert offered(desk.arrive("c", preferred="a")) == [("c", "b")]


def test_the_own_site_is_asked_first_but_nobody_waits_for_it() -> None:
    members = agent_plans(
        a=replace(ANYBODY, site="liepaja"),
        b=replace(ANYBODY, site="riga"),
        x=replace(ANYBODY, site="riga"),
    )
    desk = Desk("a", "b", "x", plan=Plan(queue_plans(EMERGENCY), members))
    assert offered(desk.arrive("c", site="riga")) == [("c", "b")]
    assert offered(desk.arrive("d")) == [("d", "a")]
    assert offered(desk.arrive("e", site="nowhere")) == [("e", "x")]
    plan = Plan(queue_plans(replace(EMERGENCY, site_affinity=False)), members)
    assert offered(Desk("a", "b", plan=plan).arrive("c", site="riga")) == [("c", "a")]


def test_who_has_not_refused_is_asked_before_who_is_at_the_own_site() -> None:
    members = agent_plans(a=replace(ANYBODY, site="riga"), b=replace(ANYBODY, site="liepaja"))
    desk = Desk("a", plan=Plan(queue_plans(EMERGENCY), members))
    desk.arrive("c", site="riga", at=0)
    desk.fail(1, at=1)
    desk.presence("a", BREAK, at=2)
    desk.timer(at=11)
    desk.join("b", at=11)
    desk.fail(2, at=12)
    desk.timer(at=22)
    desk.presence("b", BREAK, at=23)
    desk.presence("a", READY, at=24)  # gets it once more
    desk.join("x", at=25)
    assert desk.fail(4, at=26) == [offer(5, "c", "x", at=26)]


# ---- selections ----


def select(selection: Selection, **rest: int) -> Plan:
    plan = replace(EMERGENCY, selection=selection, ring_all_max=rest.get("ring_all_max", 8))
    return Plan(queue_plans(plan))


def serve(desk: Desk, contact: str, at: float) -> str:
    """Let a contact be answered and ended, and return by whom."""
    ((_, agent),) = offered(desk.arrive(contact, at=at))
    desk.accept(desk.core._offer_count)
    desk.end(contact)
    desk.wrap_up(agent)
    return agent


def test_fewest_contacts_counts_those_accepted_since_signing_on() -> None:
    desk = Desk("a", "b", plan=select(Selection.FEWEST_CONTACTS))
    assert [serve(desk, "c1", 1), serve(desk, "c2", 2)] == ["a", "b"]
    desk.presence("a", BREAK, at=3)
    assert serve(desk, "c3", 4) == "b"
    desk.presence("a", READY, at=5)
    assert [serve(desk, "c4", 6), serve(desk, "c5", 7)] == ["a", "b"]  # 1 before 2, then longer
    desk.presence("b", OFF, at=8)
    desk.presence("b", READY, at=9)
    assert serve(desk, "c6", 10) == "b"


def test_round_robin_asks_whose_last_offer_is_the_longest_ago() -> None:
    desk = Desk("a", "b", "x", plan=select(Selection.ROUND_ROBIN))
    assert offered(desk.arrive("c1", at=1)) == [("c1", "a")]
    desk.abandon("c1", at=2)  # a keeps its idle time, but has had an offer
    assert offered(desk.arrive("c2", at=3)) == [("c2", "b")]
    desk.abandon("c2", at=4)
    assert offered(desk.arrive("c3", at=5)) == [("c3", "x")]
    desk.abandon("c3", at=6)
    assert offered(desk.arrive("c4", at=7)) == [("c4", "a")]


def test_ring_all_rings_all_who_are_free_and_the_first_wins() -> None:
    desk = Desk("a", "b", "x", plan=select(Selection.RING_ALL))
    assert desk.arrive("c", at=5) == [offer(n, "c", who, at=5) for n, who in enumerate("abx", 1)]
    view = desk.contact("c")
    assert view.offers == tuple(
        OfferView(OfferId(f"t-{n}"), AgentId(who), 20.0) for n, who in enumerate("abx", 1)
    )
    assert (view.agent_id, view.offer_id, view.offer_deadline) == ("a", "t-1", 20.0)
    assert desk.accept(2, at=6) == [
        connect(2, "c", "b"),
        rescind(1, "c", "a", RescindReason.ANSWERED_ELSEWHERE),
        rescind(3, "c", "x", RescindReason.ANSWERED_ELSEWHERE),
    ]
    assert (desk.contact("c").agent_id, desk.contact("c").offers) == ("b", ())
    assert desk.accept(1) == [rescind(1, "c", "a", RescindReason.ANSWERED_ELSEWHERE)]
    assert offered(desk.arrive("d", at=7)) == [("d", "a"), ("d", "x")]


def test_ring_all_rings_no_more_than_its_limit_and_the_longest_idle_of_them() -> None:
    desk = Desk("a", "b", "x", plan=select(Selection.RING_ALL, ring_all_max=2))
    assert offered(desk.arrive("c")) == [("c", "a"), ("c", "b")]
    assert offered(desk.arrive("d")) == [("d", "x")]
    broken = Desk("a", "b", plan=select(Selection.RING_ALL, ring_all_max=0))
    assert offered(broken.arrive("c")) == [("c", "a")]


def test_ring_all_rings_the_preferred_among_the_first() -> None:
    desk = Desk("a", "b", "x", plan=select(Selection.RING_ALL, ring_all_max=2))
    assert offered(desk.arrive("c", preferred="x")) == [("c", "x"), ("c", "a")]


def test_a_contact_that_rings_everywhere_waits_again_when_the_last_offer_fails() -> None:
    desk = Desk("a", "b", plan=select(Selection.RING_ALL))
    desk.arrive("c", at=0)
    assert desk.fail(1, OfferFailure.BUSY, at=1) == []
    assert desk.contacts["c"] == "offered"
    assert desk.contact("c").agent_id == "b"
    desk.join("x", at=2)
    assert desk.fail(2, OfferFailure.BUSY, at=3) == [offer(3, "c", "x", at=3)]
    assert desk.timer(at=8) == []  # both have refused; x rings


def test_ring_all_rings_who_refused_only_if_there_is_nobody_else() -> None:
    desk = Desk("a", "b", plan=select(Selection.RING_ALL))
    desk.arrive("c", at=0)
    desk.fail(1, at=1)
    desk.timer(at=11)
    assert desk.agents["a"] == "idle"
    desk.join("x", at=12)
    assert offered(desk.fail(2, at=13)) == [("c", "x")]
    assert desk.presence("x", BREAK, at=14) == [
        rescind(3, "c", "x", RescindReason.AGENT_WITHDRAWN),
        offer(4, "c", "a", at=14),
    ]


# ---- times of a queue ----


def test_a_queue_may_have_its_own_offer_timeout_and_wrap_up() -> None:
    plan = replace(EMERGENCY, offer_timeout_s=3.0, wrap_up_s=7.0)
    desk = Desk("a", plan=Plan(queue_plans(plan)))
    assert desk.arrive("c", at=0) == [offer(1, "c", "a", at=0, timeout_s=3.0)]
    desk.accept(1)
    desk.end("c", at=10)
    assert desk.agent("a").wrap_up_deadline == 17


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_times_of_a_queue_that_cannot_be_are_those_of_the_settings(seconds: float) -> None:
    plan = replace(EMERGENCY, offer_timeout_s=seconds, wrap_up_s=seconds)
    desk = Desk("a", plan=Plan(queue_plans(plan)))
    assert desk.arrive("c", at=0) == [offer(1, "c", "a", at=0)]
    desk.accept(1)
    desk.end("c", at=10)
    assert desk.agent("a").wrap_up_deadline == 40


# ---- a new plan ----


def test_a_new_plan_sorts_the_waiting_anew_and_touches_no_offer_and_no_conversation() -> None:
    desk = Desk("a", "b")
    desk.talk("talks", "a")
    desk.arrive("rings", at=1)
    desk.arrive("first", at=2)
    desk.arrive("second", queue="office", at=3)
    office = replace(EMERGENCY, name="office", queue_class=9)
    members = agent_plans(a=replace(ANYBODY, queues=()), b=replace(ANYBODY, queues=()))
    assert desk.change(Plan(queue_plans(EMERGENCY, office), members), at=4) == []
    assert desk.contacts["talks"] == "talking"
    assert desk.accept(2, at=5) == [connect(2, "rings", "b")]
    assert offered(desk.join("x", at=6)) == [("second", "x")]


def test_a_new_plan_matches_at_once_in_the_order_of_the_waiting() -> None:
    members = agent_plans(a=replace(ANYBODY, queues=()), b=replace(ANYBODY, queues=("x",)))
    busy = replace(ANYBODY, queues=None)
    desk = Desk(
        "busy", "a", "b", plan=Plan(queue_plans(EMERGENCY), members | agent_plans(busy=busy))
    )
    desk.talk("talks", "busy")
    desk.arrive("c", at=1)
    desk.arrive("d", at=2)
    assert desk.change(Plan(), at=3) == [offer(2, "c", "a", at=3), offer(3, "d", "b", at=3)]


def test_changed_skills_count_at_once() -> None:
    members = agent_plans(
        a=replace(ANYBODY, skills=(RUSSIAN,)), b=replace(ANYBODY, skills=(LATVIAN,))
    )
    desk = Desk("a", "b", plan=Plan(queue_plans(EMERGENCY), members))
    desk.talk("x", "a")
    desk.talk("y", "b")
    desk.arrive("c", at=1)
    desk.need("c", RUSSIAN, at=2)
    assert desk.contact("c").skills == (RUSSIAN,)
    desk.end("y", at=3)
    assert desk.wrap_up("b", at=4) == []
    assert desk.need("c", LATVIAN, at=5) == [offer(3, "c", "b", at=5)]
    desk.need("c", at=6)
    assert desk.contact("c").skills == ()
    desk.need("unknown", at=7)
    assert desk.core.ignored == {"ContactSkillsChanged:contact_unknown": 1}


def test_lines_in_which_nobody_waits_are_not_kept() -> None:
    desk = Desk("a")
    for number in range(30):
        desk.core.handle_event(
            ContactArrived(
                ContactId(f"c{number}"),
                "emergency",
                5,
                1.0,
                skills=(Requirement(f"skill {number}"),),
            ),
            now=1.0,
        )
        desk.core.handle_event(ContactAbandoned(ContactId(f"c{number}")), now=1.0)
    desk.core.check_invariants()
    assert not desk.core._pools.by_need


def test_a_scarce_skill_is_found_among_many_who_are_free() -> None:
    plan = replace(EMERGENCY, skills=(LATVIAN,))
    names = [f"agent {number}" for number in range(9)]
    members = {AgentId(name): replace(ANYBODY, agent_id=AgentId(name)) for name in names}
    for name in ("agent 5", "agent 7"):
        members[AgentId(name)] = replace(members[AgentId(name)], skills=(LATVIAN,))
    desk = Desk(*names, plan=Plan(queue_plans(plan), members))
    assert offered(desk.arrive("c")) == [("c", "agent 5")]
    assert offered(desk.arrive("d")) == [("d", "agent 7")]
    assert desk.arrive("e") == []


def test_who_has_a_skill_that_was_relaxed_at_once_is_asked_first_and_nobody_waits_for_it() -> None:
    """An eCall goes to whoever is trained for it, if one is idle; else to anybody, at once."""
    plan = replace(
        EMERGENCY, skills=(Requirement("ecall"),), relax=(RelaxStep(0.0, "ecall"),), ring_all_max=2
    )
    members = agent_plans(
        first=ANYBODY, trained=replace(ANYBODY, skills=(Requirement("ecall"),)), last=ANYBODY
    )
    desk = Desk("first", "trained", "last", plan=Plan(queue_plans(plan), members))
    assert offered(desk.arrive("car 1")) == [("car 1", "trained")]
    assert offered(desk.arrive("car 2")) == [("car 2", "first")]
    assert offered(desk.fail(1, OfferFailure.REJECTED)) == [("car 1", "last")]
    # Of several who are rung at the same time, the trained one is among them.
    rings = replace(plan, selection=Selection.RING_ALL)
    desk = Desk("first", "last", "trained", plan=Plan(queue_plans(rings), members))
    assert offered(desk.arrive("car")) == [("car", "trained"), ("car", "first")]


def test_a_trained_agent_elsewhere_is_asked_before_one_at_the_contacts_site() -> None:
    plan = replace(EMERGENCY, relax=(RelaxStep(0.0, "*"),))
    members = agent_plans(
        here=replace(ANYBODY, site="riga"),
        there=replace(ANYBODY, site="liepaja", skills=(Requirement("ecall"),)),
    )
    desk = Desk("here", "there", plan=Plan(queue_plans(plan), members))
    arrived = desk.arrive("car", site="riga", skills=(Requirement("ecall"),))
    assert offered(arrived) == [("car", "there")]
    # Whoever stands by is no alternative, however well trained.
    desk = Desk("here", plan=Plan(queue_plans(plan), members))
    desk.join("there")
    desk.presence("there", BREAK)
    arrived = desk.arrive("car", site="riga", skills=(Requirement("ecall"),))
    assert offered(arrived) == [("car", "here")]
