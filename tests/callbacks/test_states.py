"""Proves the table of a task's life: every state × every event, and the theory's promises."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.callbacks import (
    AttemptOutcome,
    CallbackAttempt,
    CallbackClosed,
    CallbackId,
    CallbackNotDialable,
    CallbackOutcome,
    CallbackOutcomeInvalid,
    CallbackRefused,
    CallbackSettings,
    CallbackState,
    CallbackTaken,
    CallbackTask,
    states,
)
from ccserver.callbacks.states import TABLE, CallbackEvent
from ccserver.callbacks.values import FAILED_RETRY_MAX_S, FAILED_RETRY_S, FAILURES_ALARM
from tests.callbacks.samples import ANNA, BORIS, NUMBER, contact_id, gave_up, second

OPEN = CallbackTask(
    CallbackId("task"),
    NUMBER,
    "37129123456",
    None,
    None,
    "emergency",
    5,
    second(0),
    second(0),
    (contact_id("first"),),
)
REACHED, NO_ANSWER, FAILED = AttemptOutcome


def attempt(name: str = "a", at: float = 10) -> CallbackAttempt:
    return CallbackAttempt(name, second(at), ANNA, "Anna", contact_id(f"call-{name}"))


CALLING = states.begun(OPEN, attempt())
DONE = states.closed(OPEN, CallbackOutcome.NOT_NEEDED, "anna", "", second(5))


@pytest.mark.parametrize("state", CallbackState)
@pytest.mark.parametrize("event", CallbackEvent)
def test_every_state_meets_every_event_or_refuses(
    state: CallbackState, event: CallbackEvent
) -> None:
    task = {
        CallbackState.OPEN: OPEN,
        CallbackState.CALLING: CALLING,
        CallbackState.DONE: DONE,
    }[state]
    if (state, event) in TABLE:
        assert states.after(task, event) is TABLE[state, event]
        return
    refused = CallbackClosed if state is CallbackState.DONE else CallbackTaken
    with pytest.raises(refused):
        states.after(task, event)


def test_who_is_second_learns_who_was_first() -> None:
    with pytest.raises(CallbackTaken) as caught:
        states.begun(CALLING, replace(attempt("b"), agent_id=BORIS))
    assert (caught.value.agent_id, caught.value.agent_name) == (ANNA, "Anna")


def test_an_attempt_begun_twice_is_one() -> None:
    assert states.begun(CALLING, attempt()) == CALLING


def test_an_attempt_that_was_made_is_recorded_whatever_the_state() -> None:
    late = states.begun(DONE, attempt(), fact=True)
    assert (late.state, late.attempts) == (CallbackState.DONE, (attempt(),))
    both = states.begun(CALLING, attempt("b"), fact=True)
    assert (both.state, len(both.attempts)) == (CallbackState.CALLING, 2)


def test_without_a_number_nobody_can_be_called() -> None:
    with pytest.raises(CallbackNotDialable):
        states.begun(replace(OPEN, number=None, digits=""), attempt())


def test_an_answer_closes_and_no_answer_opens_again() -> None:
    done = states.finished(CALLING, "a", REACHED, second(60))
    assert (done.state, done.outcome) == (CallbackState.DONE, CallbackOutcome.REACHED)
    assert done.closed_at == second(60)
    again = states.finished(CALLING, "a", NO_ANSWER, second(60))
    assert (again.state, again.outcome, again.closed_at) == (CallbackState.OPEN, None, None)


def test_only_an_answer_corrects_an_attempt_that_has_ended() -> None:
    unanswered = states.finished(CALLING, "a", NO_ANSWER, second(60))
    assert states.finished(unanswered, "a", FAILED, second(61)) == unanswered
    reached = states.finished(unanswered, "a", REACHED, second(61))
    assert reached.state is CallbackState.DONE
    assert states.finished(reached, "a", NO_ANSWER, second(62)) == reached
    assert states.finished(reached, "unknown", NO_ANSWER, second(62)) == reached


def test_late_news_of_one_attempt_does_not_end_the_next() -> None:
    second_try = states.begun(
        states.finished(CALLING, "a", NO_ANSWER, second(60)), attempt("b", 400)
    )
    assert states.finished(second_try, "a", FAILED, second(401)) == second_try


def test_an_answer_from_before_the_last_call_for_help_closes_nothing() -> None:
    again = states.abandoned(CALLING, gave_up("again", at=100))
    task = states.finished(again, "a", REACHED, second(50))
    assert task.state is CallbackState.OPEN
    assert task.attempts[0].outcome is REACHED


def test_a_task_closed_while_somebody_dials_stays_closed_but_keeps_the_attempt() -> None:
    closed = states.called_again(CALLING, contact_id("again"), second(20))
    assert (closed.state, closed.outcome) == (CallbackState.DONE, CallbackOutcome.CALLED_AGAIN)
    for outcome in (NO_ANSWER, FAILED, REACHED):
        ended = states.finished(closed, "a", outcome, second(30))
        assert (ended.state, ended.outcome) == (CallbackState.DONE, CallbackOutcome.CALLED_AGAIN)
        assert ended.attempts[0].outcome is outcome


def test_who_calls_again_and_gives_up_again_is_called_back_in_the_old_place() -> None:
    closed = states.called_again(OPEN, contact_id("again"), second(20))
    task = states.abandoned(closed, gave_up("again", at=40, priority=7))
    assert task.state is CallbackState.OPEN
    assert (task.outcome, task.closed_at, task.closing_contact_id) == (None, None, None)
    assert (task.created_at, task.last_abandoned_at, task.priority) == (second(0), second(40), 7)
    dialled = states.called_again(CALLING, contact_id("again"), second(20))
    assert states.abandoned(dialled, gave_up("again", at=40)).state is CallbackState.CALLING


def test_a_call_from_before_or_of_the_task_itself_is_not_calling_again() -> None:
    assert states.called_again(OPEN, contact_id("other"), second(-1)) == OPEN
    assert states.called_again(OPEN, contact_id("first"), second(10)) == OPEN
    assert states.called_again(CALLING, contact_id("call-a"), second(30)) == CALLING
    assert states.called_again(DONE, contact_id("other"), second(30)) == DONE


def test_an_attempt_that_was_refused_was_none() -> None:
    assert states.undone(CALLING, "a") == OPEN
    assert states.undone(OPEN, "a") == OPEN
    ended = states.finished(CALLING, "a", NO_ANSWER, second(60))
    assert states.undone(ended, "a") == ended
    both = states.begun(CALLING, attempt("b"), fact=True)
    assert states.undone(both, "b") == CALLING
    closed = states.called_again(CALLING, contact_id("again"), second(20))
    assert states.undone(closed, "a").state is CallbackState.DONE


def test_a_person_cannot_say_that_the_citizen_called_again() -> None:
    with pytest.raises(CallbackOutcomeInvalid):
        states.closed(OPEN, CallbackOutcome.CALLED_AGAIN, "anna", "", second(1))


def test_what_becomes_known_of_an_attempt_is_added_and_never_taken_away() -> None:
    bare = CallbackAttempt("a", second(10), None, automatic=True)
    task = states.detailed(states.begun(OPEN, bare), "a", contact_id=contact_id("call"))
    task = states.detailed(task, "a", agent_id=BORIS, agent_name="Boris")
    (known,) = states.detailed(task, "a").attempts
    assert (known.contact_id, known.agent_id, known.agent_name) == (
        contact_id("call"),
        BORIS,
        "Boris",
    )
    assert states.detailed(task, "other", agent_id=ANNA) == task


SETTINGS = CallbackSettings(attempts_max=2, retry_after_s=300)


def tried(task: CallbackTask, *outcomes: AttemptOutcome) -> CallbackTask:
    for number, outcome in enumerate(outcomes):
        task = states.begun(task, attempt(f"t{number}", 10 + number * 20))
        task = states.finished(task, f"t{number}", outcome, second(20 + number * 20))
    return task


def test_an_attempt_without_an_answer_is_repeated_later_and_not_for_ever() -> None:
    assert OPEN.next_attempt_at(SETTINGS) is None
    once = tried(OPEN, NO_ANSWER)
    assert once.next_attempt_at(SETTINGS) == second(320)
    assert not once.exhausted(SETTINGS)
    twice = tried(OPEN, NO_ANSWER, NO_ANSWER)
    assert twice.exhausted(SETTINGS)
    assert twice.state is CallbackState.OPEN
    assert not twice.exhausted(replace(SETTINGS, attempts_max=3))


def test_who_was_never_dialled_is_tried_again_soon_and_for_ever() -> None:
    waits = []
    for count in range(1, 30):
        task = tried(OPEN, *[FAILED] * count)
        at = task.next_attempt_at(SETTINGS)
        assert at is not None
        waits.append((at - second(count * 20)).total_seconds())
        assert not task.exhausted(SETTINGS)
        assert task.stuck is (count >= FAILURES_ALARM)
    assert waits[:5] == [FAILED_RETRY_S, 60, 120, 240, FAILED_RETRY_MAX_S]
    assert set(waits[5:]) == {FAILED_RETRY_MAX_S}


def test_failures_of_our_own_neither_count_as_attempts_nor_wipe_them_out() -> None:
    mixed = tried(OPEN, NO_ANSWER, *[FAILED] * 12)
    assert not mixed.exhausted(SETTINGS)
    assert mixed.stuck
    dialled = tried(OPEN, NO_ANSWER, *[FAILED] * 12, NO_ANSWER)
    assert dialled.exhausted(SETTINGS)
    assert not dialled.stuck
    assert dialled.next_attempt_at(SETTINGS) == second(280 + 300)
    closed = states.closed(mixed, CallbackOutcome.NOT_NEEDED, "anna", "", second(900))
    assert not closed.stuck


def test_a_new_call_for_help_counts_attempts_anew() -> None:
    task = states.abandoned(tried(OPEN, NO_ANSWER, NO_ANSWER), gave_up("again", at=500))
    assert not task.exhausted(SETTINGS)
    assert task.next_attempt_at(SETTINGS) is None


Step = Callable[[CallbackTask, float], CallbackTask]
STEPS: dict[str, Step] = {
    "begun": lambda task, at: states.begun(task, attempt(f"x{at}", at)),
    "begun as a fact": lambda task, at: states.begun(task, attempt(f"y{at}", at), fact=True),
    "reached": lambda task, at: _end(task, REACHED, at),
    "no answer": lambda task, at: _end(task, NO_ANSWER, at),
    "late": lambda task, at: (
        states.finished(task, task.attempts[0].attempt_id, REACHED, second(at))
        if task.attempts
        else task
    ),
    "again": lambda task, at: states.called_again(task, contact_id(f"z{at}"), second(at)),
    "again and gone": lambda task, at: (
        states.abandoned(
            task, gave_up("z", at=at, contact_id=task.closing_contact_id or contact_id(f"q{at}"))
        )
        if task.closing_contact_id or task.state is not CallbackState.DONE
        else task
    ),
    "closed": lambda task, at: states.closed(
        task, CallbackOutcome.NOT_NEEDED, "anna", "note", second(at)
    ),
}


def _end(task: CallbackTask, outcome: AttemptOutcome, at: float) -> CallbackTask:
    current = task.current
    return states.finished(task, current.attempt_id, outcome, second(at)) if current else task


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=30))
def test_any_history_leaves_a_task_that_makes_sense(names: list[str]) -> None:
    task = OPEN
    for number, name in enumerate(names, start=1):
        before = task
        try:
            task = STEPS[name](task, float(number))
        except CallbackRefused:
            assert task is before
        done = task.state is CallbackState.DONE
        assert done == (task.closed_at is not None) == (task.outcome is not None)
        assert (task.state is CallbackState.CALLING) <= (task.current is not None)
        if task.state is CallbackState.OPEN:
            assert task.current is None
        assert contact_id("first") in task.contacts
        # Nothing that was recorded disappears.
        assert len(task.attempts) >= len(before.attempts)
        assert task.created_at == second(0)
