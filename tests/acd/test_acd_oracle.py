"""Proves that no order of any events, under any plan, surprises the simulator's oracle.

The events of `test_acd_stateful` go to a core whose every answer is compared with what a second,
independent model expects: whom it must choose, which effects there must be, what is published.
"""

from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, settings

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.core import ACDCore
from ccserver.acd.plan import Plan, QueuePlan, RelaxStep, Requirement
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, Medium
from sim.acd.oracle import Oracle
from tests.acd.test_acd_stateful import AnyEvents

TIMES = DistributorSettings(offer_timeout_s=5.0, wrap_up_s=5.0, reject_delay_s=2.5)


class Judged(ACDCore):
    """Shows every answer to the oracle."""

    def __init__(self) -> None:
        super().__init__(TIMES, instance="t")
        self._oracle = Oracle(TIMES, Plan())

    def handle_event(self, event: e.Event, *, now: float) -> list[c.Command]:
        answer = super().handle_event(event, now=now)
        self._oracle.event(event, now=now, answer=answer)
        return self._judged(answer)

    def handle_timer(self, *, now: float) -> list[c.Command]:
        answer = super().handle_timer(now=now)
        self._oracle.timer(now=now, answer=answer)
        return self._judged(answer)

    def _judged(self, answer: Sequence[c.Command]) -> list[c.Command]:
        assert self.ignored.total() == self._oracle.ignored
        latest = self._oracle.next_deadline()
        mine = self.next_deadline()
        assert latest is None or (mine is not None and mine <= latest)
        return list(answer)


READY = e.AgentPresence(e.PresenceKind.READY)
A, B = AgentId("a"), AgentId("b")


def judge(*happened: e.Event) -> Judged:
    core = Judged()
    for event in happened:
        core.handle_event(event, now=1.0)
    return core


def joins(agent_id: AgentId) -> list[e.Event]:
    return [
        e.AgentAdded(agent_id),
        e.AgentDeviceChanged(agent_id, reachable=True, busy=False),
        e.AgentPresenceChanged(agent_id, READY),
    ]


def test_a_relaxation_at_a_time_that_is_no_number_is_agreed_not_to_come() -> None:
    relax = (RelaxStep(float("nan"), "*"),)
    queue = QueuePlan("fallback", skills=(Requirement("ecall"),), relax=relax)
    plan = e.PlanChanged(Plan(fallback=queue))
    core = judge(plan, e.AgentAdded(A), e.ContactArrived(ContactId("c"), "office", 5, 0.0))
    (view,) = core.contact_views()
    assert (view.shortage, view.escalated) == (c.Shortage.NOBODY_QUALIFIED, True)


def test_it_is_agreed_what_a_text_placed_in_wrap_up_leaves_alone() -> None:
    call, text = ContactId("call"), ContactId("text")
    core = judge(*joins(A), e.ContactAdopted(call, "office", 5, 0.0, A), e.ContactEnded(call))
    core.handle_event(e.ContactPlaced(text, A, "office", Medium.SMS), now=1.0)
    core.handle_event(e.ContactPlaced(ContactId("2"), A, "office", Medium.SMS), now=1.0)
    assert core.ignored == {"ContactPlaced:agent_not_free": 1}
    (agent,) = core.agent_views()
    assert (agent.state, agent.wrap_up_deadline) == (c.AgentState.WRAP_UP, 6.0)


def test_it_is_agreed_who_may_take_a_conversation_over() -> None:
    contact_id = ContactId("c")
    core = judge(
        *joins(A),
        *joins(B),
        e.ContactAdopted(contact_id, "office", 5, 0.0, A),
        e.ParticipantInvited(contact_id, B),
        e.ParticipantLeft(contact_id, B),
        e.ContactHandedOver(contact_id, A, None),
        e.ContactHandedOver(contact_id, None, B),
    )
    assert not core.ignored
    assert [view.agent_id for view in core.contact_views()] == [B]


class JudgedEvents(AnyEvents):
    """Tells a core anything at all, and the oracle checks each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Judged()


TestJudgedEvents = JudgedEvents.TestCase
TestJudgedEvents.settings = settings(
    max_examples=250,  # Some 15 s of work.
    derandomize=True,  # Nothing is found by luck here; `AnyEvents` itself goes on searching.
    # To shorten 60 steps that fail takes minutes: let Hypothesis do it at a desk, without this.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
del AnyEvents
