"""What all writing of involvements has in common: the case at hand, its steps and its times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ccserver.db import clean_text
from ccserver.services import reading
from ccserver.services.models import InvolvementRow, InvolvementStepRow, UnitStepRow
from ccserver.services.states import FACTS, OVER, STATES, ServiceState, awaits_a_reader, derive
from ccserver.services.values import (
    NOTE,
    NOTE_CHARS_MAX,
    STEPS_MAX,
    Change,
    Incident,
    IncidentMerged,
    Incidents,
    InvolvementId,
    Reported,
    Source,
    StoryTag,
    Told,
    TooMany,
    UnknownIncident,
    UnknownInvolvement,
)
from ccserver.types import IncidentId, ServiceCode

Data = str | int | None
STORY_CHARS_MAX = 300
"""Of a note on the card's timeline; all of it stands with the involvement."""
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Case:
    """The involvement that is written to, with what it takes."""

    session: Session
    cards: Incidents
    row: InvolvementRow

    def tell(self, tag: StoryTag, key: str, at: datetime, author: str | None, **data: Data) -> None:
        """Write on the card's timeline."""
        row = self.row
        told = Told(
            IncidentId(row.incident_id),
            InvolvementId(row.involvement_id),
            ServiceCode(row.service),
            tag,
            key,
            at,
            author,
            {"service": row.service, **data},
        )
        self.cards.tell(self.session, [told])


def settle(
    session: Session,
    row: InvolvementRow,
    incident: Incident,
    before: Sequence[InvolvementStepRow],
) -> Change:
    """Say in the involvement's row what follows from its steps."""
    steps = steps_of(session, row)
    reports = reading.reports_of(steps)
    row.state = derive(reports).value
    known = {ServiceState(step.state) for step in before if step.state in STATES}
    news = {ServiceState(step.state) for step in steps if step.state in STATES} - known
    if row.seen_at is None and not awaits_a_reader(reports):
        # The centre's own withdrawal shows no reader, and nobody has to read it in time any more.
        of_service = [step for step in steps if step.source != Source.CENTRE.value]
        if not awaits_a_reader(reading.reports_of(of_service)):
            row.seen_at = steps[-1].at
            news.add(ServiceState.SEEN)
    if row.seen_at is not None or ServiceState(row.state) in OVER:
        row.due_at = None
    row.revision += 1
    moved = not known.intersection(FACTS) and bool(news.intersection(FACTS))
    in_order = tuple(state for state in ServiceState if state in news)
    return change_of(session, row, incident, in_order, moved=moved)


def incident_of(
    session: Session,
    cards: Incidents,
    incident_id: str,
    *,
    lock: bool = False,
) -> Incident:
    """The card; one to be locked is one to be added to, so it must not be a part of another."""
    found = cards.find(session, [incident_id], lock=lock).get(incident_id)
    if found is None:
        raise UnknownIncident("there is no such card")
    if lock and found.merged_into is not None:
        raise IncidentMerged(found.merged_into)
    return found


def locked(session: Session, involvement_id: str) -> InvolvementRow:
    """The involvement's row, locked until the transaction ends; raises `UnknownInvolvement`."""
    row = session.get(InvolvementRow, involvement_id, with_for_update=True)
    if row is None:
        raise UnknownInvolvement("there is no such involvement")
    return row


def steps_of(session: Session, row: InvolvementRow) -> list[InvolvementStepRow]:
    """The steps told of the involvement, in the order of their acknowledgement."""
    query = select(InvolvementStepRow).where(
        InvolvementStepRow.involvement_id == row.involvement_id
    )
    order = (InvolvementStepRow.at, InvolvementStepRow.step_id)
    return list(session.scalars(query.order_by(*order)))


def moment_of(session: Session, row: InvolvementRow, at: datetime) -> datetime:
    """The server's time, moved on where its clock stands still or was put back.

    So every step of an involvement has a moment of its own, in the order of the acknowledgements.
    """
    last: list[datetime | None] = [
        session.scalar(select(func.max(table.at)).where(table.involvement_id == row.involvement_id))
        for table in (InvolvementStepRow, UnitStepRow)
    ]
    return max([at, *(one + TICK for one in last if one is not None)])


def add_step(case: Case, told: Reported, at: datetime) -> None:
    """Write a step of the service and tell of it; raises `TooMany`."""
    session, row = case.session, case.row
    of_this = InvolvementStepRow.involvement_id == row.involvement_id
    count = select(func.count()).select_from(InvolvementStepRow).where(of_this)
    if (session.scalar(count) or 0) >= STEPS_MAX:
        raise TooMany(STEPS_MAX)
    step = InvolvementStepRow(
        involvement_id=row.involvement_id,
        state=told.state,
        key=clean_text(told.key),
        **common_values(row, told, at),
    )
    session.add(step)
    session.flush()
    tag = StoryTag.NOTE if told.state == NOTE else StoryTag(f"service_{told.state}")
    entry = f"service-{row.involvement_id}-{step.step_id}"
    case.tell(tag, entry, at, told.by or None, **story_data(told))


def common_values(row: InvolvementRow, told: Reported, at: datetime) -> dict[str, object]:
    """The columns that steps of services and of units have in common."""
    happened_at = told.happened_at
    if happened_at is not None and not row.sent_at <= happened_at <= at:
        happened_at = None  # a clock that is wrong by so much says nothing
    return {
        "at": at,
        "happened_at": happened_at,
        "author": clean_text(told.by)[:64] or None,
        "source": told.source.value,
        "reason": clean_text(told.reason)[:64] if told.reason else None,
        "note": cleaned_note(told.note),
    }


def story_data(told: Reported) -> dict[str, Data]:
    """What the card's timeline tells of a step beside its tag."""
    return {
        "reason": told.reason,
        "note": cleaned_note(told.note)[:STORY_CHARS_MAX] or None,
        "source": told.source.value,
    }


def cleaned_note(note: str) -> str:
    """The note as it can be kept."""
    return clean_text(note).strip()[:NOTE_CHARS_MAX]


def change_of(
    session: Session,
    row: InvolvementRow,
    incident: Incident,
    news: Iterable[ServiceState],
    *,
    first: bool = False,
    moved: bool = False,
    repeated: bool = False,
) -> Change:
    """What was done, with the involvement as it now is."""
    session.flush()
    (involvement,) = reading.load(session, [row])
    return Change(involvement, incident, tuple(news), first=first, moved=moved, repeated=repeated)
