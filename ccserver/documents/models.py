"""The columns of a table of versions. Triggers in the database refuse to change or delete a row."""

from datetime import datetime

from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ccserver.db import UTCDateTime


class VersionColumns:
    """One saved document; each kind has a table of its own."""

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    saved_at: Mapped[datetime] = mapped_column(UTCDateTime)
    author: Mapped[str] = mapped_column(String(64))
    comment: Mapped[str] = mapped_column(String(500))
    document: Mapped[str] = mapped_column(Text)
    """JSON as text: what is stored can be compared with its hash, and read even if broken."""
    sha256: Mapped[str] = mapped_column(String(64))
