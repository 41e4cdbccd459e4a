"""Proves that each mistake in a catalogue is told where it stands, with what to do about it."""

from collections.abc import Callable
from typing import Any

import pytest

from ccserver.catalogue import CATALOGUE, check
from ccserver.catalogue.default import default_catalogue
from ccserver.catalogue.limits import VERTICES_MAX
from ccserver.documents import Severity
from tests.catalogue.examples import SAMPLE, answer, plain, square, titles

Change = Callable[[dict[str, Any]], object]


def problems_of(change: Change) -> list[tuple[str, str]]:
    data = plain()
    change(data)
    return [(problem.path, problem.code) for problem in check(CATALOGUE.from_builtins(data))]


def test_the_sample_and_the_default_catalogue_have_no_problems() -> None:
    assert check(SAMPLE) == []
    assert check(default_catalogue()) == []


def only(path: str, value: object) -> Change:
    """Set one value, by a path like ``types.0.parent``."""

    def change(data: dict[str, Any]) -> None:
        *steps, last = path.split(".")
        here: Any = data
        for step in steps:
            here = here[int(step)] if step.isdigit() else here[step]
        here[int(last) if last.isdigit() else last] = value

    return change


def deep(data: dict[str, Any]) -> None:
    for level in range(2, 6):
        data["types"].append(
            {"code": f"deep{level}", "titles": titles("x"), "priority": 0}
            | ({"parent": f"deep{level - 1}"} if level > 2 else {"parent": "crash"})
        )


def extra_question(data: dict[str, Any]) -> None:
    data["questions"].append({"code": "idle", "titles": titles("?"), "kind": "text"})


def all_off(data: dict[str, Any]) -> None:
    for one in data["types"]:
        one["active"] = False


BOW_TIE = [[[24, 56], [25, 57], [25, 56], [24, 57], [24, 56]]]
HOLE_OUTSIDE = [[square(24, 56), square(30, 56)]]
SWAPPED = [[[[y, x] for x, y in square(24, 56)]]]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        (only("types.0.code", "Crash!"), "types[0].code", "bad_code"),
        (only("types.2.code", "crash"), "types[2].code", "duplicate_name"),
        (
            only("questions.0.answers.1.code", "yes"),
            "questions[0].answers[1].code",
            "duplicate_name",
        ),
        (only("types.0.titles", titles(" ")), "types[0].titles", "title_empty"),
        (only("types.0.titles.ru", ""), "types[0].titles.ru", "title_missing"),
        (only("types.0.titles.ru", "x" * 201), "types[0].titles.ru", "too_long"),
        (only("types.0.help", titles("x" * 1_001)), "types[0].help.lv", "too_long"),
        (only("types.0.titles.lv", "a\nb"), "types[0].titles.lv", "bad_character"),
        (only("types.0.priority", 11), "types[0].priority", "out_of_range"),
        (only("types.0.parent", "gone"), "types[0].parent", "unknown_type"),
        (only("types.0.parent", "crash.injured"), "types[0].parent", "type_loop"),
        (deep, "types[6].parent", "type_too_deep"),
        (only("types.0.services", ["gone"]), "types[0].services[0]", "unknown_service"),
        (only("types.0.services", ["police"] * 2), "types[0].services[1]", "duplicate_name"),
        (only("types.0.services", []), "types[0]", "type_without_service"),
        (only("types.0.questions", ["gone"]), "types[0].questions[0]", "unknown_question"),
        (only("services.2.active", False), "types[0].services[0]", "service_inactive"),
        (only("types", []), "types", "types_none"),
        (all_off, "types", "types_none"),
        (extra_question, "questions[5]", "question_unasked"),
        (only("questions.0.answers", []), "questions[0].answers", "answers_missing"),
        (only("questions.4.answers", [answer("x")]), "questions[4].answers", "answers_unused"),
        (
            only("questions.3.answers.0.code", "maybe"),
            "questions[3].answers[0].code",
            "yes_no_codes",
        ),
        (
            only("questions.0.answers.0.type", "gone"),
            "questions[0].answers[0].type",
            "unknown_type",
        ),
        (
            only("questions.0.answers.0.hazards_add", ["gone"]),
            "questions[0].answers[0].hazards_add[0]",
            "unknown_hazard",
        ),
        (
            only("questions.0.answers.0.services_add", ["gone"]),
            "questions[0].answers[0].services_add[0]",
            "unknown_service",
        ),
        (
            only("questions.0.answers.0.next", ["gone"]),
            "questions[0].answers[0].next[0]",
            "unknown_question",
        ),
        (only("questions.0.answers.0.next", ["injured"]), "questions[0].answers", "question_loop"),
        (only("services.3.areas", ["gone"]), "services[3].areas[0]", "unknown_area"),
        (only("services.3.types", ["gone"]), "services[3].types[0]", "unknown_type"),
        (only("services.2.phone", "11 0"), "services[2].phone", "bad_phone"),
        (only("services.2.seen_timeout_s", 1), "services[2].seen_timeout_s", "out_of_range"),
        (only("areas.0.polygons", []), "areas[0].polygons", "area_empty"),
        (only("areas.0.polygons", [[]]), "areas[0].polygons", "area_empty"),
        (only("areas.0.polygons", [[[]]]), "areas[0].polygons[0][0]", "ring_short"),
        (
            only("areas.0.polygons", [[square(24, 56)[:-1]]]),
            "areas[0].polygons[0][0]",
            "ring_open",
        ),
        (
            only("areas.0.polygons", [[[*square(24, 56), [200, 56]]]]),
            "areas[0].polygons[0][0]",
            "position_outside",
        ),
        (only("areas.0.polygons", [BOW_TIE]), "areas[0].polygons", "area_crosses_itself"),
        (only("areas.0.polygons", HOLE_OUTSIDE), "areas[0].polygons", "area_invalid"),
        (only("areas.0.polygons", SWAPPED), "areas[0].polygons", "swapped"),
    ],
)
def test_every_mistake_is_told_where_it_stands(change: Change, path: str, code: str) -> None:
    assert (path, code) in problems_of(change)


def test_a_crossing_outline_is_told_with_its_place() -> None:
    data = plain()
    data["areas"][0]["polygons"] = [BOW_TIE]
    (problem,) = check(CATALOGUE.from_builtins(data))
    assert "longitude 24.5, latitude 56.5" in problem.text
    assert problem.severity is Severity.ERROR


def test_a_circle_of_follow_up_questions_is_told_once_with_its_members() -> None:
    data = plain()
    data["questions"][0]["answers"][0]["next"] = ["fire"]
    data["questions"][1]["answers"][0]["next"] = ["breathing"]
    data["questions"][3]["answers"][0]["next"] = ["injured"]
    (problem,) = check(CATALOGUE.from_builtins(data))
    assert problem.params["questions"] == "injured → fire → breathing → injured"


def test_a_circle_of_parents_is_told_once() -> None:
    found = problems_of(only("types.0.parent", "crash.injured"))
    assert [code for _, code in found] == ["type_loop"]


def test_two_ways_to_one_question_are_no_circle() -> None:
    def change(data: dict[str, Any]) -> None:
        data["questions"][0]["answers"][0]["next"] = ["how_much", "fire"]
        data["questions"][0]["answers"][1]["next"] = ["how_much"]

    assert problems_of(change) == []


def test_a_long_chain_of_questions_is_checked_without_recursion() -> None:
    def change(data: dict[str, Any]) -> None:
        data["questions"] += [
            {
                "code": f"q{number}",
                "titles": titles("?"),
                "kind": "choice",
                "answers": [answer("a", next=[f"q{number + 1}"] if number < 990 else [])],
            }
            for number in range(991)
        ]
        data["types"][0]["questions"].append("q0")

    assert problems_of(change) == []


def test_too_long_lists_and_too_many_corners_are_refused_before_they_are_compared() -> None:
    assert ("types", "too_many") in problems_of(only("types", plain()["types"] * 400))
    ring = [[24, 56]] * (VERTICES_MAX + 1)
    assert problems_of(only("areas.0.polygons", [[ring]])) == [("areas", "too_many_vertices")]


def test_a_type_of_priority_nought_needs_no_service() -> None:
    def change(data: dict[str, Any]) -> None:
        data["types"].append({"code": "test", "titles": titles("Test"), "priority": 0})
        data["types"].append({"code": "test.more", "titles": titles("Test"), "parent": "test"})

    assert problems_of(change) == []
