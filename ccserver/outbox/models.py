"""The table of events that leave the centre."""

from datetime import datetime

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, RowId, UTCDateTime

JSONValue = str | int | float | bool | None


class OutboxRow(Base):
    """One event. No foreign keys: it outlives nothing and nothing depends on it."""

    __tablename__ = "outbox"

    seq: Mapped[int] = mapped_column(RowId, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(36), unique=True)
    type: Mapped[str] = mapped_column(String(64))
    incident_id: Mapped[str] = mapped_column(String(36))
    service: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    data: Mapped[dict[str, JSONValue]] = mapped_column(JSON)
