"""What people do on cards in the panel: built here, so that the composition root has one line."""

from collections.abc import Callable
from pathlib import Path

from ccserver.card import AttachmentFiles, AttachmentStore, CardStore
from ccserver.db import Database
from ccserver.types import IncidentId
from ccserver.web.access import Route
from ccserver.web.attachments import AttachmentsAPI
from ccserver.web.card_fields import CardFieldsAPI
from ccserver.web.card_places import CardPlacesAPI
from ccserver.web.card_presence import CardPresenceAPI
from ccserver.web.ports import Clock
from ccserver.web.relations import RelationsAPI


class CardDesk:
    """Fields, places, files, who has a card open, and which cards belong together: their routes.

    ``changed`` is called after each change of a card, ``publish`` pushes to the panels.
    """

    def __init__(
        self,
        database: Database,
        cards: CardStore,
        *,
        data_dir: Path,
        clock: Clock,
        changed: Callable[[IncidentId], None],
        publish: Callable[[dict[str, object]], None],
    ) -> None:
        files = AttachmentFiles(data_dir / "attachments")
        self.attachments = AttachmentStore(database, files, changed=changed)
        self.presence = CardPresenceAPI(clock, publish)
        self._cards = cards
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            *CardFieldsAPI(self._cards, self._clock).routes(),
            *CardPlacesAPI(self._cards, self._clock).routes(),
            *AttachmentsAPI(self.attachments, self._clock).routes(),
            *self.presence.routes(),
            *RelationsAPI(self._cards, self._clock).routes(),
        )
