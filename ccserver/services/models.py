"""The tables of involvements and units."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime


class InvolvementRow(Base):
    """One service in one incident; from ``state`` on, what follows from its steps.

    No foreign key to the incident: the cards are another room's, which finds and locks the card in
    the same transaction.
    """

    __tablename__ = "involvements"
    __table_args__ = (Index(None, "service", "sent_at", "involvement_id"),)

    involvement_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    incident_id: Mapped[str] = mapped_column(String(36), index=True)
    service: Mapped[str] = mapped_column(String(64))
    request_key: Mapped[str | None] = mapped_column(String(64))
    """The requester's own, so that a repeated request finds what it did."""
    sent_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_by: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    timeout_s: Mapped[float] = mapped_column(Float)
    moved_from: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    seen_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    alarms: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)


class _Told:
    """What both kinds of step have. Triggers in the database refuse to change or delete a row."""

    step_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    happened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    author: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(String(128))


class InvolvementStepRow(_Told, Base):
    """One thing told of an involvement."""

    __tablename__ = "involvement_steps"
    __table_args__ = (Index(None, "involvement_id", "key", unique=True),)

    involvement_id: Mapped[str] = mapped_column(ForeignKey("involvements.involvement_id"))


class UnitRow(Base):
    """A crew or vehicle; it is never deleted, because steps speak of it."""

    __tablename__ = "units"
    __table_args__ = (Index(None, "service", "call_sign", unique=True),)

    unit_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    service: Mapped[str] = mapped_column(String(64))
    call_sign: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(32))
    capacity: Mapped[int | None] = mapped_column(Integer)
    active: Mapped[bool] = mapped_column(Boolean)


class AssignmentRow(Base):
    """Where a unit stands in an involvement, as it follows from its steps there."""

    __tablename__ = "unit_assignments"
    __table_args__ = (Index(None, "unit_id", "bound"),)

    involvement_id: Mapped[str] = mapped_column(
        ForeignKey("involvements.involvement_id"), primary_key=True
    )
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.unit_id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    delayed: Mapped[bool] = mapped_column(Boolean)
    bound: Mapped[bool] = mapped_column(Boolean)
    """It has not cleared."""


class UnitStepRow(_Told, Base):
    """One thing told of a unit within an involvement."""

    __tablename__ = "unit_steps"
    __table_args__ = (Index(None, "involvement_id", "unit_id", "key", unique=True),)

    involvement_id: Mapped[str] = mapped_column(ForeignKey("involvements.involvement_id"))
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.unit_id"))
