"""Proves why one waits, and when somebody is told: alarms, escalation, who stands by."""

from dataclasses import replace

import pytest

from ccserver.acd.commands import AlarmCode, RaiseAlarm, RescindReason, Shortage
from ccserver.acd.events import AgentAdded, ContactArrived
from ccserver.acd.plan import Plan
from ccserver.types import AgentId, ContactId
from tests.acd.desk import (
    ANYBODY,
    BREAK,
    EMERGENCY,
    LATVIAN,
    OFF,
    READY,
    Desk,
    agent_plans,
    offer,
    offered,
    queue_plans,
    rescind,
)


def test_why_a_contact_waits_follows_who_is_there() -> None:
    plan = Plan(
        queue_plans(replace(EMERGENCY, skills=(LATVIAN,))),
        agent_plans(a=replace(ANYBODY, skills=(LATVIAN,)), b=ANYBODY),
    )
    desk = Desk(plan=plan)
    desk.arrive("c", at=0)
    assert desk.contact("c").shortage is Shortage.NOBODY_QUALIFIED
    desk.join("b")
    desk.accept(1)
    desk.give_back("c")
    desk.presence("b", OFF)
    assert desk.contact("c").shortage is Shortage.NOBODY_QUALIFIED
    desk.join("a")
    desk.accept(2)
    desk.arrive("d", at=1)
    assert desk.contact("d").shortage is Shortage.ALL_BUSY
    assert not desk.contact("d").escalated
    desk.device("a", reachable=False)
    assert desk.contact("d").shortage is Shortage.NO_DEVICE
    assert [view.contact_id for view in desk.published if hasattr(view, "queue")] == ["d"]
    desk.end("c", at=2)
    desk.presence("a", OFF)
    assert desk.contact("d").shortage is Shortage.NOBODY_LOGGED_IN
    assert desk.contact("d").escalated
    desk.presence("a", BREAK)
    assert desk.contact("d").shortage is Shortage.NO_DEVICE
    assert not desk.contact("d").escalated
    desk.device("a", busy=True)
    assert desk.contact("d").shortage is Shortage.ALL_BUSY
    desk.device("a")
    desk.presence("a", READY)
    assert desk.contact("d").shortage is None
    assert not desk.contact("d").escalated


def test_an_agent_whose_presence_was_never_told_may_be_there() -> None:
    desk = Desk()
    desk.device("a")
    desk.tell(AgentAdded(AgentId("a")))
    desk.arrive("c")
    assert desk.contact("c").shortage is Shortage.NO_DEVICE
    assert not desk.contact("c").escalated
    assert desk.alarms == []
    desk.presence("a", OFF)
    assert desk.contact("c").shortage is Shortage.NOBODY_LOGGED_IN
    assert desk.alarms == [("nobody_logged_in", "c")]


def test_supervisors_are_told_once_that_somebody_waits_and_then_that_it_escalates() -> None:
    desk = Desk("a")
    desk.talk("busy", "a")
    desk.arrive("c", at=100)
    assert desk.core.next_deadline() == 130
    desk.timer(at=130)
    assert desk.alarms == [(AlarmCode.CONTACT_WAITS, "c")]
    assert desk.core.next_deadline() == 160
    assert not desk.contact("c").escalated
    desk.timer(at=160)
    assert desk.alarms == [(AlarmCode.CONTACT_WAITS, "c"), (AlarmCode.CONTACT_ESCALATED, "c")]
    assert desk.contact("c").escalated
    assert desk.core.next_deadline() is None
    desk.need("c", LATVIAN, at=161)
    assert len(desk.alarms) == 2


def test_an_alarm_names_contact_and_queue() -> None:
    arrival = ContactArrived(ContactId("c"), "office", 5, 1.0)
    commands = Desk().core.handle_event(arrival, now=1.0)
    assert commands[0] == RaiseAlarm(AlarmCode.NOBODY_LOGGED_IN, ContactId("c"), None, "office")


def test_an_escalated_contact_is_everybodys_also_of_who_is_not_ready_with_a_free_device() -> None:
    plan = replace(EMERGENCY, skills=(LATVIAN,), sites=("riga",), escalate_after_s=60.0)
    members = agent_plans(
        fits=replace(ANYBODY, skills=(LATVIAN,), site="riga"),
        other=replace(ANYBODY, queues=("office",)),
        breaks=ANYBODY,
    )
    desk = Desk("fits", "other", "breaks", plan=Plan(queue_plans(plan), members))
    desk.talk("busy", "fits")
    desk.presence("breaks", BREAK)
    desk.arrive("c", at=0)
    desk.arrive("d", at=1)
    assert desk.timer(at=60) == [offer(2, "c", "other", at=60)]
    assert desk.timer(at=61) == [offer(3, "d", "breaks", at=61)]
    assert desk.agents["breaks"] == "reserved"
    desk.accept(3, at=62)
    desk.end("d", at=70)
    assert desk.agents["breaks"] == "wrap_up"
    desk.wrap_up("breaks", at=71)
    assert desk.agents["breaks"] == "not_ready"
    assert desk.agent("breaks").presence == BREAK


def test_who_stands_by_is_rung_only_with_a_reachable_free_device_and_after_a_pause() -> None:
    desk = Desk("a", plan=Plan(queue_plans(replace(EMERGENCY, escalate_after_s=10.0))))
    desk.presence("a", BREAK)
    desk.device("a", busy=True)
    desk.arrive("c", at=0)
    assert desk.timer(at=10) == []
    desk.device("a", reachable=False)
    assert desk.device("a", at=11) == [offer(1, "c", "a", at=11)]
    desk.fail(1, at=12)
    assert desk.agents["a"] == "not_ready"
    assert desk.device("a", at=13) == []
    assert desk.timer(at=22) == [offer(2, "c", "a", at=22)]


def test_another_reason_does_not_stop_the_ringing_of_who_stands_by_but_signing_off_does() -> None:
    desk = Desk("b", "a", plan=Plan(queue_plans(replace(EMERGENCY, escalate_after_s=10.0))))
    desk.talk("x", "b")
    desk.presence("a", BREAK)
    desk.arrive("c", at=0)
    desk.timer(at=10)
    training = replace(BREAK, reason="training")
    assert desk.presence("a", training, at=11) == []
    assert desk.agent("a").presence == training
    assert desk.presence("a", OFF, at=12) == [rescind(2, "c", "a", RescindReason.AGENT_WITHDRAWN)]


def test_who_is_ready_is_asked_before_who_stands_by_and_a_stand_by_is_never_the_preferred() -> None:
    desk = Desk("breaks", "busy", plan=Plan(queue_plans(replace(EMERGENCY, escalate_after_s=10.0))))
    desk.presence("breaks", BREAK)
    desk.talk("x", "busy")
    desk.arrive("c", at=0, preferred="breaks")
    desk.presence("breaks", OFF)
    desk.timer(at=10)
    desk.end("x", at=10)
    desk.presence("breaks", BREAK)  # rings
    desk.fail(2, at=11)
    desk.arrive("d", at=12, arrived=0.0, preferred="breaks")
    desk.presence("breaks", OFF, at=13)
    assert offered(desk.wrap_up("busy", at=14)) == [("c", "busy")]


def test_nobody_logged_in_escalates_at_once_and_only_for_as_long() -> None:
    plan = replace(EMERGENCY, skills=(LATVIAN,))
    members = agent_plans(fits=replace(ANYBODY, skills=(LATVIAN,)), other=ANYBODY)
    desk = Desk("fits", "other", plan=Plan(queue_plans(plan), members))
    desk.talk("busy", "fits")
    desk.arrive("c", at=0)
    desk.presence("fits", OFF)  # takes effect after the call
    assert not desk.contact("c").escalated
    for name in ("other", "fits"):
        desk.device(name, reachable=False)
    desk.end("busy", at=1)
    assert desk.alarms == [(AlarmCode.NOBODY_LOGGED_IN, "c")]
    assert desk.contact("c").escalated
    desk.presence("fits", BREAK, at=2)
    assert not desk.contact("c").escalated
    assert desk.device("other", at=3) == []
    assert desk.presence("fits", OFF, at=4) == [offer(2, "c", "other", at=4)]
    assert desk.alarms == [(AlarmCode.NOBODY_LOGGED_IN, "c")]


@pytest.mark.parametrize("after_s", [float("nan"), float("inf")])
def test_a_plan_cannot_make_the_wait_endless(after_s: float) -> None:
    plan = replace(EMERGENCY, alarm_after_s=after_s, escalate_after_s=after_s)
    desk = Desk("a", plan=Plan(queue_plans(plan)))
    desk.talk("busy", "a")
    desk.arrive("c", at=0)
    assert desk.core.next_deadline() == 30
    desk.timer(at=30)
    assert desk.core.next_deadline() == 60


def test_a_wait_before_a_restart_counts_for_alarms_and_escalation() -> None:
    desk = Desk("a")
    desk.talk("busy", "a")
    desk.now = 50.0
    desk.adopt("c", arrived=0.0)
    assert desk.alarms == [(AlarmCode.CONTACT_WAITS, "c")]
    assert desk.core.next_deadline() == 60


def test_steps_that_came_due_while_it_rang_are_taken_when_the_offer_comes_back() -> None:
    desk = Desk("a", plan=Plan(queue_plans(replace(EMERGENCY, alarm_after_s=5.0))))
    desk.arrive("c", at=0)
    desk.timer(at=6)
    assert desk.alarms == []
    desk.fail(1, at=7)
    assert desk.alarms == [(AlarmCode.CONTACT_WAITS, "c")]
