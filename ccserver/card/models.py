"""The tables of incidents, contacts, what is known of them, and their timelines."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime

JSONValue = str | int | float | bool | None


def _of_those_with(name: str) -> Index:
    """An index of the rows that have a value there."""
    there = text(f"{name} IS NOT NULL")
    return Index(None, name, sqlite_where=there, postgresql_where=there)


class CardCounterRow(Base):
    """The last card number given in a year (UTC); its lock makes numbers unique."""

    __tablename__ = "card_counters"

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Integer)


class IncidentRow(Base):
    """What happened in the world, and the notes on it."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(None, "opened_at", "incident_id"),
        # Few cards are a part of others. Of an index with all the rest in it SQLite believes, once
        # it has analysed its tables, that it leads to a good part of them, and reads them all.
        _of_those_with("merged_into"),
        _of_those_with("parent_id"),
    )

    incident_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    notes_text: Mapped[str] = mapped_column(Text, default="")
    notes_folded: Mapped[str] = mapped_column(Text, default="")
    """The notes as searched: without case and diacritics."""
    notes_version: Mapped[int] = mapped_column(Integer, default=0)
    notes_saved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    notes_author: Mapped[str | None] = mapped_column(String(64))
    merged_into: Mapped[str | None] = mapped_column(String(36))
    """The card that this one has become a part of; its contacts are on that one."""
    parent_id: Mapped[str | None] = mapped_column(String(36))
    # What lists, searches and neighbours need of fields and locations, kept beside each save.
    type_code: Mapped[str | None] = mapped_column(String(64))
    priority: Mapped[int | None] = mapped_column(Integer)
    address_text: Mapped[str] = mapped_column(Text, default="", server_default="")
    latitude: Mapped[float | None] = mapped_column(Float, index=True)
    longitude: Mapped[float | None] = mapped_column(Float)
    radius_m: Mapped[float | None] = mapped_column(Float)


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
    service: Mapped[str | None] = mapped_column(String(96))
    """The service URN that was asked for; none: a number was dialled."""
    test: Mapped[bool] = mapped_column(Boolean, server_default=false())
    """Nobody asked for help: it counts in no statistics."""
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


class FieldRow(Base):
    """One field of a card as saved last; every save before it stands in the timeline."""

    __tablename__ = "incident_fields"

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[object] = mapped_column(JSON(none_as_null=False))
    version: Mapped[int] = mapped_column(Integer)
    saved_at: Mapped[datetime] = mapped_column(UTCDateTime)
    author: Mapped[str] = mapped_column(String(64))


class IncidentTimelineRow(Base):
    """One thing that was done to the card as a whole. Triggers refuse to change or delete it."""

    __tablename__ = "incident_timeline"
    __table_args__ = (Index(None, "incident_id", "key", unique=True),)

    entry_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"))
    tag: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    key: Mapped[str] = mapped_column(String(128))
    agent_id: Mapped[str | None] = mapped_column(String(32))
    author: Mapped[str | None] = mapped_column(String(64))
    data: Mapped[dict[str, object]] = mapped_column(JSON)


class LocationRow(Base):
    """One place that was told, by whatever source. Triggers refuse to change or delete it."""

    __tablename__ = "incident_locations"
    __table_args__ = (Index(None, "incident_id", "key", unique=True),)

    location_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    contact_id: Mapped[str | None] = mapped_column(String(36), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(24))
    shape: Mapped[dict[str, object]] = mapped_column(JSON)
    latitude: Mapped[float] = mapped_column(Float)
    longitude: Mapped[float] = mapped_column(Float)
    radius_m: Mapped[float | None] = mapped_column(Float)
    confidence: Mapped[float | None] = mapped_column(Float)
    observed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    author: Mapped[str | None] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(128))
    data: Mapped[dict[str, object]] = mapped_column(JSON)


class AttachmentRow(Base):
    """A file of a card; the file itself lies beside the recordings."""

    __tablename__ = "attachments"

    attachment_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    path: Mapped[str] = mapped_column(String(255))
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)
    author: Mapped[str] = mapped_column(String(64))
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    removed_by: Mapped[str | None] = mapped_column(String(64))


class SearchRow(Base):
    """The words by which a card is found; kept in the transaction of whatever changes them.

    The index over them is the database's own (migration 0010): on SQLite a full-text table that
    triggers keep, on PostgreSQL a generated column.
    """

    __tablename__ = "search_documents"

    position: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), unique=True)
    words: Mapped[str] = mapped_column(Text)
