"""What the cards tell of a call-back: every step once, whatever is repeated, lost or restarted."""

from dataclasses import replace

import pytest

from ccserver.callbacks import (
    AttemptOutcome,
    CallbackDesk,
    CallbackId,
    CallbackOutcome,
    CallbackSettings,
    CallbackStep,
    CallbackStore,
    CallbackTask,
    StepKind,
    states,
)
from ccserver.callbacks import story as story_module
from ccserver.callbacks.story import Storyteller, story
from ccserver.types import AgentId, ContactId, IncidentId
from tests.callbacks.samples import ANNA, NUMBER, FakeSource, contact_id, gave_up, second
from tests.callbacks.test_states import DONE, OPEN, attempt

SETTINGS = CallbackSettings(attempts_max=2)
FIRST = contact_id("first")
K = StepKind


def kinds(task: CallbackTask) -> list[StepKind]:
    return [step.kind for step in story(task, SETTINGS)]


# -- the story of one task ------------------------------------------------------------------------


def test_an_attempt_is_told_when_telephony_has_named_its_contact() -> None:
    begun = states.begun(OPEN, replace(attempt(), contact_id=None))
    assert kinds(begun) == [K.OPENED], "the seat may still refuse it"
    named = states.detailed(begun, "a", contact_id=contact_id("call"))
    assert kinds(named) == [K.OPENED, K.TAKEN]
    (_, taken) = story(named, SETTINGS)
    assert (taken.contact_id, taken.agent_id, taken.at) == (FIRST, ANNA, second(10))


def test_an_attempt_that_ends_says_how_and_why() -> None:
    task = states.finished(
        states.begun(OPEN, attempt()), "a", AttemptOutcome.NO_ANSWER, second(20), reason="busy"
    )
    *_, ended = story(task, SETTINGS)
    assert (ended.kind, ended.at, ended.agent_id) == (K.ENDED, second(20), ANNA)
    assert ended.data == {"attempt": "no_answer", "reason": "busy"}


def test_an_attempt_in_line_is_told_as_such() -> None:
    lined_up = states.begun(OPEN, replace(attempt(), automatic=True, agent_id=None))
    assert kinds(lined_up) == [K.OPENED, K.LINED_UP]
    accepted = states.detailed(lined_up, "a", agent_id=ANNA)
    assert kinds(accepted) == [K.OPENED, K.LINED_UP], "the placed contact tells who took it"


def test_a_late_answer_is_told_beside_the_earlier_end() -> None:
    lost = states.finished(states.begun(OPEN, attempt()), "a", AttemptOutcome.NO_ANSWER, second(20))
    reached = states.finished(lost, "a", AttemptOutcome.REACHED, second(30))
    keys = {step.key for task in (lost, reached) for step in story(task, SETTINGS)}
    assert len([key for key in keys if key.startswith("callback-ended-a")]) == 2


def test_an_exhausted_task_says_so_once_for_each_wish_to_be_helped() -> None:
    task = OPEN
    for number in range(3):
        task = states.begun(task, attempt(str(number), 10 + number))
        task = states.finished(task, str(number), AttemptOutcome.NO_ANSWER, second(10.5 + number))
    keys = [step.key for step in story(task, SETTINGS) if step.kind is K.EXHAUSTED]
    assert len(keys) == 1
    again = states.abandoned(task, gave_up("again", 100))
    assert K.EXHAUSTED not in kinds(again)


def test_a_closing_by_hand_names_who_and_why() -> None:
    task = states.closed(OPEN, CallbackOutcome.NOT_NEEDED, "anna", "a child", second(5))
    *_, closed = story(task, SETTINGS)
    assert (closed.kind, closed.author, closed.at) == (K.CLOSED, "anna", second(5))
    assert (closed.data["outcome"], closed.data["note"]) == ("not_needed", "a child")


def test_a_citizen_who_called_again_is_told_on_both_cards() -> None:
    known = replace(OPEN, card_number="2026-000001")
    task = states.called_again(known, contact_id("second"), second(9))
    closed = [step for step in story(task, SETTINGS) if step.kind is K.CLOSED]
    assert [step.contact_id for step in closed] == [FIRST, contact_id("second")]
    assert "card" not in closed[0].data
    assert closed[0].data["by_contact"] == contact_id("second")
    assert closed[1].data["card"] == "2026-000001"


def test_every_card_of_the_citizen_leads_to_the_first_and_their_number_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(story_module, "CARDS_TOLD_MAX", 3)
    task = replace(OPEN, card_number="2026-000001")
    for number in range(6):
        task = states.abandoned(task, gave_up(f"more-{number}", 10 + number))
    opened = [step for step in story(task, SETTINGS) if step.kind is K.OPENED]
    more = [contact_id(f"more-{number}") for number in (3, 4, 5)]
    assert [step.contact_id for step in opened] == [FIRST, *more]
    assert {step.data.get("card") for step in opened[1:]} == {"2026-000001"}


def test_a_task_without_contacts_has_no_card_to_tell_on() -> None:
    assert kinds(replace(DONE, contacts=())) == []


def test_keys_and_codes_fit_into_a_timeline() -> None:
    long = states.begun(OPEN, replace(attempt("x" * 36), automatic=True))
    long = states.finished(long, "x" * 36, AttemptOutcome.NO_ANSWER, second(20))
    done = states.called_again(replace(long, task_id=OPEN.task_id), contact_id("s"), second(30))
    assert all(len(step.key) <= 128 for step in story(done, SETTINGS))


def test_what_was_told_is_not_told_again_while_it_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[CallbackStep] = []
    teller = Storyteller(told.append)
    for _ in range(3):
        teller.tell(DONE, SETTINGS)
    assert [step.kind for step in told] == [K.OPENED, K.CLOSED]
    monkeypatch.setattr(story_module, "REMEMBERED_MAX", 1)
    teller.tell(replace(OPEN, task_id=CallbackId("other")), SETTINGS)
    teller.tell(DONE, SETTINGS)
    assert len(told) == 5, "forgotten, so told once more; the keys bear that"


# -- the desk tells it, over each kind of database -------------------------------------------------


class World:
    """A desk over a database; its steps as a timeline would keep them."""

    def __init__(self, store: CallbackStore) -> None:
        self.store = store
        self.told: list[CallbackStep] = []
        self.alive: set[object] = set()
        self.seconds = 0.0
        self.restart()

    def restart(self) -> None:
        self.desk = CallbackDesk(
            self.store,
            FakeSource(),
            place_call=self.place_call,
            publish=lambda _: None,
            now=lambda: second(self.seconds),
            alive=lambda contact: contact in self.alive,
            tell=self.told.append,
            settings=CallbackSettings(attempts_max=1),
        )

    async def place_call(
        self, agent_id: AgentId, number: str, incident_id: IncidentId | None, task_id: CallbackId
    ) -> ContactId:
        self.alive.add(contact_id("call"))
        return contact_id("call")

    @property
    def kinds(self) -> list[str]:
        return [step.kind.value for step in self.told]

    @property
    def kept(self) -> set[tuple[str, str]]:
        return {(step.contact_id, step.key) for step in self.told}


@pytest.fixture
async def world(store: CallbackStore) -> World:
    world = World(store)
    world.desk.contact_abandoned(gave_up())
    assert await world.desk.drain(30)
    await world.desk.reconcile()
    return world


async def test_a_whole_call_back_is_told_in_its_order(world: World) -> None:
    (task,) = await world.store.open_tasks()
    world.seconds = 10
    await world.desk.call(task.task_id, ANNA)
    world.alive.clear()
    world.seconds = 20
    world.desk.contact_finished(contact_id("call"), answered=False, reason="busy")
    assert await world.desk.drain(30)
    world.desk.citizen_called(NUMBER, contact_id("second"), second(30))
    assert await world.desk.drain(30)
    assert world.kinds == ["opened", "taken", "ended", "exhausted", "closed", "closed"]
    assert [step.at for step in world.told] == [
        second(0),
        second(10),
        *[second(20)] * 2,
        *[second(30)] * 2,
    ]
    kept = await world.store.task(task.task_id)
    assert kept is not None
    assert kept.attempts[0].reason == "busy"


async def test_a_restart_tells_what_may_have_been_lost_under_the_same_keys(world: World) -> None:
    (task,) = await world.store.open_tasks()
    await world.desk.close(task.task_id, CallbackOutcome.NOT_NEEDED, by="anna", note="")
    kept = world.kept
    world.desk.contact_abandoned(gave_up("later", 100))
    assert await world.desk.drain(30)
    both = world.kept
    world.told.clear()
    world.restart()
    await world.desk.reconcile()
    assert world.kept == both >= kept
    world.told.clear()
    await world.desk.reconcile()
    assert world.told == [], "once for each process"


async def test_settings_that_exhaust_a_task_are_told(world: World) -> None:
    world.desk.configure(CallbackSettings(attempts_max=5))
    (task,) = await world.store.open_tasks()
    await world.desk.call(task.task_id, ANNA)
    world.desk.contact_finished(contact_id("call"), answered=False)
    assert await world.desk.drain(30)
    assert "exhausted" not in world.kinds
    world.desk.configure(CallbackSettings(attempts_max=1))
    assert world.kinds[-1] == "exhausted"
