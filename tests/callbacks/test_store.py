"""Every citizen who gave up has one task, taken by one call taker, kept over any repetition.

All of it on SQLite and on PostgreSQL.
"""

import asyncio
import threading
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from ccserver.accounts.models import AgentRow
from ccserver.callbacks import (
    AttemptOutcome,
    CallbackClosed,
    CallbackId,
    CallbackNotDialable,
    CallbackOutcome,
    CallbackRefused,
    CallbackState,
    CallbackStore,
    CallbackTaken,
    CallbackTask,
    CallbackUnknown,
    digits_of,
)
from ccserver.db import Database
from tests.callbacks.samples import ANNA, BORIS, NUMBER, contact_id, gave_up, second

UNKNOWN = CallbackId("00000000-0000-4000-8000-000000000000")


async def only(store: CallbackStore) -> CallbackTask:
    (task,) = await store.open_tasks()
    return task


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("+37129123456", "37129123456"),
        ("29123456", "37129123456"),
        ("0037129123456", "37129123456"),
        ("37129123456", "37129123456"),
        ("+371 29-123-456", "37129123456"),
        ("113", "113"),
        ("anonymous", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_numbers_are_compared_by_digits(number: str | None, digits: str) -> None:
    assert digits_of(number) == digits


async def test_an_abandoned_contact_becomes_a_task_with_its_card(store: CallbackStore) -> None:
    task = await store.open_task(gave_up())
    assert task == await store.task(task.task_id) == await only(store)
    assert (task.number, task.dialable, task.state) == (NUMBER, True, CallbackState.OPEN)
    assert (task.incident_id, task.card_number) == ("incident-first", "2026-000001")
    assert task.contacts == (contact_id("first"),)
    assert (task.queue, task.priority) == ("emergency", 5)
    assert (task.created_at, task.last_abandoned_at) == (second(0), second(0))
    assert task.attempts == ()


async def test_opening_again_changes_nothing(store: CallbackStore) -> None:
    task = await store.open_task(gave_up())
    assert await store.open_task(gave_up()) == task
    assert await only(store) == task


async def test_a_card_that_was_late_is_added(store: CallbackStore) -> None:
    await store.open_task(gave_up(incident_id=None, card_number=None))
    task = await store.open_task(gave_up())
    assert (task.incident_id, task.card_number) == ("incident-first", "2026-000001")


async def test_a_number_has_one_open_task_however_it_is_written(store: CallbackStore) -> None:
    first = await store.open_task(gave_up("first", priority=2))
    task = await store.open_task(gave_up("second", at=60, number="29123456", priority=8))
    assert task.task_id == first.task_id
    assert task.contacts == (contact_id("first"), contact_id("second"))
    assert (task.created_at, task.last_abandoned_at, task.priority) == (second(0), second(60), 8)
    other = await store.open_task(gave_up("third", number="+37129999999"))
    assert other.task_id != task.task_id


async def test_contacts_without_a_number_are_visible_each_for_itself(store: CallbackStore) -> None:
    for name in ("one", "two"):
        task = await store.open_task(gave_up(name, number=None))
        assert not task.dialable
        with pytest.raises(CallbackNotDialable):
            await store.begin_attempt(task.task_id, ANNA, None, second(10))
    assert len(await store.open_tasks()) == 2


async def test_tasks_are_in_order_of_priority_then_arrival(store: CallbackStore) -> None:
    for name, at, priority in (("c", 30, 5), ("a", 10, 5), ("b", 20, 9)):
        number = f"+3712900000{ord(name) % 10}"
        await store.open_task(gave_up(name, at=at, priority=priority, number=number))
    assert [task.contacts[0] for task in await store.open_tasks()] == [
        contact_id(name) for name in ("b", "a", "c")
    ]


async def test_hostile_values_are_kept_as_far_as_they_fit(store: CallbackStore) -> None:
    task = await store.open_task(gave_up(number="+1\x00" + "2" * 500, queue="q" * 500))
    assert (await store.task(task.task_id)) == task
    assert await store.task(CallbackId("\x00\ud800")) is None
    assert await store.called_again("\x00" * 3, contact_id("x"), second(9)) == []


async def test_an_attempt_is_recorded_with_who_when_and_what_came_of_it(
    store: CallbackStore, database: Database
) -> None:
    seat = AgentRow(agent_id=ANNA, name="Anna", extension="101", device="sip", sip_password="s")
    await database.write(lambda session: session.add(seat))
    task = await store.open_task(gave_up())
    task = await store.begin_attempt(task.task_id, ANNA, contact_id("call"), second(10))
    assert task.state is CallbackState.CALLING
    task = await store.finish_attempt(task.task_id, AttemptOutcome.NO_ANSWER, second(40))
    assert task.state is CallbackState.OPEN
    (attempt,) = task.attempts
    assert (attempt.agent_id, attempt.agent_name) == (ANNA, "Anna")
    assert (attempt.begun_at, attempt.ended_at) == (second(10), second(40))
    assert (attempt.contact_id, attempt.outcome) == (contact_id("call"), AttemptOutcome.NO_ANSWER)
    await store.begin_attempt(task.task_id, BORIS, contact_id("call 2"), second(400))
    task = await store.finish_attempt(task.task_id, AttemptOutcome.REACHED, second(500))
    assert (task.state, task.outcome) == (CallbackState.DONE, CallbackOutcome.REACHED)
    assert await store.open_tasks() == []
    assert await store.recent(10) == [task]
    assert await store.finish_attempt(task.task_id, AttemptOutcome.NO_ANSWER, second(501)) == task


async def test_an_attempt_is_begun_and_detailed_once(store: CallbackStore) -> None:
    task = await store.open_task(gave_up())
    for _ in range(2):
        await store.begin_attempt(task.task_id, ANNA, None, second(10), attempt_id="attempt")
        task = await store.detail_attempt(task.task_id, "attempt", contact_id=contact_id("call"))
    (attempt,) = task.attempts
    assert attempt.contact_id == contact_id("call")


async def test_an_attempt_that_was_refused_leaves_no_trace(store: CallbackStore) -> None:
    task = await store.open_task(gave_up())
    for _ in range(2):
        begun = await store.begin_attempt(task.task_id, ANNA, None, second(10), attempt_id="one")
        for _ in range(2):
            undone = await store.undo_attempt(task.task_id, "one")
        assert (undone.state, undone.attempts) == (CallbackState.OPEN, ())
        assert undone.revision > begun.revision
    assert await only(store) == undone


async def test_of_two_call_takers_at_the_same_moment_one_wins(
    store: CallbackStore, database_url: str
) -> None:
    """Two processes with one database, each of which asks at the same time."""
    other_database = Database(database_url, request_timeout_s=20)
    other = CallbackStore(other_database)
    for round_number in range(5):
        number = f"+3712900000{round_number}"
        task = await store.open_task(gave_up(f"r{round_number}", number=number))
        results = await asyncio.gather(
            store.begin_attempt(task.task_id, ANNA, None, second(10)),
            other.begin_attempt(task.task_id, BORIS, None, second(10)),
            return_exceptions=True,
        )
        (winner,) = [one for one in results if isinstance(one, CallbackTask)]
        (loser,) = [one for one in results if isinstance(one, CallbackTaken)]
        assert winner.current is not None
        assert loser.agent_id == winner.current.agent_id
    await other_database.close()


async def test_two_processes_open_one_task_for_one_citizen(
    store: CallbackStore, database_url: str
) -> None:
    other_database = Database(database_url, request_timeout_s=20)
    other = CallbackStore(other_database)
    for round_number in range(5):
        number = f"+3712900000{round_number}"
        await asyncio.gather(
            store.open_task(gave_up(f"a{round_number}", number=number)),
            other.open_task(gave_up(f"b{round_number}", number=number)),
        )
    tasks = await store.open_tasks()
    assert [len(task.contacts) for task in tasks] == [2] * 5
    await other_database.close()


async def test_a_done_task_refuses_and_says_why(store: CallbackStore) -> None:
    task = await store.open_task(gave_up())
    closed = await store.close(
        task.task_id, CallbackOutcome.NOT_NEEDED, "anna", "a prank\x00", second(30)
    )
    assert (closed.closed_by, closed.note, closed.closed_at) == ("anna", "a prank", second(30))
    with pytest.raises(CallbackClosed) as caught:
        await store.begin_attempt(task.task_id, BORIS, None, second(40))
    assert (caught.value.outcome, caught.value.closed_by) == ("not_needed", "anna")
    with pytest.raises(CallbackRefused):
        await store.close(task.task_id, CallbackOutcome.REACHED, "boris", "", second(50))
    assert await store.task(task.task_id) == closed


async def test_an_unknown_task_is_told(store: CallbackStore) -> None:
    with pytest.raises(CallbackUnknown):
        await store.begin_attempt(UNKNOWN, ANNA, None, second(1))
    with pytest.raises(CallbackUnknown):
        await store.close(UNKNOWN, CallbackOutcome.REACHED, "anna", "", second(1))
    assert await store.task(UNKNOWN) is None


async def test_a_citizen_who_calls_again_closes_the_task(store: CallbackStore) -> None:
    task = await store.open_task(gave_up())
    (closed,) = await store.called_again("29123456", contact_id("again"), second(60))
    assert (closed.task_id, closed.outcome) == (task.task_id, CallbackOutcome.CALLED_AGAIN)
    assert closed.closed_by is None
    assert await store.called_again(NUMBER, contact_id("again"), second(60)) == []
    assert await store.called_again("anonymous", contact_id("x"), second(60)) == []
    assert await store.open_tasks() == []


async def test_giving_up_again_opens_the_same_task_again(store: CallbackStore) -> None:
    task = await store.open_task(gave_up())
    await store.called_again(NUMBER, contact_id("again"), second(60))
    again = await store.open_task(gave_up("again", at=90))
    assert (again.task_id, again.state) == (task.task_id, CallbackState.OPEN)
    assert again.contacts == (contact_id("first"), contact_id("again"))
    # The same news a second time does not close it: it is one of the task's own contacts.
    assert await store.called_again(NUMBER, contact_id("again"), second(60)) == []


async def test_a_later_call_after_a_closed_task_makes_a_new_one(store: CallbackStore) -> None:
    task = await store.open_task(gave_up())
    await store.close(task.task_id, CallbackOutcome.REACHED, "anna", "", second(60))
    fresh = await store.open_task(gave_up("later", at=120))
    assert fresh.task_id != task.task_id
    assert await only(store) == fresh


async def test_a_contact_that_becomes_known_after_its_settlement_is_added_to_it(
    store: CallbackStore,
) -> None:
    task = await store.open_task(gave_up(at=10))
    await store.close(task.task_id, CallbackOutcome.REACHED, "anna", "", second(60))
    settled = await store.open_task(gave_up("unseen", at=30))
    assert (settled.task_id, settled.state) == (task.task_id, CallbackState.DONE)
    assert set(settled.contacts) == {contact_id("first"), contact_id("unseen")}
    assert await store.open_tasks() == []


async def test_unfiled_are_those_without_a_task_or_card(store: CallbackStore) -> None:
    filed, bare = gave_up("filed"), gave_up("bare", number=None, incident_id=None)
    missing, completed = gave_up("missing"), gave_up("bare", number=None)
    ours = gave_up("our own call", number="+37120000000")
    task = await store.open_task(filed)
    await store.open_task(bare)
    await store.begin_attempt(task.task_id, ANNA, ours.contact_id, second(5))
    assert await store.unfiled([filed, bare, missing, ours]) == [missing]
    assert await store.unfiled([completed]) == [completed]
    assert await store.unfiled([]) == []
    many = [gave_up(f"many {number}") for number in range(1_200)]
    assert await store.unfiled(many) == many


async def test_done_tasks_come_in_pages_last_closed_first(store: CallbackStore) -> None:
    for number in range(5):
        task = await store.open_task(gave_up(f"n{number}", number=f"+3712900000{number}"))
        # Two of them at the very same moment.
        at = second(100 + number // 2)
        await store.close(task.task_id, CallbackOutcome.NOT_NEEDED, "anna", "", at)
    seen: list[CallbackTask] = []
    cursor: str | None = None
    while page := await store.recent(2, cursor):
        seen += page
        cursor = page[-1].cursor
    assert len({task.task_id for task in seen}) == 5
    times = [task.closed_at for task in seen if task.closed_at]
    assert times == sorted(times, reverse=True)
    for nonsense in ("x", "~", "2026-01-01~x", "\x00~\x00", "9~9~9"):
        assert await store.recent(2, nonsense) == seen[:2]


async def test_recent_abandons_tell_whose_place_is_to_be_kept(store: CallbackStore) -> None:
    await store.open_task(gave_up("old", at=-900, number="+37120000001"))
    waiting = await store.open_task(gave_up("waiting", at=5, number="+37120000002"))
    await store.open_task(gave_up("nameless", at=6, number=None))
    await store.open_task(gave_up("back", at=7, number="+37120000003"))
    await store.called_again("+37120000003", contact_id("redial"), second(20))
    settled = await store.open_task(gave_up("settled", at=8, number="+37120000004"))
    await store.close(settled.task_id, CallbackOutcome.REACHED, "anna", "", second(30))
    first, second_one = await store.abandoned_recently(second(0) - timedelta(seconds=600))
    assert (first.contact_id, first.number) == (contact_id("waiting"), waiting.number)
    assert (first.arrived_at, first.abandoned_at) == (second(-15), second(5))
    assert (first.priority, first.queue, first.redialled_as) == (5, "emergency", None)
    assert second_one.redialled_as == contact_id("redial")


async def test_a_locked_writer_only_delays(store: CallbackStore, database: Database) -> None:
    go_on = threading.Event()

    def slow(_: Session) -> None:
        assert go_on.wait(20)

    blocked = asyncio.create_task(database.write(slow))
    opening = asyncio.create_task(store.open_task(gave_up()))
    await asyncio.sleep(0)
    go_on.set()
    await blocked
    assert (await opening).state is CallbackState.OPEN
