"""Proves that each mistake is found where it was made, by its code, and told in one sentence."""

import re
import time
from typing import Any

import msgspec
import pytest

from ccserver.documents import Severity
from ccserver.documents.problems import PROBLEMS_MAX
from ccserver.routing import DEFAULT_DOCUMENT, check
from ccserver.routing.document import ROUTING, Document
from ccserver.routing.problems import ERRORS, WARNINGS
from tests.routing.examples import SAMPLE, SEATS, plain

Edits = dict[str, object]
SECOND = {"name": "second", "weekly": [{"days": ["fri"], "from": "16:00", "to": "20:00"}]}
STEP = re.compile(r"\[([0-9]+)\]|([A-Za-z0-9_]+)")


def span(begin: str, end: str, **more: object) -> dict[str, object]:
    return {"from": begin, "to": end, **more}


def rule(schedule: str, queue: str = "emergency") -> dict[str, str]:
    return {"schedule": schedule, "queue": queue}


def mistake(code: str, path: str, value: object) -> tuple[str, str, Edits]:
    """A value that is wrong at the very place where it is written."""
    return code, path, {path: value}


def edited(edits: Edits) -> Document:
    """The sample with other values; an index just past the end of a list appends."""
    data = plain()
    for path, value in edits.items():
        steps = [int(number) if number else name for number, name in STEP.findall(path)]
        part: Any = data
        for step in steps[:-1]:
            part = part[step]
        if isinstance(part, list) and steps[-1] == len(part):
            part.append(value)
        else:
            part[steps[-1]] = value
    return ROUTING.from_builtins(data)


def codes(document: Document, seats: tuple[str, ...] = SEATS) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in check(document, seats)]


def test_the_sample_and_the_default_document_have_nothing_wrong() -> None:
    assert codes(SAMPLE) == []
    assert codes(DEFAULT_DOCUMENT) == []
    assert codes(DEFAULT_DOCUMENT, ()) == [("agents", "no_agents")]


MISTAKES: list[tuple[str, str, Edits]] = [
    mistake("bad_name", "queues[0].name", "E Q"),
    mistake("bad_name", "skills[3].name", "a:b:c"),
    mistake("bad_name", "agents[0].agent_id", "a b"),
    mistake("bad_name", "queues[0].waiting.music", ""),
    mistake("duplicate_name", "sites[1].name", "riga"),
    mistake("duplicate_name", "skills[1].name", "language:lv"),
    mistake("duplicate_name", "queues[2].name", "ecall"),
    mistake("duplicate_name", "agents[1].agent_id", "agent-101"),
    mistake("duplicate_name", "entries[1].number", "112"),
    mistake("duplicate_name", "prompts[1].name", "welcome"),
    mistake("duplicate_name", "directory[1].name", "nmpd"),
    mistake("duplicate_name", "schedules[1].name", "office_hours"),
    mistake("duplicate_name", "agents[1].queues[1]", "information"),
    mistake("duplicate_name", "agents[0].skills[1].skill", "language:lv"),
    mistake("unknown_skill", "queues[1].skills[0].skill", "ecal"),
    mistake("unknown_skill", "queues[0].relax[0].skill", "lang:*"),
    mistake("unknown_skill", "agents[0].skills[2].skill", "x"),
    ("unknown_skill", "queues[0].waiting.languages.2", {"skills[1].name": "x"}),
    mistake("unknown_queue", "agents[1].queues[0]", "x"),
    mistake("unknown_queue", "entries[1].queue", "x"),
    mistake("unknown_queue", "entries[1].rules[0].queue", "x"),
    mistake("unknown_queue", "queues[2].overflow[0].queue", "x"),
    mistake("unknown_site", "queues[2].sites[0]", "x"),
    mistake("unknown_site", "queues[2].overflow[0].site", "x"),
    mistake("unknown_site", "agents[0].site", "x"),
    mistake("unknown_site", "entries[1].site", "x"),
    mistake("unknown_prompt", "queues[0].waiting.greeting", "x"),
    mistake("unknown_prompt", "queues[0].waiting.announcement", "x"),
    mistake("unknown_schedule", "entries[1].rules[0].schedule", "x"),
    mistake("unknown_language", "general.default_language", "de"),
    mistake("unknown_language", "queues[0].waiting.languages.1", "de"),
    mistake("unknown_timezone", "schedules[0].timezone", "Europe"),
    mistake("unknown_timezone", "schedules[0].timezone", "../../etc/passwd"),
    mistake("out_of_range", "queues[1].skills[0].level", 11),
    mistake("out_of_range", "agents[0].skills[0].level", 0),
    mistake("out_of_range", "queues[0].queue_class", 10),
    mistake("out_of_range", "queues[0].escalate_after_s", float("nan")),
    mistake("out_of_range", "queues[0].offer_timeout_s", float("inf")),
    mistake("out_of_range", "general.callbacks.attempts_max", 0),
    mistake("too_many", "queues", [{"name": "a"}] * 201),
    mistake("too_many", "agents", [{"agent_id": "a"}] * 5_001),
    mistake("too_many", "skills", [{"name": "a"}] * 501),
    mistake("too_many", "queues[0].waiting.languages", {str(n): "lv" for n in range(13)}),
    mistake("too_long", "queues[0].title.lv", "x" * 201),
    mistake("too_long", "prompts[0].texts.lv", "x" * 1_001),
    mistake("bad_character", "queues[0].title.ru", "a\0b"),
    mistake("bad_character", "prompts[0].texts.en", "a\nb"),
    mistake("bad_number", "entries[1].number", "67 00"),
    mistake("bad_number", "directory[0].number", "113&SIP/x"),
    mistake("bad_number", "entries[2].number", "urn:service:SOS.ecall"),
    mistake("bad_number", "entries[2].number", "urn:service:" + "a" * 85),
    mistake("bad_service", "entries[0].service", "sos.ecall"),
    mistake("service_twice", "entries[2].service", "urn:service:sos"),
    mistake("emergency_is_test", "entries[0].service", "urn:service:test.sos"),
    mistake("duplicate_name", "entries[3].number", "urn:service:sos.ecall.automatic"),
    mistake("unknown_skill", "entries[6].skills[0].skill", "x"),
    mistake("out_of_range", "entries[6].skills[0].level", 0),
    mistake("too_many", "entries[6].skills", [{"skill": "medical"}] * 21),
    (
        "duplicate_name",
        "entries[6].skills[1].skill",
        {"entries[6].skills[1]": {"skill": "medical"}},
    ),
    mistake("test_among_calls", "entries[4].queue", "ecall"),
    (
        "test_among_calls",
        "entries[4].rules[0].queue",
        {"entries[4].rules": [{"schedule": "nights", "queue": "emergency"}]},
    ),
    mistake("bad_prefix", "general.dialling.deny[0]", ""),
    mistake("bad_prefix", "general.dialling.allow[0]", "9x"),
    ("prefix_contradicts", "general.dialling.deny[0]", {"general.dialling.allow": ["+37190"]}),
    mistake("bad_time", "schedules[0].weekly[0].from", "8:00"),
    mistake("bad_time", "schedules[0].weekly[0].to", "24:01"),
    mistake("bad_key", "queues[0].waiting.languages.A", "lv"),
    mistake("key_taken", "queues[0].waiting.languages.5", "lv"),
    ("span_empty", "schedules[0].weekly[0]", {"schedules[0].weekly[0].to": "08:00"}),
    (
        "span_empty",
        "schedules[0].exceptions[1].open[0]",
        {"schedules[0].exceptions[1].open[0].to": "07:00"},
    ),
    mistake("spans_overlap", "schedules[0].weekly[1]", span("16:59", "18:00", days=["mon"])),
    mistake("spans_overlap", "schedules[0].exceptions[1].open[1]", span("11:00", "13:00")),
    mistake("days_empty", "schedules[0].weekly[0].days", []),
    mistake("duplicate_date", "schedules[0].exceptions[1].date", "2026-12-24"),
    ("schedule_never_open", "schedules[2]", {"schedules[2]": {"name": "never"}}),
    mistake("steps_out_of_order", "queues[0].relax[1].after_s", 1),
    mistake("step_after_escalation", "queues[0].relax[1].after_s", 45),
    mistake("relax_no_effect", "queues[1].relax[0].level", 3),
    ("overflow_empty", "queues[2].overflow[0]", {"queues[2].overflow[0].site": None}),
    mistake("overflow_self", "queues[2].overflow[0].queue", "information"),
    ("emergency_entry_missing", "entries", {"entries[0].number": "110"}),
    mistake("emergency_class_low", "entries[0].queue", "information"),
    (
        "emergency_class_low",
        "entries[6].queue",
        {"entries[6].number": "urn:service:sos", "entries[6].queue": "information"},
    ),
    (
        "emergency_class_low",
        "entries[0].rules[0].queue",
        {"entries[0].rules[0]": {"schedule": "nights", "queue": "callback"}},
    ),
    ("callback_queue_missing", "queues", {"queues[3].name": "other"}),
    mistake("prompt_text_missing", "prompts[0].texts.ru", " "),
    (
        "unknown_agent",
        "agents[2].agent_id",
        {"agents[2]": {"agent_id": "agent-999"}},
    ),
    mistake("agent_without_queue", "agents[0].queues", []),
    ("queue_nobody", "queues[2]", {f"agents[{n}].queues": ["emergency"] for n in (0, 1)}),
    ("queue_unskilled", "queues[1].skills", {"queues[1].relax": [], "agents[0].skills": []}),
    ("queue_unskilled", "entries[6].skills", {"queues[0].relax": []}),
    ("texts_nobody", "agents", {f"agents[{n}].text_max": 0 for n in (0, 1)}),
    ("queue_only_overflow", "queues[2]", {"agents[1].site": "riga"}),
    (
        "rules_contradict",
        "entries[1].rules[1]",
        {"schedules[2]": SECOND, "entries[1].rules[1]": rule("second")},
    ),
    ("rules_contradict", "entries[1].rules[1]", {"entries[1].rules[1]": rule("office_hours")}),
    (
        "rules_timezones",
        "entries[1].rules[1]",
        {"schedules[2]": {**SECOND, "timezone": "UTC"}, "entries[1].rules[1]": rule("second")},
    ),
]


@pytest.mark.parametrize(("code", "path", "edits"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_mistake_is_found_where_it_was_made(code: str, path: str, edits: Edits) -> None:
    problems = check(edited(edits), SEATS)
    (problem,) = (p for p in problems if (p.code, p.path) == (code, path))
    assert problem.severity is (Severity.ERROR if code in ERRORS else Severity.WARNING)
    assert problem.text.endswith(".")
    assert problem.text[0].isupper()


def test_every_code_is_proved_by_a_mistake() -> None:
    elsewhere = {"shape", "no_agents", "overflow_cycle", "recorded_always"}
    proved = {code for code, _, _ in MISTAKES} | elsewhere
    assert proved == {*ERRORS, *WARNINGS}


def test_queues_that_overflow_in_a_circle_are_named() -> None:
    targets = ("ecall", "information", "emergency")
    edits: Edits = {
        f"queues[{n}].overflow": [{"after_s": 5, "queue": name}] for n, name in enumerate(targets)
    }
    (problem,) = check(edited(edits), SEATS)
    assert (problem.code, problem.path) == ("overflow_cycle", "queues[2].overflow[0].queue")
    assert problem.params["queues"] == "emergency → ecall → information → emergency"


def test_two_queues_may_overflow_to_the_same_third() -> None:
    step = [{"after_s": 5, "queue": "emergency"}]
    assert codes(edited({"queues[1].overflow": step, "queues[2].overflow": step})) == []


def test_overflow_brings_members_at_the_queues_own_sites_only() -> None:
    """Both who could help by overflow sit elsewhere, and the queue is bound to one site."""
    everybody_in_riga: Edits = {
        "agents[1].site": "riga",
        "queues[2].overflow": [{"after_s": 5, "queue": "emergency"}],
    }
    assert codes(edited(everybody_in_riga)) == [("queues[2]", "queue_nobody")]


def test_full_relaxing_counts_for_whether_somebody_can_answer() -> None:
    # The one requirement of the queue for eCalls is relaxed to nothing after ten seconds.
    assert codes(edited({"agents[0].skills": [], "agents[1].skills": []})) == []


def test_schedules_that_touch_or_lead_to_the_same_queue_do_not_contradict() -> None:
    evening = {"name": "evening", "weekly": [span("17:00", "20:00", days=["mon"])]}
    touching: Edits = {"schedules[2]": evening, "entries[1].rules[1]": rule("evening")}
    assert codes(edited(touching)) == []
    same: Edits = {"entries[1].rules[1]": rule("office_hours", "information")}
    assert codes(edited(same)) == []


def test_an_exception_alone_can_contradict() -> None:
    open_day = {"name": "open_day", "exceptions": [{"date": "2026-12-31", "open": True}]}
    edits: Edits = {"schedules[2]": open_day, "entries[1].rules[1]": rule("open_day")}
    (problem,) = check(edited(edits), SEATS)
    assert (problem.code, problem.params["day"]) == ("rules_contradict", "2026-12-31")


def test_all_problems_are_told_at_once_up_to_a_bound() -> None:
    agents = [{"agent_id": f"a-{n}", "site": "nowhere"} for n in range(1_000)]
    problems = check(edited({"agents": agents}), SEATS)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    assert len(errors) == PROBLEMS_MAX
    assert len(problems) <= 2 * PROBLEMS_MAX


def test_a_name_as_long_as_a_book_is_not_repeated() -> None:
    problems = check(edited({"queues[0].name": "x" * 100_000}), SEATS)
    assert all(len(problem.text) < 500 for problem in problems)
    assert len(msgspec.json.encode(problems)) < 50_000


def test_the_largest_document_is_checked_in_a_moment() -> None:
    queues = [
        {
            "name": f"q-{n}",
            "skills": [{"skill": f"s-{k}"} for k in range(20)],
            "overflow": [{"after_s": 1, "queue": f"q-{(n + 1) % 200}"}],
        }
        for n in range(200)
    ]
    agents = [
        {"agent_id": f"agent-{n}", "skills": [{"skill": f"s-{(n + k) % 500}"} for k in range(20)]}
        for n in range(5_000)
    ]
    data = {"skills": [{"name": f"s-{n}"} for n in range(500)], "queues": queues, "agents": agents}
    began = time.process_time()
    problems = check(ROUTING.from_builtins(data), [f"agent-{n}" for n in range(5_000)])
    assert any(problem.code == "overflow_cycle" for problem in problems)
    assert time.process_time() - began < 30
