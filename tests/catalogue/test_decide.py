"""Proves what follows from a type and answers: questions, type, priority, hazards, services."""

import time
from typing import Any

import pytest

from ccserver.catalogue import CATALOGUE, Guidance, Prepared, Proposal, Why, guided
from ccserver.catalogue import document as d
from ccserver.catalogue.default import default_catalogue
from tests.catalogue.examples import SAMPLE, plain, square, titles

PREPARED = Prepared.whole(SAMPLE)


def codes(guidance: Guidance) -> list[str]:
    return [question.code for question in guidance.questions]


def services(guidance: Guidance) -> list[str]:
    return [proposal.service for proposal in guidance.services]


def at(longitude: float, latitude: float) -> Any:
    return {"longitude": longitude, "latitude": latitude}


def changed(change: Any) -> Prepared:
    data = plain()
    change(data)
    return Prepared.whole(CATALOGUE.from_builtins(data))


def test_without_a_type_nothing_follows() -> None:
    for unknown in (None, "gone"):
        assert guided(PREPARED, unknown, {"injured": "yes"}) == Guidance(None, None, (), (), ())


def test_the_types_own_questions_are_asked_in_order() -> None:
    guidance = guided(PREPARED, "crash", {})
    assert codes(guidance) == ["injured", "fire"]
    assert [question.answered for question in guidance.questions] == [False, False]
    assert [question.required for question in guidance.questions] == [True, False]
    assert (guidance.type, guidance.priority, guidance.hazards) == ("crash", 5, ())
    assert guidance.services == (Proposal("police", Why.TYPE, "crash"),)


def test_an_answer_may_name_another_type_and_its_questions_follow() -> None:
    guidance = guided(PREPARED, "crash", {"injured": "yes"})
    assert guidance.type == "crash.injured"
    assert codes(guidance) == ["injured", "fire", "breathing"]
    assert guidance.priority == 8
    assert services(guidance) == ["ambulance", "police"]


def test_a_type_asks_what_its_parents_ask_first_so_that_no_answer_is_lost() -> None:
    answers = {"injured": "yes", "fire": ["burns"]}
    before, after = guided(PREPARED, "crash", answers), guided(PREPARED, "crash.injured", answers)
    assert before == after
    assert after.priority == 9


def test_a_follow_up_question_comes_directly_after_its_answer() -> None:
    guidance = guided(PREPARED, "crash", {"fire": ["leaks"], "injured": "yes"})
    assert codes(guidance) == ["injured", "fire", "how_much", "breathing"]
    assert guidance.questions[2].after == "fire"
    assert guidance.hazards == ("fuel",)


def test_answers_raise_the_priority_and_never_lower_it() -> None:
    assert guided(PREPARED, "crash", {"injured": "maybe"}).priority == 7
    assert guided(PREPARED, "crash.injured", {"injured": "maybe"}).priority == 8
    both = {"injured": "yes", "breathing": "no", "fire": ["burns"]}
    assert guided(PREPARED, "crash", both).priority == 10


def test_answers_add_services_and_say_so() -> None:
    guidance = guided(PREPARED, "crash", {"injured": "maybe", "fire": ["leaks", "burns"]})
    assert guidance.services == (
        Proposal("police", Why.TYPE, "crash"),
        Proposal("ambulance", Why.ANSWER, "injured"),
        Proposal("fire", Why.ANSWER, "fire"),
    )


def test_answers_to_questions_that_are_not_asked_are_not_used() -> None:
    guidance = guided(PREPARED, "noise", {"injured": "yes", "breathing": "no"})
    assert (guidance.type, guidance.priority) == ("noise", 2)
    # How much leaks counts only as long as something leaks.
    assert "how_much" not in codes(guided(PREPARED, "crash", {"how_much": 3}))


@pytest.mark.parametrize(
    ("question", "given", "answered"),
    [
        ("injured", "yes", True),
        ("injured", ["yes"], True),
        ("injured", ["yes", "no"], False),
        ("injured", "gone", False),
        ("injured", None, False),
        ("injured", 3, False),
        ("injured", {"yes": 1}, False),
        ("fire", "burns", True),
        ("fire", [], False),
        ("fire", ["gone", "leaks"], True),
        ("fire", [["burns"]], False),
    ],
)
def test_an_answer_counts_if_it_fits_its_question(
    question: str, given: object, answered: bool
) -> None:
    guidance = guided(PREPARED, "crash", {question: given})
    found = {one.code: one.answered for one in guidance.questions}
    assert found[question] is answered


@pytest.mark.parametrize(
    ("given", "answered"),
    [(0, True), (2.5, True), ("2", False), (True, False), (None, False)],
)
def test_a_number_is_an_answer_to_how_many(given: object, answered: bool) -> None:
    guidance = guided(PREPARED, "crash", {"fire": ["leaks"], "how_much": given})
    assert {one.code: one.answered for one in guidance.questions}["how_much"] is answered


def test_blank_text_is_no_answer() -> None:
    for text, answered in (("At the corner", True), ("  ", False), (7, False)):
        assert guided(PREPARED, "noise", {"where": text}).questions[0].answered is answered


# -- areas ------------------------------------------------------------------------------------


def test_only_the_service_whose_area_holds_the_place_is_proposed() -> None:
    west = guided(PREPARED, "noise", {}, **at(24.5, 56.5))
    assert west.services == (Proposal("town_west", Why.AREA, "noise", area="west"),)
    assert services(guided(PREPARED, "noise", {}, **at(27.5, 57.5))) == ["town_east"]


def test_a_hole_is_not_part_of_the_area_and_an_edge_is_of_both() -> None:
    assert services(guided(PREPARED, "noise", {}, **at(25.5, 56.5))) == []
    assert services(guided(PREPARED, "noise", {}, **at(25, 56.5))) == ["town_west", "town_east"]


def test_as_long_as_the_place_is_unknown_all_are_proposed_with_a_mark() -> None:
    for guidance in (
        guided(PREPARED, "noise", {}),
        guided(Prepared.of(SAMPLE), "noise", {}, **at(24.5, 56.5)),
    ):
        assert services(guidance) == ["town_west", "town_east"]
        assert all(proposal.unknown_area for proposal in guidance.services)


def test_a_service_without_areas_is_proposed_everywhere() -> None:
    places: list[Any] = [{}, at(24.5, 56.5), at(0, 0)]
    for place in places:
        guidance = guided(PREPARED, "crash", {}, **place)
        assert guidance.services == (Proposal("police", Why.TYPE, "crash"),)


def test_a_gap_between_areas_leaves_nobody_without_those_who_must_come() -> None:
    def give_the_police_areas(data: Any) -> None:
        for number, area in ((1, "west"), (2, "east")):
            data["services"][number]["areas"] = [area]

    prepared = changed(give_the_police_areas)
    guidance = guided(prepared, "crash.injured", {}, **at(10, 10))
    assert services(guidance) == ["ambulance", "police"]
    assert all(proposal.unknown_area for proposal in guidance.services)
    inside = guided(prepared, "crash.injured", {}, **at(24.5, 56.5))
    assert [(one.service, one.unknown_area) for one in inside.services] == [
        ("ambulance", False),
        ("police", True),
    ]


def test_a_service_that_is_switched_off_is_not_proposed() -> None:
    prepared = changed(lambda data: data["services"][2].update(active=False))
    assert services(guided(prepared, "crash", {})) == []


def test_types_without_services_take_those_of_the_parent() -> None:
    prepared = changed(lambda data: data["types"][1].update(services=[], priority=None))
    guidance = guided(prepared, "crash.injured", {})
    assert (services(guidance), guidance.priority) == (["police"], 5)


def test_five_hundred_areas_cost_next_to_nothing() -> None:
    """Far below a millisecond; the bound here leaves room for a busy machine."""
    areas = tuple(
        d.Area(
            code=f"a{number}",
            polygons=((tuple((x, y) for x, y in square(number % 25, 40 + number // 25)),),),
        )
        for number in range(500)
    )
    service = d.Service(code="s", kind="other", areas=("a499",), types=("t",))
    catalogue = d.Catalogue(types=(d.IncidentType(code="t"),), services=(service,), areas=areas)
    prepared = Prepared.whole(catalogue)
    took = []
    for _ in range(50):
        started = time.perf_counter()
        guidance = guided(prepared, "t", {}, longitude=24.5, latitude=59.5)
        took.append(time.perf_counter() - started)
    assert services(guidance) == ["s"]
    assert min(took) < 0.001


# -- the default catalogue --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_code", "answers", "place", "expected", "priority"),
    [
        ("fire.building", {}, {}, {"vugd"}, 9),
        ("fire.building", {"fire_people": "yes"}, {}, {"vugd", "nmpd"}, 10),
        ("traffic", {"traffic_injured": "no"}, {}, {"vp"}, 3),
        ("traffic", {"traffic_injured": "yes"}, {}, {"nmpd", "vp"}, 8),
        ("traffic", {"traffic_trapped": "yes"}, {}, {"vp", "vugd", "nmpd"}, 10),
        ("medical", {"conscious": "no"}, {}, {"nmpd"}, 10),
        ("gas", {}, {}, {"vugd", "gaso"}, 9),
        ("public_order.noise", {}, at(24.1, 56.95), {"vp", "pp.riga"}, 2),
        ("public_order.noise", {}, at(25.9, 57.3), {"vp"}, 2),
        ("call.test", {}, {}, set(), 0),
    ],
)
def test_the_default_catalogue_proposes_what_one_would_expect(
    type_code: str, answers: Any, place: Any, expected: set[str], priority: int
) -> None:
    guidance = guided(Prepared.whole(default_catalogue()), type_code, answers, **place)
    assert set(services(guidance)) == expected
    assert guidance.priority == priority


def test_a_title_is_there_in_every_language_of_the_default_catalogue() -> None:
    assert titles("x").keys() == {"lv", "ru", "en"}
    for question in default_catalogue().questions:
        assert question.titles.lv
        assert question.titles.ru
        assert question.titles.en
