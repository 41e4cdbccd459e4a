"""Proves on both databases: services are sent together or not at all, repeating changes nothing,
no acknowledged step is lost whoever writes at the same time, and the card tells what happened.
"""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ccserver.card import CardStore, TimelineTag
from ccserver.card.models import IncidentRow, IncidentTimelineRow
from ccserver.db import Database
from ccserver.outbox import EventType, OutboxStore
from ccserver.services import (
    CallSignTaken,
    IncidentMerged,
    InvolvementId,
    KeyTaken,
    ServiceState,
    ServiceStore,
    Source,
    StepRefused,
    StoryTag,
    UnitBusy,
    UnitFacts,
    UnitInactive,
    UnitState,
    UnknownIncident,
    UnknownInvolvement,
    UnknownUnit,
    on_merge,
    on_unmerge,
)
from ccserver.services_on_cards import move_along
from ccserver.types import IncidentId, UnitId
from tests.services.conftest import ALL, AMBULANCE, FIRE, POLICE, open_card, second, told, unit_id

S, U = ServiceState, UnitState


async def story(database: Database, incident_id: str) -> list[tuple[str, str | None]]:
    """What the card's timeline tells: tags with the service's or unit's state."""
    query = (
        select(IncidentTimelineRow)
        .where(IncidentTimelineRow.incident_id == incident_id)
        .order_by(IncidentTimelineRow.entry_id)
    )
    rows = await database.read(lambda session: session.scalars(query).all())
    return [(row.tag, str(row.data.get("unit") or row.data.get("service"))) for row in rows]


def states(involvement: object) -> list[str]:
    return [step.state for step in involvement.steps]  # type: ignore[attr-defined]


def test_the_card_knows_every_word_of_the_story() -> None:
    assert {tag.value for tag in StoryTag} <= {tag.value for tag in TimelineTag}


async def test_all_services_are_sent_in_one_transaction(
    store: ServiceStore, incident_id: IncidentId, database: Database
) -> None:
    changes = await store.involve(incident_id, ALL, by="anna", note="Deg jumts", at=second(40))
    assert [change.involvement.service for change in changes] == [FIRE, AMBULANCE, POLICE]
    assert [change.first for change in changes] == [True, False, False]
    for change in changes:
        assert change.involvement.state is S.SENT
        assert change.involvement.due_at == second(70)
        assert change.involvement.note == "Deg jumts"
        assert change.incident.caller_number == "+37129123456"
    kept = {one.service: one for one in await store.of_incident(incident_id)}
    assert kept == {change.involvement.service: change.involvement for change in changes}
    assert sorted(await story(database, incident_id)) == [
        ("service_sent", "nmpd"),
        ("service_sent", "vp"),
        ("service_sent", "vugd"),
    ]
    events = await OutboxStore(database).after(0)
    assert [(event.type, event.service) for event in events] == [
        (EventType.INVOLVEMENT_OPENED, service) for service in ALL
    ]


async def test_nothing_is_sent_of_a_request_that_breaks_off(
    store: ServiceStore, incident_id: IncidentId, database: Database
) -> None:
    class Broken:
        """The second entry of the timeline cannot be written."""

        def __init__(self) -> None:
            self.told = 0

        find = staticmethod(store._cards.find)

        def tell(self, session: object, entries: Sequence[object]) -> None:
            self.told += 1
            if self.told == 2:
                raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        await ServiceStore(database, Broken()).involve(incident_id, ALL, by="a", at=second(1))
    assert await store.of_incident(incident_id) == []
    assert await story(database, incident_id) == []


async def test_sending_again_finds_what_was_sent(
    store: ServiceStore, incident_id: IncidentId
) -> None:
    key = uuid.uuid4().hex
    first = await store.involve(incident_id, {FIRE: 30.0}, at=second(1), by="anna", key=key)
    again = await store.involve(incident_id, {FIRE: 30.0}, at=second(2), by="anna", key=key)
    more = await store.involve(incident_id, ALL, by="boris", at=second(3))
    assert again[0].repeated
    assert again[0].involvement == first[0].involvement
    assert [change.repeated for change in more] == [True, False, False]
    assert not any(change.first for change in more)
    assert len(await store.of_incident(incident_id)) == 3


async def test_a_note_to_a_service_that_has_it_already_is_added(
    store: ServiceStore, incident_id: IncidentId
) -> None:
    await store.involve(incident_id, {FIRE: 30.0}, by="anna", note="one", at=second(1))
    for _ in range(2):
        (change,) = await store.involve(
            incident_id, {FIRE: 30.0}, by="boris", note="two", at=second(2)
        )
    assert [(step.state, step.note) for step in change.involvement.steps] == [
        ("sent", "one"),
        ("note", "two"),
    ]
    assert change.repeated


async def test_a_service_that_refused_is_sent_anew_but_not_by_the_old_request(
    store: ServiceStore, incident_id: IncidentId
) -> None:
    (first,) = await store.involve(incident_id, {FIRE: 30.0}, by="anna", key="one", at=second(1))
    key = first.involvement.involvement_id
    await store.report(key, told("refused", reason="no_units"), second(2))
    (repeated,) = await store.involve(incident_id, {FIRE: 30.0}, by="a", key="one", at=second(3))
    assert repeated.repeated
    (anew,) = await store.involve(incident_id, {FIRE: 30.0}, by="anna", key="two", at=second(4))
    assert anew.involvement.involvement_id != key
    assert not anew.first


async def test_unknown_and_merged_cards_are_refused(
    store: ServiceStore, incident_id: IncidentId, cards: CardStore, database: Database
) -> None:
    with pytest.raises(UnknownIncident):
        await store.involve(IncidentId("no-such"), ALL, by="anna", at=second(1))
    with pytest.raises(UnknownIncident):
        await store.of_incident(IncidentId("no-such"))
    other = await open_card(cards)
    await _merged(database, incident_id, other)
    with pytest.raises(IncidentMerged) as merged:
        await store.involve(incident_id, ALL, by="anna", at=second(1))
    assert merged.value.into == other


async def _merged(database: Database, source: str, target: str | None) -> None:
    def work(session: object) -> None:
        row = session.get(IncidentRow, source)  # type: ignore[attr-defined]
        row.merged_into = target

    await database.write(work)


async def test_the_chain_is_told_with_persons_and_times(
    store: ServiceStore, sent: InvolvementId, incident_id: IncidentId, database: Database
) -> None:
    chain = ["received", "seen", "accepted", "dispatched", "en_route", "on_scene", "cleared"]
    for number, state in enumerate([*chain, "closed"]):
        change = await store.report(sent, told(state), second(30 + number))
    assert change.involvement.state is S.CLOSED
    assert change.involvement.seen_at == second(31)
    assert change.involvement.due_at is None
    assert states(change.involvement) == ["sent", *chain, "closed"]
    assert [step.at for step in change.involvement.steps][1:] == [
        second(30 + number) for number in range(8)
    ]
    assert {step.author for step in change.involvement.steps} == {"anna", "dispatcher"}
    assert not any(step.out_of_order for step in change.involvement.steps)
    tags = [tag for tag, _ in await story(database, incident_id)]
    assert tags == [f"service_{state}" for state in ["sent", *chain, "closed"]]


async def test_the_same_step_again_changes_nothing(
    store: ServiceStore, sent: InvolvementId, incident_id: IncidentId, database: Database
) -> None:
    first = await store.report(sent, told("accepted", "one"), second(1))
    again = await store.report(sent, told("accepted", "one"), second(2))
    assert again.repeated
    assert again.involvement == first.involvement
    assert len(await story(database, incident_id)) == 2
    with pytest.raises(KeyTaken):
        await store.report(sent, told("dispatched", "one"), second(3))


async def test_facts_are_taken_out_of_order_and_decisions_refused_too_late(
    store: ServiceStore, sent: InvolvementId
) -> None:
    change = await store.report(sent, told("on_scene", "early"), second(30))
    assert change.involvement.state is S.ON_SCENE
    assert change.moved
    assert S.SEEN in change.news
    assert [step.out_of_order for step in change.involvement.steps] == [False, True]
    with pytest.raises(StepRefused) as refused:
        await store.report(sent, told("refused", reason="no_units"), second(31))
    assert S.CLEARED in refused.value.allowed
    late = await store.report(sent, told("dispatched"), second(32))
    assert late.involvement.state is S.ON_SCENE
    assert not late.moved


async def test_steps_of_one_moment_keep_the_order_of_their_acknowledgement(
    store: ServiceStore, sent: InvolvementId
) -> None:
    for number in range(4):
        state = "accepted" if number % 2 else "refused"
        await store.report(sent, told(state, f"{9 - number}"), second(5))
    change = await store.report(sent, told("refused", "0"), second(1))
    assert change.involvement.state is S.REFUSED
    at = [step.at for step in change.involvement.steps]
    assert at == sorted(set(at))


async def test_a_time_before_the_sending_is_not_believed(
    store: ServiceStore, sent: InvolvementId
) -> None:
    change = await store.report(sent, told("seen", happened_at=second(0)), second(60))
    assert change.involvement.steps[-1].happened_at is None
    change = await store.report(sent, told("accepted", happened_at=second(50)), second(70))
    assert change.involvement.steps[-1].happened_at == second(50)


async def test_what_was_told_cannot_be_changed_in_the_database(
    store: ServiceStore, sent: InvolvementId, database: Database
) -> None:
    await store.report(sent, told("seen"), second(1))
    for statement in ("UPDATE involvement_steps SET note = 'x'", "DELETE FROM involvement_steps"):
        with pytest.raises(DBAPIError, match="append-only"):
            await database.write(partial(_execute, statement))


def _execute(statement: str, session: Session) -> None:
    session.execute(text(statement))


async def test_no_acknowledged_step_is_lost_when_many_tell_at_once(
    store: ServiceStore, sent: InvolvementId, database: Database
) -> None:
    keys = [f"step-{number}" for number in range(30)]
    steps = ["received", "seen", "note", "accepted", "en_route", "dispatched"]

    async def tell(number: int, key: str) -> None:
        state = steps[number % len(steps)]
        await store.report(sent, told(state, key, note=key), second(number))

    await asyncio.gather(*(tell(number, key) for number, key in enumerate(keys)))
    (listed,) = await store.unfinished(FIRE)
    assert sorted(step.key for step in listed.involvement.steps) == sorted([*keys, "sent"])
    assert listed.involvement.state is S.EN_ROUTE
    assert listed.involvement.revision == len(keys)


# -- units ----------------------------------------------------------------------------------------


async def unit(store: ServiceStore, call_sign: str) -> UnitId:
    made = await store.add_unit(FIRE, UnitFacts(call_sign, "pump", 6), unit_id=unit_id())
    return made.unit_id


async def test_units_are_sent_with_one_step_and_speak_for_their_service(
    store: ServiceStore, sent: InvolvementId, incident_id: IncidentId, database: Database
) -> None:
    one, two = await unit(store, "R-11"), await unit(store, "R-12")
    change = await store.report(sent, told("dispatched", units=(one, two)), second(30))
    assert change.involvement.state is S.DISPATCHED
    assert [each.position.state for each in change.involvement.units] == [U.DISPATCHED] * 2
    assert [each.involved_in[0].incident_id for each in change.units] == [incident_id] * 2
    change = await store.report_unit(sent, one, told("on_scene"), second(40))
    assert change.involvement.state is S.ON_SCENE
    assert change.involvement.steps[-1].source is Source.UNITS
    await store.report_unit(sent, one, told("cleared"), second(50))
    change = await store.report_unit(sent, two, told("cleared"), second(60))
    assert change.involvement.state is S.CLEARED
    assert change.units[0].involved_in == ()
    tags = [tag for tag in await story(database, incident_id) if tag[0].startswith("unit")]
    assert tags == [
        ("unit_status", "R-11"),
        ("unit_status", "R-12"),
        ("unit_status", "R-11"),
        ("unit_status", "R-11"),
        ("unit_status", "R-12"),
    ]


async def test_assigning_a_unit_accepts(store: ServiceStore, sent: InvolvementId) -> None:
    one = await unit(store, "R-11")
    change = await store.report_unit(sent, one, told("assigned", "a"), second(30))
    assert change.involvement.state is S.ACCEPTED
    again = await store.report_unit(sent, one, told("assigned", "a"), second(31))
    assert again.repeated
    assert again.involvement == change.involvement
    with pytest.raises(KeyTaken):
        await store.report_unit(sent, one, told("cleared", "a"), second(32))


async def test_a_unit_on_two_incidents_needs_a_word(
    store: ServiceStore, sent: InvolvementId, cards: CardStore
) -> None:
    one = await unit(store, "R-11")
    await store.report_unit(sent, one, told("assigned"), second(30))
    other_card = await open_card(cards)
    (change,) = await store.involve(other_card, {FIRE: 30.0}, by="anna", at=second(31))
    other = change.involvement.involvement_id
    with pytest.raises(UnitBusy) as busy:
        await store.report_unit(other, one, told("assigned"), second(32))
    assert [one.involvement_id for one in busy.value.busy[one]] == [sent]
    with pytest.raises(UnitBusy):
        await store.report(other, told("dispatched", "d", units=(one,)), second(32))
    (listed,) = [
        each for each in await store.unfinished(FIRE) if each.involvement.involvement_id == other
    ]
    assert states(listed.involvement) == ["sent"]
    confirmed = told("dispatched", "d", units=(one,), confirm=True)
    change = await store.report(other, confirmed, second(33))
    assert len(change.units[0].involved_in) == 2
    # Who is there already is not asked again.
    await store.report_unit(other, one, told("on_scene"), second(34))


async def test_only_own_and_active_units_are_assigned(
    store: ServiceStore, sent: InvolvementId
) -> None:
    foreign = await store.add_unit(POLICE, UnitFacts("P-1"), unit_id=unit_id())
    with pytest.raises(UnknownUnit):
        await store.report_unit(sent, foreign.unit_id, told("assigned"), second(30))
    one = await unit(store, "R-11")
    await store.retire_unit(FIRE, one)
    with pytest.raises(UnitInactive):
        await store.report_unit(sent, one, told("assigned"), second(30))
    # But what it does in the world is a fact.
    change = await store.report_unit(sent, one, told("on_scene"), second(31))
    assert change.involvement.state is S.ON_SCENE


async def test_a_withdrawn_service_assigns_nobody_but_its_units_clear(
    store: ServiceStore, sent: InvolvementId
) -> None:
    one, two = await unit(store, "R-11"), await unit(store, "R-12")
    await store.report_unit(sent, one, told("en_route"), second(30))
    change = await store.report(sent, told("withdrawn", source=Source.CENTRE), second(31))
    assert change.involvement.state is S.WITHDRAWN
    with pytest.raises(StepRefused):
        await store.report_unit(sent, two, told("assigned"), second(32))
    change = await store.report_unit(sent, one, told("cleared"), second(33))
    assert change.involvement.state is S.WITHDRAWN
    assert change.units[0].involved_in == ()
    assert [one.involvement.involvement_id for one in await store.unfinished(FIRE)] == [sent]
    await store.report(sent, told("closed"), second(34))
    assert await store.unfinished(FIRE) == []


async def test_units_have_one_call_sign_in_their_service(store: ServiceStore) -> None:
    one = await unit(store, "R-11")
    same = await store.add_unit(FIRE, UnitFacts("R-11", "pump", 6), unit_id=one)
    assert same.unit_id == one
    with pytest.raises(CallSignTaken):
        await store.add_unit(FIRE, UnitFacts("R-11"), unit_id=unit_id())
    other = await store.add_unit(POLICE, UnitFacts("R-11"), unit_id=unit_id())
    with pytest.raises(UnknownUnit):
        await store.change_unit(FIRE, other.unit_id, UnitFacts("R-99"))
    changed = await store.change_unit(FIRE, one, UnitFacts("R-10", "ladder", None, active=False))
    assert (changed.call_sign, changed.kind, changed.active) == ("R-10", "ladder", False)
    assert [each.call_sign for each in await store.units(FIRE)] == ["R-10"]


# -- lists, time, merges --------------------------------------------------------------------------


async def test_unread_comes_first_then_the_newest(store: ServiceStore, cards: CardStore) -> None:
    keys = []
    for number in range(4):
        card = await open_card(cards)
        (change,) = await store.involve(card, {FIRE: 30.0}, by="anna", at=second(number))
        keys.append(change.involvement.involvement_id)
    await store.report(keys[3], told("seen"), second(10))
    await store.report(keys[2], told("refused", reason="no_units"), second(10))
    listed = [one.involvement.involvement_id for one in await store.unfinished(FIRE)]
    assert listed == [keys[1], keys[0], keys[3]]
    first = await store.everything(FIRE, limit=3)
    rest = await store.everything(FIRE, limit=3, before=first[-1].involvement.cursor)
    assert [one.involvement.involvement_id for one in (*first, *rest)] == keys[::-1]
    assert len(await store.everything(FIRE, limit=9, before="nonsense")) == 4
    assert await store.everything(POLICE, limit=9) == []


async def test_what_nobody_sees_falls_due_twice(
    store: ServiceStore, sent: InvolvementId, incident_id: IncidentId, database: Database
) -> None:
    assert await store.next_due() == second(50)
    assert await store.fall_due(second(49.9)) == []
    (first,) = await store.fall_due(second(50))
    assert first.involvement.overdue
    assert first.involvement.alarms == 1
    await store.report(sent, told("received"), second(55))
    assert await store.next_due() == second(80)
    (again,) = await store.fall_due(second(81))
    assert again.involvement.alarms == 2
    assert await store.next_due() is None
    change = await store.report(sent, told("seen"), second(90))
    assert not change.involvement.overdue
    tags = [tag for tag, _ in await story(database, incident_id)]
    assert tags.count("service_overdue") == 2


@pytest.mark.parametrize("state", ["seen", "accepted", "refused", "on_scene", "withdrawn"])
async def test_whatever_shows_a_reader_stops_the_clock(
    store: ServiceStore, sent: InvolvementId, state: str
) -> None:
    source = Source.CENTRE if state == "withdrawn" else Source.DESK
    change = await store.report(sent, told(state, source=source), second(25))
    assert change.involvement.due_at is None
    assert (change.involvement.seen_at is None) == (state == "withdrawn")
    assert await store.fall_due(second(1_000)) == []


async def test_services_follow_a_merge_and_its_undoing(
    store: ServiceStore, cards: CardStore, database: Database, sent: InvolvementId
) -> None:
    a = (await store.unfinished(FIRE))[0].involvement.incident_id
    b, c = await open_card(cards), await open_card(cards)
    (own,) = await store.involve(b, {FIRE: 30.0}, by="anna", at=second(60))
    kept = own.involvement.involvement_id

    async def on(incident_id: IncidentId) -> set[str]:
        return {one.involvement_id for one in await store.of_incident(incident_id)}

    await database.write(lambda session: on_merge(session, a, b))
    assert (await on(a), await on(b)) == (set(), {sent, kept})
    change = await store.report(sent, told("on_scene"), second(70))
    assert change.involvement.incident_id == b
    await database.write(lambda session: on_merge(session, b, c))
    assert await on(c) == {sent, kept}
    await database.write(lambda session: on_unmerge(session, b, c))
    assert (await on(b), await on(c)) == ({sent, kept}, set())
    await database.write(lambda session: on_unmerge(session, a, b))
    assert (await on(a), await on(b)) == ({sent}, {kept})
    (moved,) = await store.of_incident(a)
    assert moved.moved_from == ()
    assert states(moved) == ["sent", "on_scene"]
    assert await store.services_of([a, b]) == {FIRE}


async def test_an_unknown_involvement_is_refused(store: ServiceStore) -> None:
    missing = InvolvementId("no-such")
    assert await store.service_of(missing) is None
    with pytest.raises(UnknownInvolvement):
        await store.report(missing, told("seen"), second(1))
    with pytest.raises(UnknownInvolvement):
        await store.report_unit(missing, unit_id(), told("assigned"), second(1))


async def test_notes_say_something_and_change_no_state(
    store: ServiceStore, sent: InvolvementId
) -> None:
    change = await store.report(
        sent, told("note", note="Vārti ir vaļā\x00" + "x" * 3_000), second(30)
    )
    assert change.involvement.state is S.SENT
    assert change.involvement.seen_at is None
    assert change.involvement.steps[-1].note.startswith("Vārti ir vaļāx")
    assert len(change.involvement.steps[-1].note) == 2_000
    assert change.involvement.due_at == second(20) + timedelta(seconds=30)


async def test_services_go_along_when_people_merge_cards_and_undo_it(
    store: ServiceStore, database: Database, sent: InvolvementId, incident_id: IncidentId
) -> None:
    cards = CardStore(database, along=(move_along,))
    other = await open_card(cards)
    await cards.merge(incident_id, other, author="anna", at=second(60))
    (moved,) = await store.of_incident(other)
    assert (moved.involvement_id, moved.moved_from) == (sent, (incident_id,))
    (key,) = await _keys(database, other, TimelineTag.MERGED)
    await cards.undo(other, key, author="anna", at=second(70))
    assert await store.of_incident(other) == []
    (back,) = await store.of_incident(incident_id)
    assert (back.involvement_id, back.moved_from) == (sent, ())


async def _keys(database: Database, incident_id: str, tag: TimelineTag) -> list[str]:
    query = select(IncidentTimelineRow.key).where(
        IncidentTimelineRow.incident_id == incident_id, IncidentTimelineRow.tag == tag.value
    )
    return list(await database.read(lambda session: session.scalars(query).all()))
