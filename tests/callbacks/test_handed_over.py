"""A car that a maker's centre hands over stands among the call-backs until somebody takes it."""

from ccserver.callbacks import (
    AbandonedContact,
    AnsweredContact,
    CallbackId,
    CallbackKind,
    CallbackOutcome,
    CallbackSettings,
    CallbackStore,
)
from ccserver.callbacks.reconcile import Reconciler
from tests.callbacks.centre import CALL, Centre
from tests.callbacks.samples import ANNA, NUMBER, START, FakeSource, contact_id, gave_up, second


def handed_over(name: str = "car", at: float = 0, **changes: object) -> AbandonedContact:
    kind = CallbackKind.HANDED_OVER
    return gave_up(name, at, **({"kind": kind, "queue": "api", "priority": 6} | changes))


async def test_a_car_that_is_handed_over_stands_until_somebody_takes_it(centre: Centre) -> None:
    centre.source.abandoned = [handed_over()]
    await centre.desk.reconcile()
    (shown,) = centre.desk.snapshot()
    assert (shown["kind"], shown["number"], shown["dialable"]) == ("handed_over", NUMBER, True)
    assert centre.desk.unattended
    centre.restart()
    await centre.desk.reconcile()
    assert centre.desk.unattended
    task_id = CallbackId(str(shown["task_id"]))
    await centre.desk.call(task_id, ANNA)
    assert not centre.desk.unattended  # somebody is on the way to it
    centre.desk.contact_finished(CALL, answered=False)
    assert centre.desk.unattended
    await centre.desk.drain(5)
    await centre.desk.close(task_id, CallbackOutcome.NOT_NEEDED, by="anna")
    assert not centre.desk.unattended
    await centre.desk.reconcile()
    assert centre.desk.snapshot() == []


async def test_cars_of_one_centre_and_its_calls_hide_nothing(centre: Centre) -> None:
    """The number may be that of the maker's centre, which hands over many cars."""
    centre.source.abandoned = [handed_over(), handed_over("other", at=1), gave_up("caller", at=2)]
    centre.source.answered = [AnsweredContact(contact_id("talk"), NUMBER, second(9))]
    await centre.desk.reconcile()
    kinds = [task["kind"] for task in centre.desk.snapshot()]
    assert kinds == ["handed_over", "handed_over"]  # with the caller was talked since
    centre.desk.citizen_called(NUMBER, contact_id("again"))
    await centre.desk.drain(5)
    await centre.desk.reconcile()
    assert centre.desk.open_count == 2
    assert await centre.desk.abandoned_recently(START) == []


async def test_a_car_that_is_handed_over_is_put_in_line_before_who_gave_up(centre: Centre) -> None:
    centre.desk.configure(CallbackSettings(automatic=True))
    centre.source.abandoned = [gave_up("caller"), handed_over(at=30, number="+37120000007")]
    await centre.desk.reconcile()
    best = centre.desk.next_automatic()
    assert best is not None
    assert (best.kind, best.number) == (CallbackKind.HANDED_OVER, "+37120000007")


async def test_a_car_without_a_number_stands_until_somebody_has_seen_its_card(
    centre: Centre,
) -> None:
    centre.source.abandoned = [handed_over(number=None)]
    await centre.desk.reconcile()
    (shown,) = centre.desk.snapshot()
    assert (shown["dialable"], shown["incident_id"]) == (False, "incident-car")
    assert centre.desk.unattended


async def test_each_car_has_one_task_in_either_database(store: CallbackStore) -> None:
    source = FakeSource([handed_over(), handed_over("other", at=1), gave_up("caller", at=2)])
    for _ in range(2):
        await Reconciler(store, source).reconcile(second(60), lambda _: False)
    tasks = await store.open_tasks()
    assert [(task.kind.value, task.digits != "", len(task.contacts)) for task in tasks] == [
        ("handed_over", False, 1),
        ("handed_over", False, 1),
        ("abandoned", True, 1),
    ]
