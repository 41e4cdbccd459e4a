"""No outage of the database, no restart and no lost news loses a call-back or makes one twice."""

import asyncio

import pytest

from ccserver.callbacks import (
    AnsweredContact,
    AttemptOutcome,
    CallbackOutcome,
    CallbackSettings,
    CallbackState,
    CallbackStore,
    CallbackTaken,
    CallbackTask,
)
from ccserver.callbacks import desk as desk_module
from ccserver.callbacks.values import FAILURES_ALARM
from tests.callbacks.centre import CALL, Centre, until
from tests.callbacks.samples import ANNA, BORIS, NUMBER, contact_id, gave_up, second


async def test_a_database_that_is_away_delays_and_loses_nothing(centre: Centre) -> None:
    task = await centre.gave_up()
    centre.store.away = True
    assert await centre.desk.call(task.task_id, ANNA) == CALL
    assert centre.last()["state"] == "calling"
    with pytest.raises(CallbackTaken):
        await centre.desk.call(task.task_id, BORIS)
    centre.seconds = 40
    centre.ended(answered=False)
    assert centre.last()["state"] == "open"
    centre.seconds = 400
    assert await centre.desk.call(task.task_id, BORIS) == CALL
    centre.seconds = 460
    centre.ended(answered=True)
    assert centre.shown == []
    centre.desk.contact_abandoned(gave_up("other", number="+37120000000"))
    centre.store.away = False
    kept = await centre.kept(task.task_id)
    assert [one.outcome for one in kept.attempts] == [
        AttemptOutcome.NO_ANSWER,
        AttemptOutcome.REACHED,
    ]
    assert [one.begun_at for one in kept.attempts] == [second(0), second(400)]
    assert (kept.outcome, kept.closed_at) == (CallbackOutcome.REACHED, second(460))
    assert len(centre.shown) == 1


async def test_a_database_that_hangs_holds_up_no_call(centre: Centre) -> None:
    task = await centre.gave_up()
    centre.desk._begin_timeout_s = 0.01
    centre.store.stuck = asyncio.Event()
    assert await centre.desk.call(task.task_id, ANNA) == CALL
    centre.store.stuck.set()
    assert (await centre.kept(task.task_id)).attempts[0].contact_id == CALL


async def test_an_attempt_made_during_an_outage_is_recorded_on_a_task_done_meanwhile(
    centre: Centre,
) -> None:
    task = await centre.gave_up()
    await CallbackStore(centre.database).close(
        task.task_id, CallbackOutcome.NOT_NEEDED, "boris", "", second(1)
    )
    centre.store.away = True
    await centre.desk.call(task.task_id, ANNA)
    centre.ended(answered=True)
    centre.store.away = False
    kept = await centre.kept(task.task_id)
    assert (kept.outcome, kept.attempts[0].outcome) == ("not_needed", AttemptOutcome.REACHED)
    assert centre.shown == []


async def test_tasks_are_there_again_after_a_restart(centre: Centre) -> None:
    task = await centre.gave_up()
    centre.restart()
    assert centre.shown == []
    await centre.desk.reconcile()
    assert centre.shown == [task.task_id]


async def test_a_conversation_that_outlives_us_still_closes_its_task(centre: Centre) -> None:
    task = await centre.gave_up()
    await centre.desk.call(task.task_id, ANNA)
    assert await centre.desk.drain(10)
    centre.restart()
    centre.desk.telephony_known()
    await centre.desk.reconcile()
    assert centre.last()["state"] == "calling"
    centre.ended(answered=True)
    assert (await centre.kept(task.task_id)).outcome is CallbackOutcome.REACHED


@pytest.mark.parametrize("automatic", [False, True])
@pytest.mark.parametrize("dialled", [False, True])
async def test_an_attempt_whose_contact_did_not_live_on_is_over(
    centre: Centre, automatic: bool, dialled: bool
) -> None:
    """It counts as an attempt only if the cards tell that the citizen was dialled."""
    centre.source.dialled = {CALL} if dialled else set()
    task = await centre.gave_up()
    if automatic:
        centre.desk.begin_automatic(task.task_id, CALL)
    else:
        await centre.desk.call(task.task_id, ANNA)
    assert await centre.desk.drain(10)
    centre.alive.clear()
    centre.restart()
    await centre.desk.reconcile()
    assert centre.last()["state"] == "calling"  # nobody has looked into Asterisk yet
    centre.desk.telephony_known()
    await centre.desk.reconcile()
    assert centre.last()["state"] == "open"
    expected = AttemptOutcome.NO_ANSWER if dialled else AttemptOutcome.FAILED
    assert (await centre.kept(task.task_id)).attempts[0].outcome is expected


async def test_an_attempt_of_a_process_that_died_while_placing_it_is_over(centre: Centre) -> None:
    task = await centre.gave_up()
    await centre.store.begin_attempt(task.task_id, ANNA, None, second(1))
    centre.restart()
    centre.desk.telephony_known()
    await centre.desk.reconcile()
    assert (await centre.kept(task.task_id)).state is CallbackState.OPEN


async def test_an_own_attempt_is_given_up_only_when_missing_twice(centre: Centre) -> None:
    task = await centre.gave_up()
    centre.desk.telephony_known()
    await centre.desk.call(task.task_id, ANNA)
    centre.alive.clear()
    await centre.desk.reconcile()
    assert centre.last()["state"] == "calling"
    assert await centre.desk.drain(10)
    await centre.desk.reconcile()
    assert centre.last()["state"] == "open"
    assert (await centre.kept(task.task_id)).attempts[0].outcome is AttemptOutcome.FAILED


async def test_call_takers_who_take_nothing_never_exhaust_a_task_but_raise_an_alarm(
    centre: Centre,
) -> None:
    centre.desk.configure(CallbackSettings(automatic=True, attempts_max=1))
    task = await centre.gave_up()
    for number in range(12):
        centre.seconds += 600
        assert centre.desk.next_automatic() is not None, f"offered after {number} failures"
        centre.desk.begin_automatic(task.task_id, CALL)
        centre.alive.add(CALL)
        centre.ended(answered=False, dialled=False)
        assert centre.desk.stuck is (number >= FAILURES_ALARM - 1)
    assert centre.last()["exhausted"] is False
    centre.seconds += 600
    centre.desk.begin_automatic(task.task_id, CALL)
    centre.ended(answered=False)
    assert (centre.last()["exhausted"], centre.desk.stuck) == (True, False)


async def test_a_fault_on_the_way_to_the_citizen_is_no_attempt(centre: Centre) -> None:
    task = await centre.gave_up()
    await centre.desk.call(task.task_id, ANNA)
    centre.alive.clear()
    centre.desk.contact_finished(CALL, answered=False, dialled=True, reason="failed")
    assert (await centre.kept(task.task_id)).attempts[0].outcome is AttemptOutcome.FAILED


async def test_what_nobody_saw_comes_from_the_cards_while_it_runs(centre: Centre) -> None:
    centre.source.abandoned = [gave_up()]
    centre.source.away = True
    running = asyncio.create_task(centre.desk.run())
    await until(lambda: centre.source.asked >= 3)
    assert centre.shown == []
    centre.source.away = False
    await until(lambda: bool(centre.shown))
    centre.source.answered = [AnsweredContact(contact_id("parachute"), NUMBER, second(60))]
    await until(lambda: not centre.shown)
    assert centre.messages[-1]["type"] == "callback_gone"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_caller_whom_only_the_cards_know_is_looked_for_at_once(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_ever(_: float) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(centre.desk._looks, "_pause", for_ever)
    running = asyncio.create_task(centre.desk.run())
    await until(lambda: centre.source.asked == 1)
    centre.source.abandoned = [gave_up()]
    centre.desk.look_again()
    centre.desk.look_again()
    await until(lambda: bool(centre.shown))
    assert centre.source.asked == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_old_reading_does_not_bring_a_closed_task_back(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await centre.gave_up()
    old = await centre.store.open_tasks()

    async def slow_read() -> list[CallbackTask]:
        return old

    await centre.desk.close(task.task_id, CallbackOutcome.NOT_NEEDED, by="anna")

    monkeypatch.setattr(centre.store, "open_tasks", slow_read)
    await centre.desk.reconcile()
    assert centre.shown == []
    assert [message["type"] for message in centre.messages] == ["callback", "callback_gone"]


async def test_a_write_that_will_never_be_done_does_not_hide_the_task(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await centre.gave_up()
    await centre.desk.call(task.task_id, ANNA)
    assert await centre.desk.drain(10)

    async def broken(*_: object, **__: object) -> CallbackTask:
        raise ValueError("a bug of ours")

    with monkeypatch.context() as patched:
        patched.setattr(centre.store, "finish_attempt", broken)
        centre.ended(answered=True)
        assert await centre.desk.drain(10)
    assert centre.shown == []
    await centre.desk.reconcile()
    assert centre.shown == [task.task_id]


async def test_a_panel_that_connects_gets_a_bounded_list(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "SNAPSHOT_MAX", 3)
    for number in range(5):
        await centre.gave_up(gave_up(f"n{number}", at=number, number=f"+3712000000{number}"))
    assert len(centre.desk.snapshot()) == 3
    assert centre.desk.open_count == 5
