"""What the panels are shown: every field in every state, the order of the line, alarms."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.accounts import AgentProfile, DeviceKind
from ccserver.acd.commands import Command, OfferContact, PublishAgent, PublishContact
from ccserver.acd.core import ACDCore
from ccserver.acd.events import (
    AgentAdded,
    AgentDeviceChanged,
    AgentPresence,
    AgentPresenceChanged,
    AgentRemoved,
    ContactArrived,
    ContactEnded,
    PresenceKind,
)
from ccserver.acd.plan import AgentPlan, Plan, QueuePlan, Requirement
from ccserver.acd.settings import DistributorSettings
from ccserver.live import LiveContact, LiveView, Message, Monitored
from ccserver.telephony.devices import Device
from ccserver.types import AgentId, ContactId
from tests.newsroom import C1, FIRST, SECOND, run, shown, talking
from tests.telephony.centre import EPOCH, SUPERVISOR, Centre, passed

CONTACT_FIELDS = {
    "contact_id",
    "incident_id",
    "card_number",
    "queue_class",
    "sort_at",
    "held_since",
    "medium",
    "direction",
    "queue",
    "priority",
    "state",
    "caller_number",
    "caller_number_hidden",
    "arrived_at",
    "agent_id",
    "offer",
    "offers",
    "on_hold",
    "muted",
    "language",
    "silent",
    "cannot_speak",
    "redial",
    "escalated",
    "shortage",
    "handed_over",
    "participants",
    "parties",
    "conversation",
    "service",
    "test",
    "trunk",
    "vehicle",
}
AGENT_FIELDS = {
    "agent_id",
    "name",
    "extension",
    "device",
    "presence",
    "presence_pending",
    "state",
    "since",
    "contact_id",
    "contacts",
    "assisting",
    "missed_offers",
    "site",
    "skills",
    "queues",
    "monitoring",
    "reachable",
    "busy",
    "wrap_up_deadline",
}
PARTY_FIELDS = {"party_id", "kind", "agent_id", "number", "name", "state", "muted"}


class StillClock:
    """A wall clock that a test moves apart from the other."""

    drift_s = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(EPOCH.timestamp() + 1_000 + self.drift_s, UTC)

    def monotonic(self) -> float:
        return 1_000.0


class Panel:
    """A live view with what it published."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.clock = StillClock()
        self.messages: list[Message] = []
        self.view = LiveView(lambda message, _: self.messages.append(message), self.clock)
        self.core = ACDCore(DistributorSettings(), instance="p", plan=plan)
        self.view.plan_changed(plan or Plan())

    def add_seat(self, agent_id: AgentId) -> None:
        profile = AgentProfile(agent_id, "Anna", agent_id[-3:], DeviceKind.SIP, "-")
        self.view.add_seat(profile)

    def tell(self, *events: object) -> list[Command]:
        commands: list[Command] = []
        for event in events:
            commands += self.core.handle_event(event, now=1_000.0)  # type: ignore[arg-type]
        for command in commands:
            contact = None
            if isinstance(command, PublishContact):
                contact = self.view.get(command.contact.contact_id)
            if contact is not None and isinstance(command, PublishContact):
                contact.view, contact.priority = command.contact, command.contact.priority
                self.view.changed(contact)
            if isinstance(command, PublishAgent):
                self.view.agent_changed(command.agent)
        return commands


def test_every_field_is_there_in_every_state() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        await centre.wishes.hold(C1, FIRST)
        await centre.wishes.hang_up(C1, FIRST)
        await passed(3)
        states = set()
        for message, _ in centre.of_type("contact"):
            contact = message["contact"]
            assert isinstance(contact, dict)
            assert set(contact) == CONTACT_FIELDS
            assert all(set(party) == PARTY_FIELDS for party in contact["parties"])
            assert (contact["held_since"] is None) is not contact["on_hold"]
            assert (contact["offer"] is None) is (contact["offers"] == [])
            states.add(contact["state"])
        assert states == {"waiting", "offered", "talking", "held"}
        agents = [message["agent"] for message, _ in centre.of_type("agent")]
        for agent in agents:
            assert isinstance(agent, dict)
            assert set(agent) == AGENT_FIELDS
            assert (agent["wrap_up_deadline"] is None) is (agent["state"] != "wrap_up")

    run(test)


PLANS = st.fixed_dictionaries(
    {
        name: st.builds(
            QueuePlan,
            name=st.just(name),
            queue_class=st.integers(0, 2),
            head_start_s=st.sampled_from([0.0, 0.5, 30.0, 600.0, float("inf"), float("nan")]),
            priority_step_s=st.sampled_from([0.0, 1.0, 60.0, float("nan")]),
        )
        for name in ("a", "b", "c")
    }
)
ARRIVALS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "nowhere"]),
        st.integers(-3, 14),
        st.integers(0, 900_000).map(lambda ms: ms / 1_000),
        st.floats(-5, 5),
    ),
    min_size=2,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(PLANS, ARRIVALS)
def test_the_panels_sort_the_line_as_the_distributor_does(
    queues: dict[str, QueuePlan], arrivals: list[tuple[str, int, float, float]]
) -> None:
    """Whatever the queues' head starts are, and however the wall clock wanders meanwhile."""
    panel = Panel(Plan(queues=queues))
    seat = AgentId("agent-101")
    panel.add_seat(seat)
    for number, (queue, priority, at, drift_s) in enumerate(arrivals):
        contact_id = ContactId(f"c{number}")
        panel.clock.drift_s = drift_s
        panel.view.add(LiveContact(contact_id, panel.clock.now(), None, False, queue, priority))
        panel.tell(ContactArrived(contact_id, queue, priority, at))
    contacts = panel.view.snapshot()["contacts"]
    assert isinstance(contacts, list)
    keys = {c["contact_id"]: (-c["queue_class"], c["sort_at"]) for c in contacts}
    offered = []
    commands = panel.tell(
        AgentAdded(seat),
        AgentDeviceChanged(seat, reachable=True, busy=False),
        AgentPresenceChanged(seat, AgentPresence(PresenceKind.READY)),
    )
    while found := [x.contact_id for x in commands if isinstance(x, OfferContact)]:
        offered += found
        commands = panel.tell(ContactEnded(found[-1]))
    assert len(offered) == len(arrivals)
    assert [keys[one] for one in offered] == sorted(keys.values())


def test_a_plan_that_sorts_anew_is_shown_at_once() -> None:
    panel = Panel(Plan(queues={"a": QueuePlan("a")}))
    panel.view.add(LiveContact(C1, panel.clock.now(), None, False, "a", 5))
    panel.tell(ContactArrived(C1, "a", 5, 900.0))
    panel.messages.clear()
    panel.view.plan_changed(Plan(queues={"a": QueuePlan("a", queue_class=9, head_start_s=60)}))
    (message,) = panel.messages
    contact = message["contact"]
    assert isinstance(contact, dict)
    assert contact["queue_class"] == 9
    assert contact["sort_at"] == "2026-01-01T00:09:00.000Z"


def test_a_seat_is_shown_with_its_abilities_and_what_it_listens_to() -> None:
    panel = Panel()
    panel.add_seat(FIRST)
    panel.add_seat(SECOND)
    panel.tell(AgentAdded(FIRST), AgentAdded(SECOND))
    panel.messages.clear()
    skills = (Requirement("language:ru", 7),)
    abilities = AgentPlan(FIRST, queues=("a",), skills=skills, site="riga")
    panel.view.plan_changed(Plan(agents={FIRST: abilities}))
    panel.view.monitor_changed(FIRST, Monitored(C1, "whisper"))
    told = [message["agent"] for message in panel.messages]
    assert [x["agent_id"] for x in told if isinstance(x, dict)] == [FIRST, FIRST]
    assert isinstance(told[-1], dict)
    assert told[-1]["skills"] == [{"skill": "language:ru", "level": 7}]
    assert (told[-1]["queues"], told[-1]["site"]) == (["a"], "riga")
    assert told[-1]["monitoring"] == {"contact_id": "c1", "mode": "whisper"}
    panel.view.monitor_changed(FIRST, None)
    assert panel.view.monitored(FIRST) is None


def test_a_removed_seat_goes_when_it_is_at_rest() -> None:
    panel = Panel()
    panel.add_seat(FIRST)
    panel.tell(
        AgentAdded(FIRST),
        AgentDeviceChanged(FIRST, reachable=True, busy=False),
        AgentPresenceChanged(FIRST, AgentPresence(PresenceKind.READY)),
    )
    panel.view.remove_seat(FIRST)
    assert len(panel.view.agents()) == 1
    panel.tell(AgentRemoved(FIRST))
    assert panel.view.agents() == []
    assert panel.messages[-1] == {"type": "agent_gone", "agent_id": FIRST}
    assert panel.view.snapshot()["agents"] == []


# -- alarms ---------------------------------------------------------------------------------------


def codes(centre: Centre) -> list[tuple[object, object]]:
    found = []
    for alarm in centre.live.alarms():
        data = alarm["data"]
        assert isinstance(data, dict)
        assert data["active"] is True
        found.append((alarm["code"], data["contact_id"] or data["agent_id"]))
    return sorted(found, key=str)


def test_a_panel_that_comes_later_sees_why_a_contact_waits_until_it_is_answered() -> None:
    async def test(centre: Centre) -> None:
        centre.go_home(*centre.agents, SUPERVISOR)
        centre.asterisk.call("c1")
        await passed(1)
        assert codes(centre) == [("nobody_logged_in", "c1")]
        await passed(35)
        assert codes(centre) == [("contact_waits", "c1"), ("nobody_logged_in", "c1")]
        await passed(35)
        assert ("contact_escalated", "c1") in codes(centre)
        assert shown(centre)["escalated"]
        pushed = {message["code"] for message, _ in centre.of_type("alarm")}
        assert pushed == {"nobody_logged_in", "contact_waits", "contact_escalated"}
        centre.news.device_changed(FIRST, Device(reachable=True, busy=False))
        centre.present(FIRST, PresenceKind.READY)
        await passed(0.3)
        assert [code for code, _ in codes(centre)] == ["contact_escalated", "contact_waits"]
        (leg,) = centre.asterisk.legs()
        centre.asterisk.answer(leg.id)
        await passed(0.3)
        assert codes(centre) == []
        centre.news.caller_gone(C1)
        assert codes(centre) == []

    run(test)


def test_a_call_taker_who_was_taken_out_is_an_alarm_until_the_next_declaration() -> None:
    async def test(centre: Centre) -> None:
        decided: list[AgentId] = []
        centre.runtime.presence_decided = decided.append
        centre.present(SECOND, PresenceKind.OFF)
        centre.asterisk.call("c1")
        await passed(58)
        assert ("offers_missed", FIRST) in codes(centre)
        assert decided == [FIRST], "once, so that it is kept over a restart"
        centre.present(FIRST, PresenceKind.READY)
        assert ("offers_missed", FIRST) not in codes(centre)
        centre.asterisk.hang_up("caller-c1")
        await passed(0.3)

    run(test)
