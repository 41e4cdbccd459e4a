"""What comes with calls beside the voice: the desk, the edge and their routes, built here for the
composition root.

Voice and data arrive together by the edge, which also carries a request for a new MSD to the car; a
centre without one still reads what Asterisk itself was sent.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime

from ccserver.calldata.references import Dereferencer
from ccserver.calldata.spool import CallDataSpool
from ccserver.calldata.store import CallDataStore
from ccserver.card import CardStore
from ccserver.card.spill import JournalItem
from ccserver.chronicle import Chronicle
from ccserver.config import CallDataSettings, EdgeSettings
from ccserver.db import Database
from ccserver.ecall_desk.api import EmergencyData, HangUp
from ccserver.ecall_desk.desk import ECallDesk
from ccserver.ecall_desk.hand_over import HandOverDesk
from ccserver.live import LiveContact, LiveView
from ccserver.metrics import Metrics
from ccserver.sipedge.client import EdgeClient, EdgeWatch
from ccserver.telephony.call import CallFacts
from ccserver.types import ContactId, IncidentId
from ccserver.web.access import Route
from ccserver.web.ecalls import ECallsAPI
from ccserver.web.emergency_data import EmergencyDataAPI
from ccserver.web.ports import Clock


class ECalls:
    """The parts, their routes and tasks, and what the watch asks.

    ``facts_of``: what Asterisk has told of a live call. ``changed`` tells of a card, ``look`` that
    one was handed over which somebody must look at; ``priority_of`` is a service's at a moment.
    """

    def __init__(
        self,
        database: Database,
        live: LiveView,
        chronicle: Chronicle,
        cards: CardStore,
        *,
        edge: EdgeSettings,
        settings: CallDataSettings,
        spool: CallDataSpool,
        facts_of: Callable[[ContactId], CallFacts | None],
        changed: Callable[[IncidentId], None],
        look: Callable[[], None],
        priority_of: Callable[[str, datetime], int],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._live = live
        self._chronicle = chronicle
        self._cards = cards
        self._clock = clock
        self._edge = EdgeClient(edge) if edge.enabled else None
        self._watch = EdgeWatch(self._edge) if self._edge is not None else None
        store = CallDataStore(database)
        self._hand_overs = HandOverDesk(cards, store, changed, look=look, priority_of=priority_of)
        self.desk = ECallDesk(
            store,
            spool,
            live,
            chronicle,
            cards,
            edge=self._edge,
            references=Dereferencer(settings),
            facts_of=facts_of,
            settings=settings,
            metrics=metrics,
            clock=clock,
        )

    @property
    def stuck(self) -> bool:
        """Whether data lie somewhere that should have gone on."""
        return self.desk.stuck

    @property
    def edge_down(self) -> bool:
        """Whether the edge does not answer, where there is one."""
        return self._watch is not None and self._watch.down

    @property
    def node_down(self) -> bool:
        """Whether the edge says that an Asterisk of ours does not answer."""
        return self._watch is not None and self._watch.node_down

    def contact_added(self, contact: LiveContact) -> None:
        """A contact is alive."""
        self.desk.contact_added(contact)

    def noticed(self, contact_id: ContactId) -> None:
        """Something about a live contact has changed, or it is over."""
        self.desk.noticed(contact_id)

    def written(self, item: JournalItem) -> None:
        """The journal has written something."""
        self.desk.written(item)

    def routes(self, hang_up: HangUp) -> tuple[Route, ...]:
        """Every address with its access. ``hang_up`` ends a seat's call as its button does."""
        data = EmergencyData(
            self.desk,
            self._live,
            self._chronicle,
            card_of=self._cards.head_of_contact,
            hang_up=hang_up,
            clock=self._clock,
        )
        return (
            *EmergencyDataAPI(data).routes(),
            *ECallsAPI(self._hand_overs, self._clock).routes(),
        )

    def services(self) -> dict[str, Coroutine[None, None, None]]:
        """The tasks, by name; none ends by itself."""
        watch = {} if self._watch is None else {"edge": self._watch.run()}
        return {"call_data": self.desk.run(), **watch}

    async def close(self) -> None:
        """Let go of the edge."""
        if self._edge is not None:
            await self._edge.close()
