"""The tables of incidents, contacts and their timeline."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime

JSONValue = str | int | float | bool | None


class CardCounterRow(Base):
    """The last card number given in a year (UTC); its lock makes numbers unique."""

    __tablename__ = "card_counters"

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Integer)


class IncidentRow(Base):
    """What happened in the world, and the notes on it."""

    __tablename__ = "incidents"
    __table_args__ = (Index(None, "opened_at", "incident_id"),)

    incident_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    notes_text: Mapped[str] = mapped_column(Text, default="")
    notes_folded: Mapped[str] = mapped_column(Text, default="")
    """The notes as searched: without case and diacritics."""
    notes_version: Mapped[int] = mapped_column(Integer, default=0)
    notes_saved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    notes_author: Mapped[str | None] = mapped_column(String(64))


class ContactRow(Base):
    """One request for help; everything from ``answered_at`` on is derived from the timeline."""

    __tablename__ = "contacts"

    contact_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    medium: Mapped[str] = mapped_column(String(16))
    direction: Mapped[str] = mapped_column(String(16), default="inbound")
    queue: Mapped[str] = mapped_column(String(64))
    priority: Mapped[int] = mapped_column(Integer)
    caller_number: Mapped[str | None] = mapped_column(String(64))
    caller_digits: Mapped[str] = mapped_column(String(64), index=True)
    caller_number_hidden: Mapped[bool] = mapped_column(Boolean)
    called_number: Mapped[str | None] = mapped_column(String(64))
    arrived_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    # No foreign key: a card must never fail because a seat was removed meanwhile.
    agent_id: Mapped[str | None] = mapped_column(String(32), index=True)
    outcome: Mapped[str] = mapped_column(String(16))


class TimelineRow(Base):
    """One thing that happened. Triggers in the database refuse to change or delete a row."""

    __tablename__ = "timeline"
    __table_args__ = (Index(None, "contact_id", "key", unique=True),)

    entry_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.contact_id"))
    tag: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    key: Mapped[str] = mapped_column(String(128))
    agent_id: Mapped[str | None] = mapped_column(String(32))
    author: Mapped[str | None] = mapped_column(String(64))
    data: Mapped[dict[str, JSONValue]] = mapped_column(JSON)
