"""The tables of recordings."""

from datetime import datetime

from sqlalchemy import BigInteger, Float, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import Base, UTCDateTime


class _Sealing:
    """What both kinds of recording have.

    The row is made before the sealed file, so that a repeated attempt writes to the same place
    and no sealed file is ever without a row. There is no foreign key to the card: a recording
    whose card is not yet written is kept all the same.
    """

    recording_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    path: Mapped[str] = mapped_column(String(255))
    """Relative to the store, so that the store can be moved."""
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sealed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sample_rate: Mapped[int | None] = mapped_column(Integer)
    frames: Mapped[int | None] = mapped_column(BigInteger)
    duration_s: Mapped[float | None] = mapped_column(Float)
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(Text)


class RecordingRow(_Sealing, Base):
    """The recording of a caller's channel, one for each contact."""

    __tablename__ = "recordings"

    contact_id: Mapped[str] = mapped_column(String(36), unique=True)


class PartyRecordingRow(_Sealing, Base):
    """The recording of another party's leg, one for each leg."""

    __tablename__ = "party_recordings"
    __table_args__ = (UniqueConstraint("contact_id", "leg_id"),)

    contact_id: Mapped[str] = mapped_column(String(36))
    leg_id: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    number: Mapped[str | None] = mapped_column(String(65))
    name: Mapped[str] = mapped_column(String(80))
    agent_id: Mapped[str | None] = mapped_column(String(32))
