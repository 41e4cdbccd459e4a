"""What is in mind of each live contact: the messages that came with it, and what it was asked."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

import structlog

from ccserver.calldata.vehicle import Request, Vehicle
from ccserver.ecall.urn import ecall_kind
from ccserver.ecall_desk.story import Read
from ccserver.types import ContactId

log = structlog.get_logger(__name__)

READS_MAX = 500
"""Of one contact: a car that sends each ten seconds for an hour sends fewer. Of more the oldest are
in the database alone."""

EARLY_MAX = 5_000
"""Contacts without a call and without a card, some 10 kB each: what cars and telephones send to a
parachute queue within hours."""

CALLS_MAX = 20_000
"""Call-IDs whose contact is known: those of a busy day."""


@dataclass(slots=True)
class Known:
    """One live contact. ``called_back``: we called the car of another contact of its card."""

    contact_id: ContactId
    service: str | None = None
    call_id: str | None = None
    reads: dict[str, Read] = field(default_factory=dict)
    request: Request | None = None
    called_back: bool = False
    looked_back: bool = False
    asked_by_itself: bool = False
    over: bool = False
    """The contact is alive no more; nobody waits for an answer of its car."""
    _made: Vehicle | None = None
    """The car as all messages until `_until` tell of it, so that whoever sends without end costs no
    more for each; ``None``: to be made anew."""
    _until: datetime | None = None

    def add(self, read: Read) -> bool:
        """One more message; returns false for one that is known."""
        if read.kept.key in self.reads:
            return False
        at = read.kept.received_at
        late = self._until is not None and at < self._until
        self._made = None if late or self._made is None else _with(self._made, read)
        self._until = self._until if late else at
        while len(self.reads) >= READS_MAX:
            del self.reads[next(iter(self.reads))]
        self.reads[read.kept.key] = read
        if self.service is None:
            self.service = read.kept.service
        if self.call_id is None:
            self.call_id = read.kept.call_id or None
        return True

    @property
    def vehicle(self) -> Vehicle | None:
        """The car; ``None`` where nothing says that there is one."""
        if self._made is None:
            self._made = vehicle_of(self.service, self.reads.values())
        made = replace(self._made, service=self.service, request=self.request)
        says_so = ecall_kind(self.service) is not None or self.called_back
        return made if says_so or made.count or made.unreadable else None


def vehicle_of(service: str | None, reads: Iterable[Read]) -> Vehicle:
    """The car as these messages tell of it."""
    made = Vehicle(service)
    for read in sorted(reads, key=lambda one: one.kept.received_at):
        made = _with(made, read)
    return made


def _with(made: Vehicle, read: Read) -> Vehicle:
    """The car after one message more."""
    for received in read.msds:
        made = made.with_msd(received)
    return replace(made, unreadable=made.unreadable + read.unreadable)


class Early:
    """Messages of contacts that are not alive: perhaps not yet, perhaps no more.

    The card is told of them when the contact comes alive, or is found to have a card.
    """

    def __init__(self) -> None:
        self._reads: OrderedDict[ContactId, list[Read]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._reads)

    def add(self, contact_id: ContactId, read: Read) -> None:
        """Keep one; of too many contacts the oldest is left to the next process, and so is of too
        many messages."""
        reads = self._reads.setdefault(contact_id, [])
        reads.append(read)
        if len(reads) > READS_MAX:
            del reads[0]
        if len(self._reads) > EARLY_MAX:
            self._reads.popitem(last=False)
            log.warning("call_data_left_untold", contacts_max=EARLY_MAX)

    def take(self, contact_id: ContactId) -> list[Read]:
        """Those of a contact, which are not kept here any more."""
        return self._reads.pop(contact_id, [])

    def next(self, count: int) -> list[ContactId]:
        """Some contacts, each time others."""
        some = list(islice(self._reads, count))
        for contact_id in some:
            self._reads.move_to_end(contact_id)
        return some


class Calls:
    """Whose each Call-ID is; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._contacts: OrderedDict[str, ContactId] = OrderedDict()

    def learn(self, call_id: str, contact_id: ContactId) -> bool:
        """This call is this contact's; returns whether that is new."""
        if self._contacts.get(call_id) == contact_id:
            return False
        self._contacts[call_id] = contact_id
        self._contacts.move_to_end(call_id)
        while len(self._contacts) > CALLS_MAX:
            self._contacts.popitem(last=False)
        return True

    def get(self, call_id: str) -> ContactId | None:
        """The contact of a call."""
        return self._contacts.get(call_id)


def same_but_age(one: Mapping[str, object] | None, other: Mapping[str, object] | None) -> bool:
    """Whether panels would show the same: how old an MSD is they reckon themselves."""
    return _without_age(one) == _without_age(other)


def _without_age(told: Mapping[str, object] | None) -> object:
    if told is None:
        return None
    shown = told.get("msd")
    if not isinstance(shown, dict):
        return told
    return {**told, "msd": {**shown, "age_s": None}}
