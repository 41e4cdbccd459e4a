"""What becomes of the centre's doings on the cards: every contact opens one, every step is told.

Nothing here waits: entries are handed to the card journal, which writes them in its own time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from ccserver.acd.events import Direction
from ccserver.card import ContactOpened, LocationTold, TimelineEntry, TimelineTag
from ccserver.card.journal import CardJournal
from ccserver.card.outcome import LOSSES
from ccserver.card.spill import JournalItem
from ccserver.ecall.urn import is_test
from ccserver.live import LiveContact, LiveView, Publish
from ccserver.location import Location, LocationKind
from ccserver.telephony.call import CallFacts
from ccserver.telephony.queue_log import JournalEntry, JournalKind
from ccserver.types import AgentId, ContactId, IncidentId, Medium
from ccserver.web.ports import Clock

OPENED_REMEMBERED_MAX = 10_000  # cards this process has opened: spares the database a second look

Data = str | int | float | bool | None


class Chronicle:
    """Writes cards and timelines, and tells the panels which card is whose."""

    def __init__(
        self, journal: CardJournal, live: LiveView, *, publish: Publish, clock: Clock
    ) -> None:
        self._journal = journal
        self._live = live
        self._publish = publish
        self._clock = clock
        self._opened: OrderedDict[ContactId, tuple[IncidentId | None, str | None]] = OrderedDict()
        self._parachute_answered: OrderedDict[ContactId, None] = OrderedDict()
        self._written: dict[ContactId, tuple[IncidentId, str | None]] = {}
        self._changed: dict[IncidentId, None] = {}
        self._unseen: OrderedDict[ContactId, None] = OrderedDict()
        """Contacts of which only Asterisk's journal told."""

    # -- what this process does -----------------------------------------------------------------

    def card_of(self, contact_id: ContactId) -> tuple[IncidentId | None, str | None]:
        """The contact's card and its number, as far as the database has answered."""
        return self._opened.get(contact_id, (None, None))

    def open_card(
        self,
        facts: CallFacts,
        *,
        queue: str,
        priority: int,
        incident_id: IncidentId | None = None,
    ) -> None:
        """The contact gets its card, or its place on one; asking again changes nothing."""
        self._open(
            ContactOpened(
                contact_id=facts.contact_id,
                medium=Medium.VOICE,
                queue=queue,
                priority=priority,
                caller_number=facts.caller_number,
                caller_number_hidden=facts.caller_number_hidden,
                called_number=facts.called_number,
                arrived_at=facts.arrived_at,
                direction=Direction.OUTBOUND if facts.outbound else Direction.INBOUND,
                incident_id=incident_id,
                service=facts.service,
                test=is_test(facts.service),
            )
        )

    def open_text_card(
        self, contact: LiveContact, our_number: str, *, incident_id: IncidentId | None
    ) -> None:
        """As `open_card`, for a contact by text to this number of ours."""
        self._open(
            ContactOpened(
                contact_id=contact.contact_id,
                medium=contact.medium,
                queue=contact.queue,
                priority=contact.priority,
                caller_number=contact.caller_number,
                caller_number_hidden=contact.caller_number_hidden,
                called_number=our_number,
                arrived_at=contact.arrived_at,
                incident_id=incident_id,
            )
        )

    def _open(self, opened: ContactOpened) -> None:
        if opened.contact_id in self._opened:
            return
        self._opened[opened.contact_id] = (None, None)
        if len(self._opened) > OPENED_REMEMBERED_MAX:
            self._opened.popitem(last=False)
        self._journal.submit(opened)

    def write(
        self,
        contact_id: ContactId,
        tag: TimelineTag,
        key: str,
        agent_id: AgentId | None = None,
        **data: Data,
    ) -> None:
        """Add an entry; the same ``key`` again is the same entry."""
        self._journal.submit(
            TimelineEntry(contact_id, tag, self._clock.now(), key, agent_id=agent_id, data=data)
        )

    def write_now(
        self,
        contact_id: ContactId,
        tag: TimelineTag,
        key: str,
        agent_id: AgentId | None = None,
        **data: Data,
    ) -> None:
        """Add an entry for what can happen several times: the time makes the key."""
        stamp = int(self._clock.now().timestamp() * 1000)
        self.write(contact_id, tag, f"{key}-{stamp}", agent_id, **data)

    def write_past(self, entry: TimelineEntry) -> None:
        """Add an entry for what happened before; its contact's card may come later than it."""
        self._journal.submit(entry)

    def locate(
        self,
        contact_id: ContactId,
        key: str,
        location: Location,
        *,
        kind: LocationKind = LocationKind.CALLER,
        author: str | None = None,
    ) -> None:
        """Keep where the contact is said to be; its card may come later than this.

        The same ``key`` again is the same location. The panels hear of it when it is written.
        ``author``: the login of the other system that told it, where one did.
        """
        self._journal.submit(LocationTold.of(contact_id, key, location, kind=kind, author=author))

    def tell(
        self,
        contact: LiveContact,
        tag: TimelineTag,
        key: str,
        agent_id: AgentId | None = None,
        **data: Data,
    ) -> None:
        """`write_now`, and the panels see the contact as it is."""
        self.write_now(contact.contact_id, tag, key, agent_id, **data)
        self._live.changed(contact)

    # -- what the database answers --------------------------------------------------------------

    def card_written(
        self, contact_id: ContactId, incident_id: IncidentId, number: str | None
    ) -> None:
        """The database has it: tell the panels which card it is."""
        known = self._opened.get(contact_id)
        if known is not None and number is not None:
            self._opened[contact_id] = (incident_id, number)
        contact = self._live.get(contact_id)
        # A card that a call was placed for may have been merged into another meanwhile.
        news = number is not None or (contact is not None and contact.incident_id is None)
        if contact is not None and news and contact.incident_id != incident_id:
            contact.incident_id, contact.card_number = incident_id, number
            self._live.changed(contact)
        self._publish_soon()
        self._written[contact_id] = (incident_id, number or (known[1] if known else None))

    def moved(self, contact_ids: Iterable[ContactId], incident_id: IncidentId, number: str) -> None:
        """Contacts are on another card from now on: the panels show that one."""
        for contact_id in contact_ids:
            if contact_id in self._opened:
                self._opened[contact_id] = (incident_id, number)
            contact = self._live.get(contact_id)
            if contact is not None:
                contact.incident_id, contact.card_number = incident_id, number
                self._live.changed(contact)

    def card_changed(self, incident_id: IncidentId) -> None:
        """People changed the card, and the database has it: tell the panels."""
        self._publish_soon()
        self._changed[incident_id] = None

    def _publish_soon(self) -> None:
        """The entries of one transaction come in a row; a card that has several is told once."""
        if not self._written and not self._changed:
            asyncio.get_running_loop().call_soon(self._publish_written)

    def _publish_written(self) -> None:
        written, self._written = self._written, {}
        changed, self._changed = self._changed, {}
        for contact_id, (incident_id, number) in written.items():
            changed.pop(incident_id, None)
            self._publish(_card_message(incident_id, [contact_id], number), None)
        for incident_id in changed:
            self._publish(_card_message(incident_id, [], None), None)

    # -- what only Asterisk saw -----------------------------------------------------------------

    def journal_read(self, entry: JournalEntry, *, queue: str, priority: int) -> None:
        """A line of Asterisk's own journal: whatever this process did not see gets its card."""
        if entry.facts is not None:
            if entry.contact_id not in self._opened:
                _remember(self._unseen, entry.contact_id)
            self.open_card(entry.facts, queue=queue, priority=priority)
        elif entry.kind is JournalKind.PARACHUTE_ENTERED:
            self._submit(entry, TimelineTag.PARACHUTE_ENTERED)
        elif entry.kind is JournalKind.PARACHUTE_ANSWERED:
            _remember(self._parachute_answered, entry.contact_id)
            self._submit(entry, TimelineTag.PARACHUTE_ANSWERED)
        elif entry.kind is JournalKind.ENDED and self._live.get(entry.contact_id) is None:
            # Nobody here saw an answer. If a former process did, its entry makes the card's
            # outcome "ended" or "cut off"; if none did, somebody has to be called back.
            answered = self._parachute_answered.pop(entry.contact_id, False) is None
            by_a_person = TimelineTag.ENDED if answered else TimelineTag.ABANDONED
            self._submit(entry, TimelineTag.CUT_OFF if entry.cut else by_a_person)

    def unseen_loss(self, item: JournalItem) -> bool:
        """Whether this tells of a caller lost whom this process never saw; once for each."""
        lost = isinstance(item, TimelineEntry) and item.tag in LOSSES
        return lost and self._unseen.pop(item.contact_id, False) is None

    def _submit(self, entry: JournalEntry, tag: TimelineTag) -> None:
        self._journal.submit(
            TimelineEntry(entry.contact_id, tag, entry.at, entry.key, agent_id=entry.agent_id)
        )


def _card_message(
    incident_id: IncidentId, contact_ids: list[ContactId], number: str | None
) -> dict[str, object]:
    return {
        "type": "card",
        "incident_id": incident_id,
        "contact_ids": contact_ids,
        "number": number,
    }


def _remember(contacts: OrderedDict[ContactId, None], contact_id: ContactId) -> None:
    contacts[contact_id] = None
    if len(contacts) > OPENED_REMEMBERED_MAX:
        contacts.popitem(last=False)
