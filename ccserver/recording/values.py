"""What a recording is, and what the name of a raw file says."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from ccserver.types import AgentId, ContactId, LegId

CHANNELS = 2
"""Left is what the caller (or the party) said, right what it heard (MixMonitor's option D)."""
SAMPLE_BYTES = 2
"""16-bit signed little-endian."""
FRAME_BYTES = CHANNELS * SAMPLE_BYTES
NAME_MAX = 240
"""A file's name may have 255 bytes; an ending and a prefix are added to this one."""
_SEPARATOR = "."
_PLAIN = r"[A-Za-z0-9_+-]"
_PARTY = re.compile(
    rf"(?P<leg>{_PLAIN}{{1,64}})\.(?P<start_ms>[0-9]{{1,15}})\.(?P<kind>[a-z]{{1,16}})"
    rf"\.(?P<number>\+?[0-9]{{0,64}})\.(?P<name>{_PLAIN}{{0,80}})\.(?P<agent>{_PLAIN}{{0,32}})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class RecordingState(StrEnum):
    """How far a recording is. A card shows only sealed and failed ones."""

    SEALING = "sealing"
    SEALED = "sealed"
    FAILED = "failed"


class InvalidContactId(ValueError):
    """A contact id that is not a UUID must never become a file's name."""


class InvalidRecordingName(InvalidContactId):
    """Neither a contact id nor what the dialplan calls a party's recording."""


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


@dataclass(frozen=True, slots=True)
class RecordedParty:
    """Somebody beside the caller who was consulted, invited or transferred to.

    ``kind`` is telephony's (``agent``, ``service``, ``interpreter``, ``outside``), ``name`` that of
    the directory's entry; ``number`` and ``agent_id`` are ``None`` where there is none.
    """

    leg_id: LegId
    kind: str
    number: str | None
    name: str
    agent_id: AgentId | None


@dataclass(frozen=True, slots=True)
class RecordingName:
    """The name of a raw file, without its ending: whose audio it is, from Asterisk itself.

    Of the caller's channel it is the contact id. Of a party's leg it is
    ``contact.leg.start.kind.number.name.seat``, as the dialplan writes it at the answer; the start
    is in milliseconds since 1970.
    """

    contact_id: ContactId
    party: RecordedParty | None = None
    started_at: datetime | None = None
    """Of a party's; aware, in whole milliseconds."""

    @classmethod
    def parse(cls, text: str) -> "RecordingName":
        """Read a name. Raises `InvalidContactId`; then it must not become a file's name."""
        contact, separator, rest = text.partition(_SEPARATOR)
        contact_id = checked_contact_id(contact)
        if not separator:
            return cls(contact_id)
        found = _PARTY.fullmatch(rest)
        if found is None or len(text) > NAME_MAX:
            raise InvalidRecordingName("not the name of a party's recording")
        party = RecordedParty(
            leg_id=LegId(found["leg"]),
            kind=found["kind"],
            number=found["number"] or None,
            name=found["name"],
            agent_id=AgentId(found["agent"]) if found["agent"] else None,
        )
        try:
            started_at = _EPOCH + int(found["start_ms"]) * _MILLISECOND
        except OverflowError as error:
            raise InvalidRecordingName("not a time") from error
        return cls(contact_id, party, started_at)

    def __str__(self) -> str:
        if self.party is None or self.started_at is None:
            return self.contact_id
        party, start_ms = self.party, (self.started_at - _EPOCH) // _MILLISECOND
        number, agent_id = party.number or "", party.agent_id or ""
        parts = (self.contact_id, party.leg_id, str(start_ms), party.kind, number, party.name)
        return _SEPARATOR.join((*parts, agent_id))


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of one contact: of the caller's channel, or of a ``party``'s leg.

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
    party: RecordedParty | None = None

    @property
    def name(self) -> RecordingName:
        """The name of the raw file that it was or will be made from."""
        if self.party is None:
            return RecordingName(self.contact_id)
        return RecordingName(self.contact_id, self.party, self.started_at)
