"""Proves that a document becomes the core's plan, and that a broken one keeps its sound parts."""

from datetime import UTC, datetime

import pytest

from ccserver.acd.plan import AgentPlan, OverflowStep, RelaxStep, Requirement, Selection
from ccserver.routing import (
    DEFAULT_DOCUMENT,
    EntryRoute,
    directory,
    entry,
    general_settings,
    prompt,
    queue_settings,
    to_plan,
)
from ccserver.routing.document import ROUTING, Document
from ccserver.types import AgentId
from tests.routing.examples import SAMPLE

MONDAY_NOON = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SUNDAY_NOON = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
ANNA, BORIS, CHIEF = AgentId("agent-101"), AgentId("agent-102"), AgentId("agent-100")


def document(**parts: object) -> Document:
    return ROUTING.from_builtins(parts)


def test_every_part_of_the_sample_arrives_in_the_plan() -> None:
    plan = to_plan(SAMPLE, supervisors={CHIEF})
    assert list(plan.queues) == ["emergency", "ecall", "information", "callback", "ecall_test"]
    ecall = plan.queues["ecall"]
    assert (ecall.queue_class, ecall.head_start_s) == (9, 30.0)
    assert ecall.skills == (Requirement("ecall", 3),)
    assert ecall.relax == (RelaxStep(10.0, "ecall", 0),)
    assert (ecall.selection, ecall.ring_all_max) == (Selection.RING_ALL, 4)
    information = plan.queues["information"]
    assert information.sites == ("valmiera",)
    assert information.overflow == (OverflowStep(40.0, site="riga"),)
    assert (information.offer_timeout_s, information.escalate_after_s) == (None, 300.0)
    assert plan.agents[BORIS] == AgentPlan(
        BORIS,
        queues=("information", "emergency", "callback"),
        skills=(Requirement("language:lv", 10), Requirement("language:en", 4)),
        site="valmiera",
        text_max=2,
    )
    assert plan.agents[CHIEF] == AgentPlan(CHIEF, supervisor=True, may_pick=True)
    assert plan.fallback == plan.queues["emergency"]


def test_a_listed_supervisor_keeps_what_is_listed_and_may_pick() -> None:
    agent = to_plan(SAMPLE, supervisors={ANNA}).agents[ANNA]
    assert (agent.supervisor, agent.may_pick, agent.site) == (True, True, "riga")


def test_out_of_the_box_everybody_takes_everything() -> None:
    plan = to_plan(DEFAULT_DOCUMENT)
    assert {name: queue.queue_class for name, queue in plan.queues.items()} == {
        "emergency": 9,
        "ecall": 9,
        "callback": 1,
        "ecall_test": 0,
    }
    assert plan.agents == {}
    assert plan.agent(ANNA).queues is None
    assert entry(DEFAULT_DOCUMENT, "112", MONDAY_NOON) == EntryRoute("emergency", 5, "")


def test_an_empty_document_still_has_somewhere_to_go() -> None:
    plan = to_plan(Document())
    assert list(plan.queues) == ["ecall_test"]
    assert (plan.fallback.name, plan.fallback.queue_class) == ("emergency", 9)
    assert entry(Document(), "112", MONDAY_NOON) == EntryRoute("emergency", 5, "")


@pytest.mark.parametrize(
    ("number", "at", "expected"),
    [
        ("112", MONDAY_NOON, EntryRoute("emergency", 5, "")),
        ("+37167000111", MONDAY_NOON, EntryRoute("information", 2, "valmiera")),
        (" +37167000111\n", MONDAY_NOON, EntryRoute("information", 2, "valmiera")),
        ("+37167000111", SUNDAY_NOON, EntryRoute("emergency", 2, "valmiera")),
        ("unknown", SUNDAY_NOON, EntryRoute("emergency", 5, "")),
        ("", SUNDAY_NOON, EntryRoute("emergency", 5, "")),
    ],
)
def test_a_dialled_number_leads_where_its_entry_says(
    number: str, at: datetime, expected: EntryRoute
) -> None:
    assert entry(SAMPLE, number, at) == expected


def test_an_entry_without_a_priority_takes_that_of_its_queue() -> None:
    queues = [{"name": "emergency", "priority": 7}]
    entries = [{"number": "112", "queue": "emergency"}]
    assert entry(document(queues=queues, entries=entries), "112", MONDAY_NOON).priority == 7


def test_an_entry_to_a_queue_that_is_gone_leads_to_the_one_served_first() -> None:
    queues = [{"name": "low", "queue_class": 1}, {"name": "high", "queue_class": 8}]
    rules = [{"schedule": "gone", "queue": "low"}]
    entries = [{"number": "112", "queue": "gone", "rules": rules}]
    found = entry(document(queues=queues, entries=entries), "112", MONDAY_NOON)
    assert found.queue == "high"


def test_of_a_broken_document_only_the_broken_parts_are_left_out() -> None:
    queue = {
        "name": "emergency",
        "queue_class": 99,
        "escalate_after_s": float("nan"),
        "alarm_after_s": float("inf"),
        "offer_timeout_s": -1.0,
        "skills": [{"skill": "medical", "level": 77}, {"skill": "medical", "level": 1}],
        "relax": [
            {"after_s": 20, "skill": "medical"},
            {"after_s": 10, "skill": "medical", "level": 5},
            {"after_s": 5, "skill": "no such skill"},
        ],
        "overflow": [
            {"after_s": 1, "queue": "gone"},
            {"after_s": 2, "queue": "emergency"},
            {"after_s": 3, "site": "gone"},
            {"after_s": 5},
            {"after_s": 4, "queue": "other"},
        ],
        "sites": ["gone"],
    }
    other = {"name": "other", "overflow": [{"after_s": 1, "queue": "emergency"}]}
    again = {"name": "emergency", "queue_class": 1}
    agents = [
        {"agent_id": "agent-101", "queues": ["gone", "other", "other"], "site": "gone"},
        {"agent_id": "agent-101", "text_max": 3},
        {"agent_id": "not an id"},
    ]
    plan = to_plan(document(queues=[queue, other, again, {"name": "Not A Name"}], agents=agents))
    assert list(plan.queues) == ["emergency", "other", "ecall_test"]
    emergency = plan.queues["emergency"]
    assert (emergency.queue_class, emergency.escalate_after_s) == (9, 1.0)
    assert (emergency.alarm_after_s, emergency.offer_timeout_s) == (86_400.0, 3.0)
    assert emergency.skills == (Requirement("medical", 10),)
    assert [(step.after_s, step.level) for step in emergency.relax] == [(10.0, 5), (20.0, 0)]
    assert emergency.overflow == (OverflowStep(4.0, queue="other"),)
    assert emergency.sites == ()
    assert plan.queues["other"].overflow == ()  # this step would have closed the circle
    assert plan.agents == {ANNA: AgentPlan(ANNA, queues=("other",))}


def test_the_edges_get_a_queues_settings_as_they_are() -> None:
    assert queue_settings(SAMPLE, "emergency") == SAMPLE.queues[0]
    assert general_settings(SAMPLE) == SAMPLE.general
    assert prompt(SAMPLE, "welcome").lv.startswith("Viens viens divi")
    unknown = queue_settings(SAMPLE, "unknown")
    assert (unknown.name, unknown.waiting.greeting) == ("unknown", "welcome")
    assert prompt(SAMPLE, "unknown").lv == ""


def test_of_broken_settings_only_the_broken_parts_are_left_out() -> None:
    waiting = {
        "greeting": "gone",
        "announcement": "welcome",
        "announce_every_s": float("nan"),
        "music": "a b",
        "languages": {"1": "lv", "2": "de", "5": "ru", "22": "en"},
    }
    broken = document(
        general={
            "default_language": "de",
            "silence_after_s": float("inf"),
            "missed_offers_max": -3,
            "callbacks": {"attempts_max": 999, "retry_after_s": 0, "automatic": True},
        },
        queues=[{"name": "a", "waiting": waiting}],
        prompts=[{"name": "welcome"}],
    )
    queue = queue_settings(broken, "a")
    assert (queue.waiting.greeting, queue.waiting.announcement) == (None, "welcome")
    assert (queue.waiting.announce_every_s, queue.waiting.music) == (10, "calm")
    assert queue.waiting.languages == {"1": "lv"}
    general = general_settings(broken)
    assert (general.default_language, general.silence_after_s) == ("lv", 60)
    assert general.missed_offers_max == 1
    assert (general.callbacks.attempts_max, general.callbacks.retry_after_s) == (20, 10)
    assert general.callbacks.automatic


def test_the_directory_holds_what_can_be_dialled() -> None:
    assert [one.name for one in directory(SAMPLE)] == ["nmpd", "russian_interpreter"]
    entries = [
        {"name": "a", "number": "113"},
        {"name": "a", "number": "110"},
        {"name": "b", "number": "113&Local/x"},
    ]
    assert [(one.name, one.number) for one in directory(document(directory=entries))] == [
        ("a", "113")
    ]


AUTOMATIC, MANUAL = "urn:service:sos.ecall.automatic", "urn:service:sos.ecall.manual"
TEST = "urn:service:test.sos.ecall"
MEDICAL = Requirement("medical")


@pytest.mark.parametrize(
    ("number", "service", "expected"),
    [
        ("112", AUTOMATIC, ("ecall", 6)),
        # A child that has no entry of its own is served by its parent (RFC 5031 §2) ...
        ("112", MANUAL, ("ecall", 5)),
        ("112", f"{AUTOMATIC}.x.y", ("ecall", 6)),
        # ... and one that has none at all by the number that it came to.
        ("112", "urn:service:sos.fire", ("emergency", 5)),
        ("+37167000111", "urn:service:sos", ("information", 2)),
        ("+37167000112", AUTOMATIC, ("ecall", 6)),
        # A test is never served as a call for help, and the other way round.
        ("112", TEST, ("ecall_test", 0)),
        ("112", "urn:service:test.sos", ("ecall_test", 0)),
        ("+37167000112", "urn:service:test.sos.fire", ("ecall_test", 0)),
    ],
)
def test_a_service_leads_where_its_nearest_entry_says(
    number: str, service: str, expected: tuple[str, int]
) -> None:
    route = entry(SAMPLE, number, MONDAY_NOON, service)
    assert (route.queue, route.priority, route.service) == (*expected, service)


def test_an_entry_says_what_its_number_asks_for_and_who_can_help() -> None:
    marked = entry(SAMPLE, "+37167000112", MONDAY_NOON)
    assert marked == EntryRoute("ecall", 5, "", "urn:service:sos.ecall")
    skilled = entry(SAMPLE, "112", MONDAY_NOON, "urn:service:sos.ambulance")
    assert (skilled.queue, skilled.skills) == ("emergency", (Requirement("medical"),))


def test_out_of_the_box_cars_have_a_queue_of_their_own_and_so_have_tests() -> None:
    for service, queue, priority in (
        (AUTOMATIC, "ecall", 6),
        (MANUAL, "ecall", 5),
        ("urn:service:sos.ecall", "ecall", 5),
        (TEST, "ecall_test", 0),
        ("urn:service:sos.police", "emergency", 5),
    ):
        route = entry(DEFAULT_DOCUMENT, "112", MONDAY_NOON, service)
        assert route == EntryRoute(queue, priority, "", service)
    ecall = to_plan(DEFAULT_DOCUMENT).queues["ecall"]
    assert ecall.skills == (Requirement("ecall", 1),)
    assert RelaxStep(0.0, "ecall", 0) in ecall.relax, "nobody waits for the skill"


def test_a_document_of_before_there_were_services_serves_them_where_112_goes() -> None:
    saved = document(
        queues=[{"name": "calls"}, {"name": "callback", "queue_class": 0}],
        entries=[{"number": "112", "queue": "calls", "site": ""}],
        agents=[{"agent_id": "agent-101", "queues": ["calls"]}],
    )
    assert entry(saved, "112", MONDAY_NOON, AUTOMATIC) == EntryRoute("calls", 5, "", AUTOMATIC)
    assert entry(saved, "112", MONDAY_NOON, TEST) == EntryRoute("ecall_test", 0, "", TEST)
    # Whoever takes calls to 112 takes tests, behind everything else.
    test = to_plan(saved).queues["ecall_test"]
    assert (test.queue_class, test.overflow) == (0, (OverflowStep(0.0, queue="calls"),))
    assert test.alarm_after_s == test.escalate_after_s == 86_400
    assert queue_settings(saved, "ecall_test").title.en == "eCall tests"


def test_nothing_makes_a_call_for_help_a_test() -> None:
    """Neither a mark at 112, nor a number for tests by which a marked trunk's call comes."""
    marked = document(
        queues=[{"name": "emergency"}, {"name": "ecall_test", "queue_class": 0}],
        entries=[
            {"number": "112", "queue": "emergency", "service": TEST},
            {"number": "999", "service": TEST, "queue": "ecall_test"},
        ],
    )
    assert entry(marked, "112", MONDAY_NOON) == EntryRoute("emergency", 5, "")
    assert entry(marked, "999", MONDAY_NOON).service == TEST
    assert entry(marked, "999", MONDAY_NOON, MANUAL) == EntryRoute("emergency", 5, "", MANUAL)


def test_a_test_whose_queue_is_gone_waits_in_the_test_queue() -> None:
    broken = document(
        queues=[{"name": "emergency"}],
        entries=[
            {"number": TEST, "queue": "gone"},
            {"number": "999", "service": TEST, "queue": "gone"},
        ],
    )
    assert entry(broken, "112", MONDAY_NOON, TEST).queue == "ecall_test"
    assert entry(broken, "999", MONDAY_NOON) == EntryRoute("ecall_test", 0, "", TEST)
