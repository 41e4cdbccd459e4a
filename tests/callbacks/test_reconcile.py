"""Nobody who gave up is forgotten, and nobody who was helped is called, whoever saw it.

All of it on SQLite and on PostgreSQL.
"""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver import db
from ccserver.callbacks import (
    AbandonedContact,
    AnsweredContact,
    AttemptOutcome,
    CallbackOutcome,
    CallbackState,
    CallbackStore,
    CallbackTask,
)
from ccserver.callbacks.reconcile import LOOK_BACK, Reconciler
from ccserver.db import Database, DatabaseUnavailable
from ccserver.types import ContactId
from tests.callbacks.samples import ANNA, NUMBER, FakeSource, contact_id, gave_up, second

NOW = second(3_600)


def nobody(_: ContactId) -> bool:
    return False


def answered(
    name: str, at: float, number: str = NUMBER, *, outbound: bool = False
) -> AnsweredContact:
    return AnsweredContact(contact_id(name), number, second(at), outbound)


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def reconciler(store: CallbackStore, source: FakeSource) -> Reconciler:
    return Reconciler(store, source)


async def test_a_card_without_a_task_gets_one_once(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    source.abandoned = [gave_up(), gave_up("second", at=5), gave_up("nameless", number=None)]
    for _ in range(3):
        await reconciler.reconcile(NOW, nobody)
    tasks = await store.open_tasks()
    assert sorted(len(task.contacts) for task in tasks) == [1, 2]


async def test_yesterday_is_left_to_the_cards(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    at = (NOW - second(0) - LOOK_BACK - timedelta(seconds=1)).total_seconds()
    source.abandoned = [gave_up(at=at)]
    await reconciler.reconcile(NOW, nobody)
    assert await store.open_tasks() == []


@pytest.mark.parametrize("outbound", [False, True])
async def test_who_has_been_talked_with_since_needs_no_task(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler, outbound: bool
) -> None:
    source.abandoned = [gave_up(at=10)]
    source.answered = [answered("later", 60, "29123456", outbound=outbound)]
    await reconciler.reconcile(NOW, nobody)
    assert await store.open_tasks() == []
    assert await store.recent(10) == []


async def test_a_conversation_before_giving_up_does_not_count(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    source.abandoned = [gave_up(at=10)]
    source.answered = [answered("before", 5), answered("another's", 60, "+37120000000")]
    await reconciler.reconcile(NOW, nobody)
    assert len(await store.open_tasks()) == 1


@pytest.mark.parametrize(
    ("outbound", "outcome"),
    [(False, CallbackOutcome.CALLED_AGAIN), (True, CallbackOutcome.REACHED)],
)
async def test_an_answer_that_nobody_saw_closes_the_task(
    store: CallbackStore,
    source: FakeSource,
    reconciler: Reconciler,
    outbound: bool,
    outcome: CallbackOutcome,
) -> None:
    await store.open_task(gave_up(at=10))
    source.answered = [answered("early", 5), answered("parachute", 60, outbound=outbound)]
    await reconciler.reconcile(NOW, nobody)
    (task,) = await store.recent(10)
    assert (task.outcome, task.closed_at) == (outcome, second(60))


async def test_the_answer_of_an_attempt_reaches_its_task_after_a_restart(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    task = await store.open_task(gave_up(at=10))
    await store.begin_attempt(task.task_id, ANNA, contact_id("call"), second(50))
    source.answered = [answered("call", 60, outbound=True)]
    await reconciler.reconcile(NOW, lambda _: True)
    assert (await store.open_tasks())[0].state is CallbackState.CALLING  # they still talk
    await reconciler.reconcile(NOW, nobody)
    (done,) = await store.recent(10)
    assert done.outcome is CallbackOutcome.REACHED
    assert done.attempts[0].outcome is AttemptOutcome.REACHED


async def test_late_news_of_an_answer_corrects_a_lost_attempt(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    task = await store.open_task(gave_up(at=10))
    await store.begin_attempt(task.task_id, ANNA, contact_id("call"), second(50))
    await store.finish_attempt(task.task_id, AttemptOutcome.NO_ANSWER, second(70))
    source.answered = [answered("call", 60, outbound=True)]
    await reconciler.reconcile(NOW, nobody)
    (done,) = await store.recent(10)
    assert (done.outcome, done.attempts[0].outcome) == ("reached", "reached")


async def test_our_own_unanswered_call_is_no_citizen_who_gave_up(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    task = await store.open_task(gave_up(at=10))
    await store.begin_attempt(task.task_id, ANNA, contact_id("call"), second(50))
    task = await store.finish_attempt(task.task_id, AttemptOutcome.NO_ANSWER, second(70))
    source.abandoned = [gave_up(at=10), gave_up("call", at=70)]
    await reconciler.reconcile(NOW, nobody)
    assert await store.open_tasks() == [task]


async def test_a_late_card_is_added_to_its_task(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    await store.open_task(gave_up(incident_id=None, card_number=None))
    source.abandoned = [gave_up()]
    await reconciler.reconcile(NOW, nobody)
    assert (await store.open_tasks())[0].incident_id == "incident-first"


async def test_cards_that_are_away_change_nothing(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    source.abandoned, source.away = [gave_up()], True
    with pytest.raises(DatabaseUnavailable):
        await reconciler.reconcile(NOW, nobody)
    assert await store.open_tasks() == []


async def test_one_card_that_cannot_be_kept_does_not_hide_the_others(
    store: CallbackStore,
    source: FakeSource,
    reconciler: Reconciler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source.abandoned = [gave_up("poison", number="+37120000001"), gave_up("good", at=5)]
    open_task = store.open_task

    async def picky(contact: AbandonedContact) -> CallbackTask:
        if contact.contact_id == contact_id("poison"):
            raise ValueError("a value that the database cannot hold")
        return await open_task(contact)

    monkeypatch.setattr(store, "open_task", picky)
    await reconciler.reconcile(NOW, nobody)
    (task,) = await store.open_tasks()
    assert task.contacts == (contact_id("good"),)


async def test_more_numbers_than_one_question_holds_are_asked_for_in_parts(
    store: CallbackStore, source: FakeSource, reconciler: Reconciler
) -> None:
    for number in range(1_001):
        source.abandoned.append(gave_up(f"n{number}", number=f"+3712{number:07d}"))
    source.answered = [answered(f"a{n}", 60, f"+3712{n:07d}") for n in range(1_001) if n != 700]
    await reconciler.reconcile(NOW, nobody)
    (task,) = await store.open_tasks()
    assert task.number == "+37120000700"


Happening = tuple[str, int]
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["abandoned", "answered", "seen", "reconcile"]), st.integers(0, 2)),
    max_size=12,
)


async def test_after_any_history_exactly_those_not_helped_have_a_task(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What the live part saw or missed makes no difference once the cards were read."""
    folder = tmp_path_factory.mktemp("histories")
    url = f"sqlite:///{folder}/callbacks.db"
    db.upgrade(url)
    database = Database(url, request_timeout_s=20)
    loop = asyncio.get_running_loop()
    runs = iter(range(1_000_000))

    async def run(history: list[Happening]) -> None:
        prefix = next(runs)
        store, source = CallbackStore(database), FakeSource()
        reconciler = Reconciler(store, source)
        last: dict[str, str] = {}
        for at, (what, caller) in enumerate(history, start=1):
            number = f"+1{prefix:08d}{caller}"
            if what == "reconcile":
                await reconciler.reconcile(NOW, nobody)
            elif what == "answered":
                source.answered.append(answered(f"{prefix} {at}", at, number))
                last[number] = "answered"
            else:
                contact = gave_up(f"{prefix} {at}", at=at, number=number)
                source.abandoned.append(contact)
                if what == "seen":
                    await store.open_task(contact)
                last[number] = "abandoned"
        await reconciler.reconcile(NOW, nobody)
        tasks = {task.number for task in await store.open_tasks()}
        assert tasks == {number for number, what in last.items() if what == "abandoned"}
        for task in await store.open_tasks():
            await store.close(task.task_id, CallbackOutcome.NOT_NEEDED, "anna", "", NOW)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(HAPPENINGS)
    def check(history: list[Happening]) -> None:
        asyncio.run_coroutine_threadsafe(run(history), loop).result(60)

    await asyncio.to_thread(check)
    await database.close()
