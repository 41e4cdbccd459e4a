"""What a recording is."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from ccserver.types import ContactId

CHANNELS = 2
"""Left is what the caller said, right is what the caller heard (MixMonitor's option D)."""
SAMPLE_BYTES = 2
"""16-bit signed little-endian."""
FRAME_BYTES = CHANNELS * SAMPLE_BYTES


class RecordingState(StrEnum):
    """How far a recording is. A card shows only sealed and failed ones."""

    SEALING = "sealing"
    SEALED = "sealed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of one contact.

    A sealed one has everything but ``error``; a failed one has ``error``, and what Asterisk wrote
    is kept. ``path`` is where the FLAC file lies (or would), ``size`` its bytes, ``sha256`` its
    digest in hexadecimal.
    """

    recording_id: str
    contact_id: ContactId
    state: RecordingState
    path: Path
    started_at: datetime
    sealed_at: datetime | None = None
    sample_rate: int | None = None
    frames: int | None = None
    duration_s: float | None = None
    size: int | None = None
    sha256: str | None = None
    error: str | None = None


class InvalidContactId(ValueError):
    """A contact id that is not a UUID must never become a file's name."""


class UnknownRecording(LookupError):
    """There is no such recording."""


def checked_contact_id(contact_id: str) -> ContactId:
    """Return the contact id if it is a UUID in its usual form. Raises `InvalidContactId`."""
    try:
        usual = str(uuid.UUID(contact_id))
    except (ValueError, AttributeError) as error:
        raise InvalidContactId("a contact id is a UUID") from error
    if usual != contact_id:
        raise InvalidContactId("a contact id is a UUID in lower case with dashes")
    return ContactId(contact_id)
