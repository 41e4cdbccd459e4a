"""Proves the chain of states: any order of the same steps gives one state, facts are never refused,
decisions only when they come too late, and a unit's steps say for its service what it has not said.
"""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.services.states import (
    DECISIONS,
    EIDO_UNIT,
    FACTS,
    Report,
    ServiceState,
    StepRefused,
    UnitPosition,
    UnitState,
    admit,
    allowed,
    awaits_a_reader,
    derive,
    derive_unit,
    out_of_order,
    service_steps_of_units,
)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
S, U = ServiceState, UnitState


def chain(*states: str) -> list[Report]:
    return [
        Report(state, START + timedelta(seconds=number), f"k{number}")
        for number, state in enumerate(states)
    ]


def reports(values: list[str]) -> st.SearchStrategy[list[Report]]:
    seconds = st.integers(0, 20).map(lambda number: START + timedelta(seconds=number))
    one = st.builds(
        Report,
        st.sampled_from(values),
        seconds,
        st.text("abc", min_size=1, max_size=3),
        st.none() | seconds,
    )
    return st.lists(one, max_size=12, unique_by=lambda report: report.key)


STEPS = [*(state.value for state in ServiceState), "note"]


@given(reports(STEPS), st.randoms(use_true_random=False))
def test_any_order_of_the_same_steps_gives_the_same_state(
    told: list[Report], random: object
) -> None:
    shuffled = list(told)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert derive(shuffled) is derive(told)
    assert out_of_order(shuffled) == out_of_order(told)
    assert awaits_a_reader(shuffled) == awaits_a_reader(told)


@given(reports([state.value for state in UnitState]), st.randoms(use_true_random=False))
def test_any_order_of_a_units_steps_gives_the_same_position(
    told: list[Report], random: object
) -> None:
    shuffled = list(told)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert derive_unit(shuffled) == derive_unit(told)
    assert (derive_unit(told) is None) == (not told)


@given(reports(STEPS), st.sampled_from(FACTS))
def test_a_fact_is_always_taken_and_never_leads_back(
    told: list[Report], fact: ServiceState
) -> None:
    before = derive(told)
    admit(before, fact)
    after = derive([*told, Report(fact, START + timedelta(hours=1), "new")])
    order = list(ServiceState)
    if before is S.REFUSED or before in FACTS or order.index(before) <= order.index(S.ACCEPTED):
        assert after in FACTS
        assert before not in FACTS or FACTS.index(after) >= FACTS.index(before)
    else:
        assert after is before


@given(reports(STEPS))
def test_the_state_is_never_the_step_that_reopens(told: list[Report]) -> None:
    assert derive(told) in set(S) - {S.REOPENED}


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((), S.SENT),
        (("received",), S.RECEIVED),
        (("seen", "received"), S.SEEN),
        (("received", "seen", "accepted"), S.ACCEPTED),
        (("accepted", "refused"), S.REFUSED),
        (("refused", "accepted"), S.ACCEPTED),
        (("accepted", "received", "seen"), S.ACCEPTED),
        (("on_scene",), S.ON_SCENE),
        (("refused", "en_route"), S.EN_ROUTE),
        (("dispatched", "on_scene", "en_route"), S.ON_SCENE),
        (("dispatched", "cleared", "on_scene"), S.CLEARED),
        (("on_scene", "withdrawn"), S.WITHDRAWN),
        (("withdrawn", "on_scene"), S.WITHDRAWN),
        (("withdrawn", "closed"), S.CLOSED),
        (("dispatched", "cleared", "closed"), S.CLOSED),
        (("dispatched", "cleared", "accepted"), S.CLEARED),
        (("dispatched", "cleared", "reopened"), S.ACCEPTED),
        (("dispatched", "cleared", "closed", "reopened", "en_route"), S.EN_ROUTE),
        (("withdrawn", "closed", "reopened"), S.WITHDRAWN),
        (("note", "seen", "note"), S.SEEN),
    ],
)
def test_the_table_of_states(states: tuple[str, ...], state: ServiceState) -> None:
    assert derive(chain(*states)) is state


def test_the_reporters_own_time_orders_what_a_cut_off_desk_tells_late() -> None:
    refused = Report("refused", START + timedelta(seconds=50), "b")
    accepted_before = Report(
        "accepted", START + timedelta(seconds=90), "a", START + timedelta(seconds=10)
    )
    assert derive([refused, accepted_before]) is S.REFUSED
    accepted_after = Report("accepted", START + timedelta(seconds=90), "a")
    assert derive([refused, accepted_after]) is S.ACCEPTED


def test_a_reporters_clock_that_runs_ahead_is_not_believed() -> None:
    ahead = Report("accepted", START, "a", START + timedelta(days=1))
    refused = Report("refused", START + timedelta(seconds=1), "b")
    assert derive([ahead, refused]) is S.REFUSED


def test_decisions_that_come_too_late_are_refused_with_what_would_be_allowed() -> None:
    with pytest.raises(StepRefused) as refused:
        admit(S.ON_SCENE, S.REFUSED)
    assert refused.value.state is S.ON_SCENE
    assert refused.value.allowed == allowed(S.ON_SCENE)
    assert S.CLEARED in refused.value.allowed
    assert S.REFUSED not in refused.value.allowed


def test_every_state_and_step_is_taken_or_refused() -> None:
    for state, step in itertools.product(DECISIONS, ServiceState):
        if step in allowed(state):
            admit(state, step)
        else:
            with pytest.raises(StepRefused):
                admit(state, step)
    assert set(DECISIONS) == set(S) - {S.REOPENED}


def test_nobody_reports_that_it_was_sent() -> None:
    for state in DECISIONS:
        with pytest.raises(StepRefused):
            admit(state, S.SENT)


@pytest.mark.parametrize(
    ("states", "early"),
    [
        (("received", "seen", "accepted", "dispatched", "en_route", "on_scene", "cleared"), set()),
        (("on_scene", "accepted", "dispatched"), {"k0"}),
        (("accepted", "en_route", "dispatched"), {"k1"}),
        (("accepted", "dispatched", "cleared"), set()),
        (("cleared", "reopened", "dispatched"), {"k0"}),
    ],
)
def test_what_is_told_before_its_time_is_marked(states: tuple[str, ...], early: set[str]) -> None:
    assert out_of_order(chain(*states)) == early


def test_anything_but_a_programs_word_shows_a_reader() -> None:
    assert awaits_a_reader(chain("sent", "received", "note"))
    for state in ("seen", "accepted", "refused", "dispatched", "on_scene"):
        assert not awaits_a_reader(chain("sent", state))


@pytest.mark.parametrize(
    ("states", "position"),
    [
        (("assigned",), UnitPosition(U.ASSIGNED, START)),
        (("assigned", "en_route"), UnitPosition(U.EN_ROUTE, START + timedelta(seconds=1))),
        (
            ("assigned", "en_route", "delayed"),
            UnitPosition(U.EN_ROUTE, START + timedelta(seconds=1), delayed=True),
        ),
        (
            ("assigned", "en_route", "delayed", "on_scene"),
            UnitPosition(U.ON_SCENE, START + timedelta(seconds=3)),
        ),
        (("on_scene", "assigned"), UnitPosition(U.ON_SCENE, START)),
        (("assigned", "cleared", "delayed"), UnitPosition(U.CLEARED, START + timedelta(seconds=1))),
        (
            ("assigned", "cleared", "assigned"),
            UnitPosition(U.ASSIGNED, START + timedelta(seconds=2)),
        ),
        (("delayed",), UnitPosition(U.ASSIGNED, START, delayed=True)),
    ],
)
def test_where_a_unit_stands(states: tuple[str, ...], position: UnitPosition) -> None:
    assert derive_unit(chain(*states)) == position


HERE, GONE = UnitPosition(U.ON_SCENE, START), UnitPosition(U.CLEARED, START)


@pytest.mark.parametrize(
    ("states", "step", "others", "follows"),
    [
        (("sent", "seen"), U.ASSIGNED, [HERE], [S.ACCEPTED]),
        (("sent", "refused"), U.ASSIGNED, [HERE], [S.ACCEPTED]),
        (("sent", "seen"), U.DISPATCHED, [HERE], [S.ACCEPTED, S.DISPATCHED]),
        (("sent", "accepted"), U.EN_ROUTE, [HERE], [S.EN_ROUTE]),
        (("sent", "accepted", "en_route"), U.EN_ROUTE, [HERE], []),
        (("sent", "accepted", "en_route"), U.DISPATCHED, [HERE], []),
        (("sent", "en_route"), U.PATIENT_CONTACT, [HERE], [S.ON_SCENE]),
        (("sent", "on_scene"), U.CLEARED, [HERE, GONE], []),
        (("sent", "on_scene"), U.CLEARED, [GONE, GONE], [S.CLEARED]),
        (("sent", "accepted"), U.CLEARED, [GONE], []),
        (("sent", "on_scene", "cleared"), U.ON_SCENE, [HERE], []),
        (("sent", "on_scene", "cleared"), U.ASSIGNED, [HERE], [S.REOPENED]),
        (("sent", "closed"), U.EN_ROUTE, [HERE], []),
        (("sent", "withdrawn"), U.EN_ROUTE, [HERE], []),
        (("sent", "accepted"), U.DELAYED, [HERE], []),
    ],
)
def test_what_a_unit_says_for_its_service(
    states: tuple[str, ...],
    step: UnitState,
    others: list[UnitPosition],
    follows: list[ServiceState],
) -> None:
    assert service_steps_of_units(chain(*states), step, others) == follows


def test_eido_has_a_name_for_every_state_of_a_unit() -> None:
    assert set(EIDO_UNIT) == set(U)
