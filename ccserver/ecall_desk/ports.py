"""What the desk needs of others."""

from collections.abc import Sequence
from typing import Protocol

from ccserver.calldata.references import Fetched
from ccserver.card import CardHead
from ccserver.types import ContactId, IncidentId


class ReferencePort(Protocol):
    """Location servers; `ccserver.calldata.references.Dereferencer`."""

    async def fetch(self, uri: str) -> Fetched:
        """What the address answers; raises `ReferenceFailed`."""


class ContactsOfCards(Protocol):
    """The cards; `ccserver.card.CardStore`."""

    async def head_of_contact(self, contact_id: ContactId) -> CardHead | None:
        """Which card a contact is on."""

    async def contact_ids(self, incident_id: IncidentId) -> Sequence[ContactId]:
        """The contacts on a card, by arrival."""
