"""The live call-back desk: who is next, who calls, and what the panels are shown."""

import asyncio
import json

import pytest

from ccserver.callbacks import (
    AttemptOutcome,
    CallbackClosed,
    CallbackNotDialable,
    CallbackOutcome,
    CallbackSettings,
    CallbackState,
    CallbackStore,
    CallbackTaken,
    CallbackUnknown,
)
from ccserver.callbacks import desk as desk_module
from ccserver.types import ContactId
from tests.callbacks.centre import CALL, UNKNOWN, Centre, until
from tests.callbacks.samples import ANNA, BORIS, NUMBER, START, contact_id, gave_up, second

# -- the list -------------------------------------------------------------------------------------


async def test_who_gives_up_is_shown_to_every_panel(centre: Centre) -> None:
    task = await centre.gave_up()
    assert centre.messages == [
        {
            "type": "callback",
            "task": {
                "task_id": task.task_id,
                "kind": "abandoned",
                "number": NUMBER,
                "dialable": True,
                "incident_id": "incident-first",
                "card_number": "2026-000001",
                "contact_id": contact_id("first"),
                "contacts": [contact_id("first")],
                "created_at": "2026-03-01T12:00:00.250Z",
                "last_abandoned_at": "2026-03-01T12:00:00.250Z",
                "queue": "emergency",
                "priority": 5,
                "state": "open",
                "attempts": [],
                "next_attempt_at": None,
                "exhausted": False,
                "outcome": None,
                "closed_at": None,
                "closed_by": None,
                "note": "",
            },
        }
    ]
    assert centre.desk.snapshot() == [centre.messages[0]["task"]]
    assert centre.desk.open_count == 1


async def test_the_list_is_in_order_and_comes_in_pages(centre: Centre) -> None:
    for name, at, priority in (("c", 30, 5), ("a", 10, 5), ("b", 20, 9), ("d", 30, 5)):
        await centre.gave_up(
            gave_up(name, at=at, priority=priority, number=f"+3712000000{ord(name) % 10}")
        )
    whole = await centre.desk.page(done=False, limit=100, before=None)
    assert [task["contact_id"] for task in whole.tasks[:2]] == [contact_id("b"), contact_id("a")]
    assert whole.next_cursor is None
    seen: list[object] = []
    cursor: str | None = None
    for _ in range(3):
        page = await centre.desk.page(done=False, limit=2, before=cursor)
        seen += [task["task_id"] for task in page.tasks]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == centre.shown
    for nonsense in ("x", "~~", "5~2026-01-01~x", "a~b~c", "5~\ud800~x"):
        page = await centre.desk.page(done=False, limit=100, before=nonsense)
        assert page.tasks == whole.tasks


async def test_done_tasks_are_found_in_the_database(centre: Centre) -> None:
    task = await centre.gave_up()
    closed = await centre.desk.close(
        task.task_id, CallbackOutcome.NOT_NEEDED, by="anna", note="prank"
    )
    assert (closed["outcome"], closed["closed_by"], closed["note"]) == (
        "not_needed",
        "anna",
        "prank",
    )
    page = await centre.desk.page(done=True, limit=1, before=None)
    assert page.tasks == [closed]
    assert (await centre.desk.page(done=True, limit=1, before=page.next_cursor)).tasks == []
    assert centre.messages[-1] == {"type": "callback_gone", "task_id": task.task_id}
    assert centre.shown == []


# -- calling --------------------------------------------------------------------------------------


async def test_one_click_calls_and_an_answer_closes(centre: Centre) -> None:
    task = await centre.gave_up()
    assert await centre.desk.call(task.task_id, ANNA) == CALL
    assert centre.placed == [(ANNA, NUMBER, "incident-first", task.task_id)]
    shown = centre.last()
    assert shown["state"] == "calling"
    assert shown["attempts"] == [
        {
            "at": "2026-03-01T12:00:00.250Z",
            "agent_id": ANNA,
            "agent_name": "Anna",
            "outcome": None,
            "reason": None,
            "contact_id": CALL,
        }
    ]
    assert (await centre.kept(task.task_id)).current is not None
    centre.seconds = 60
    centre.ended(answered=True)
    assert centre.messages[-1] == {"type": "callback_gone", "task_id": task.task_id}
    kept = await centre.kept(task.task_id)
    assert (kept.outcome, kept.closed_at) == (CallbackOutcome.REACHED, second(60))
    (attempt,) = kept.attempts
    assert (attempt.contact_id, attempt.outcome) == (CALL, AttemptOutcome.REACHED)


async def test_of_two_clicks_at_once_one_calls(centre: Centre) -> None:
    task = await centre.gave_up()
    results = await asyncio.gather(
        centre.desk.call(task.task_id, ANNA),
        centre.desk.call(task.task_id, BORIS),
        return_exceptions=True,
    )
    assert results[0] == CALL
    assert isinstance(results[1], CallbackTaken)
    assert (results[1].agent_id, results[1].agent_name) == (ANNA, "Anna")
    assert len(centre.placed) == 1


async def test_a_task_taken_by_another_process_is_shown_as_it_is(centre: Centre) -> None:
    task = await centre.gave_up()
    await CallbackStore(centre.database).begin_attempt(task.task_id, BORIS, None, second(1))
    with pytest.raises(CallbackTaken) as caught:
        await centre.desk.call(task.task_id, ANNA)
    assert caught.value.agent_id == BORIS
    assert centre.placed == []
    assert centre.last()["state"] == "calling"
    assert len((await centre.kept(task.task_id)).attempts) == 1


async def test_a_task_done_by_another_process_goes(centre: Centre) -> None:
    task = await centre.gave_up()
    await CallbackStore(centre.database).close(
        task.task_id, CallbackOutcome.NOT_NEEDED, "boris", "", second(1)
    )
    with pytest.raises(CallbackClosed):
        await centre.desk.call(task.task_id, ANNA)
    assert centre.shown == []
    with pytest.raises(CallbackClosed) as caught:
        await centre.desk.call(task.task_id, ANNA)
    assert caught.value.closed_by == "boris"


async def test_what_cannot_be_called_is_refused(centre: Centre) -> None:
    task = await centre.gave_up(gave_up(number=None))
    with pytest.raises(CallbackNotDialable):
        await centre.desk.call(task.task_id, ANNA)
    with pytest.raises(CallbackUnknown):
        await centre.desk.call(UNKNOWN, ANNA)
    assert centre.last()["state"] == "open"
    assert centre.placed == []


async def test_no_answer_is_repeated_later_and_then_left_to_a_supervisor(centre: Centre) -> None:
    centre.desk.configure(CallbackSettings(automatic=True, attempts_max=2, retry_after_s=300))
    task = await centre.gave_up()
    for number in range(2):
        offered = centre.desk.next_automatic()
        assert offered is not None
        assert offered.task_id == task.task_id
        await centre.desk.call(task.task_id, ANNA)
        assert centre.desk.next_automatic() is None
        centre.ended(answered=False)
        shown = centre.last()
        assert (shown["state"], shown["exhausted"]) == ("open", number == 1)
        assert centre.desk.next_automatic() is None
        centre.seconds += 300
    assert centre.desk.next_automatic() is None
    assert centre.shown == [task.task_id]
    # A person may still call, whatever the machine has given up.
    await centre.desk.call(task.task_id, BORIS)
    assert len((await centre.kept(task.task_id)).attempts) == 3


async def test_changed_settings_take_effect_at_once(centre: Centre) -> None:
    task = await centre.gave_up()
    await centre.desk.call(task.task_id, ANNA)
    centre.ended(answered=False)
    assert centre.last()["exhausted"] is False
    centre.desk.configure(CallbackSettings(attempts_max=1))
    assert centre.last()["exhausted"] is True
    count = len(centre.messages)
    centre.desk.configure(CallbackSettings(attempts_max=1))
    assert len(centre.messages) == count


async def test_a_call_that_is_refused_was_no_attempt(centre: Centre) -> None:
    task = await centre.gave_up()

    async def refuse() -> ContactId:
        raise RuntimeError("no trunk")

    centre.place = refuse
    with pytest.raises(RuntimeError, match="no trunk"):
        await centre.desk.call(task.task_id, ANNA)
    assert (centre.last()["state"], centre.last()["attempts"]) == ("open", [])
    kept = await centre.kept(task.task_id)
    assert (kept.state, kept.attempts) == (CallbackState.OPEN, ())
    centre.place = None
    assert await centre.desk.call(task.task_id, ANNA) == CALL


async def test_telephony_that_hangs_does_not_keep_the_task(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "PLACE_TIMEOUT_S", 0.01)
    task = await centre.gave_up()

    async def hang() -> ContactId:
        await asyncio.Event().wait()
        raise AssertionError

    centre.place = hang
    with pytest.raises(TimeoutError):
        await centre.desk.call(task.task_id, ANNA)
    assert centre.last()["state"] == "open"
    kept = await centre.kept(task.task_id)
    assert [one.outcome for one in kept.attempts] == [AttemptOutcome.FAILED]


async def test_a_browser_that_goes_away_does_not_undo_the_call(centre: Centre) -> None:
    task = await centre.gave_up()
    placing, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> ContactId:
        placing.set()
        await go_on.wait()
        return CALL

    centre.place = slow
    asking = asyncio.create_task(centre.desk.call(task.task_id, ANNA))
    await placing.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert centre.last()["state"] == "calling"
    go_on.set()
    await until(lambda: CALL in json.dumps(centre.last()))
    centre.ended(answered=True)
    assert (await centre.kept(task.task_id)).outcome is CallbackOutcome.REACHED


async def test_a_contact_that_ends_before_its_id_is_known_is_not_missed(centre: Centre) -> None:
    task = await centre.gave_up()

    async def quick() -> ContactId:
        centre.desk.contact_finished(CALL, answered=False, dialled=False)
        return CALL

    centre.place = quick
    await centre.desk.call(task.task_id, ANNA)
    kept = await centre.kept(task.task_id)
    assert (kept.state, kept.attempts[0].outcome) == (CallbackState.OPEN, AttemptOutcome.FAILED)
    assert centre.last()["state"] == "open"


async def test_other_contacts_are_nothing_to_the_desk(centre: Centre) -> None:
    await centre.gave_up()
    count = len(centre.messages)
    centre.desk.contact_finished(contact_id("other"), answered=True)
    centre.desk.contact_accepted(contact_id("other"), ANNA)
    centre.desk.citizen_called("+37120000000", contact_id("other"))
    centre.desk.citizen_called(None, contact_id("other"))
    assert await centre.desk.drain(10)
    assert len(centre.messages) == count


# -- in line --------------------------------------------------------------------------------------


async def test_the_best_task_is_put_in_line_one_at_a_time(centre: Centre) -> None:
    low = await centre.gave_up(gave_up("low", at=1, priority=1, number="+37120000001"))
    high = await centre.gave_up(gave_up("high", at=2, priority=8, number="+37120000002"))
    await centre.gave_up(gave_up("nameless", at=0, priority=9, number=None))
    assert centre.desk.next_automatic() is None  # only where it is wanted
    centre.desk.configure(CallbackSettings(automatic=True))
    offered = centre.desk.next_automatic(START)
    assert offered is not None
    assert offered.task_id == high.task_id
    centre.desk.begin_automatic(high.task_id, CALL)
    assert centre.desk.next_automatic() is None
    with pytest.raises(CallbackTaken) as caught:
        await centre.desk.call(high.task_id, ANNA)
    assert caught.value.agent_id is None
    centre.desk.contact_accepted(CALL, ANNA)
    shown = centre.last()["attempts"]
    assert isinstance(shown, list)
    assert (shown[0]["agent_id"], shown[0]["agent_name"]) == (ANNA, "Anna")
    following = centre.desk.next_automatic()
    assert following is not None
    assert following.task_id == low.task_id
    centre.seconds = 60
    centre.ended(answered=True)
    kept = await centre.kept(high.task_id)
    assert kept.outcome is CallbackOutcome.REACHED
    assert (kept.attempts[0].agent_id, kept.attempts[0].automatic) == (ANNA, True)
    with pytest.raises(CallbackUnknown):
        centre.desk.begin_automatic(high.task_id, CALL)


async def test_a_contact_in_line_is_withdrawn_when_the_citizen_calls(centre: Centre) -> None:
    task = await centre.gave_up()
    centre.desk.configure(CallbackSettings(automatic=True))
    centre.desk.begin_automatic(task.task_id, CALL)
    centre.seconds = 30
    centre.desk.citizen_called(NUMBER, contact_id("again"))
    kept = await centre.kept(task.task_id)
    assert kept.outcome is CallbackOutcome.CALLED_AGAIN
    assert centre.withdrawn == [CALL]
    centre.ended(answered=False, dialled=False)  # told or not, it is over
    kept = await centre.kept(task.task_id)
    assert (kept.state, kept.attempts[0].outcome) == (CallbackState.DONE, AttemptOutcome.FAILED)


# -- the citizen calls again ----------------------------------------------------------------------


async def test_a_citizen_who_calls_again_is_taken_off_the_list(centre: Centre) -> None:
    task = await centre.gave_up()
    centre.seconds = 30
    centre.desk.citizen_called("29123456", contact_id("again"))
    assert await centre.desk.drain(10)
    assert centre.messages[-1] == {"type": "callback_gone", "task_id": task.task_id}
    again = await centre.gave_up(gave_up("again", at=60))
    assert again.task_id == task.task_id
    assert centre.shown == [task.task_id]
    assert centre.last()["contacts"] == [contact_id("first"), contact_id("again")]


async def test_news_in_quick_succession_keeps_its_order(centre: Centre) -> None:
    centre.store.away = True
    centre.desk.contact_abandoned(gave_up())
    centre.desk.citizen_called(NUMBER, contact_id("again"), second(10))
    centre.desk.contact_abandoned(gave_up("again", at=20))
    centre.desk.citizen_called(NUMBER, contact_id("third"), second(30))
    centre.store.away = False
    assert await centre.desk.drain(10)
    assert centre.shown == []
    (task,) = await centre.store.recent(10)
    assert (len(task.contacts), task.outcome) == (2, CallbackOutcome.CALLED_AGAIN)
