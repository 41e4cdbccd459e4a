"""Who else has a card open: said every few seconds, and pushed to everybody when it changes."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import msgspec
from aiohttp import web

from ccserver.card.presence import CardPresence, Present
from ccserver.types import IncidentId
from ccserver.web.access import READ_CARDS, Route, signed_in
from ccserver.web.cards import incident_of
from ccserver.web.errors import check_text, json_response, read_body
from ccserver.web.ports import Clock

LOOK_S = 5.0
"""Between two looks for those who have gone without a word."""


class PresenceSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/cards/{incident_id}/presence``."""

    field: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class CardPresenceAPI:
    """Handlers of ``/api/cards/{incident_id}/presence``.

    ``publish`` pushes a message to the panels.
    """

    def __init__(
        self,
        clock: Clock,
        publish: Callable[[dict[str, object]], None],
    ) -> None:
        self._presence = CardPresence()
        self._clock = clock
        self._publish = publish

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        path = "/api/cards/{incident_id}/presence"
        return (
            Route("PUT", path, self.say, READ_CARDS),
            Route("DELETE", path, self.leave, READ_CARDS),
        )

    async def say(self, request: web.Request) -> web.Response:
        """``PUT``: the person has the card open; the answer tells who else has."""
        incident_id = incident_of(request)
        body = await read_body(request, PresenceSaid)
        field = None if body.field is None else check_text(body.field, "field")
        account = signed_in(request).account
        present = Present(account.login, account.name, field)
        if self._presence.seen(incident_id, present, self._clock.monotonic()):
            self._tell(incident_id)
        return json_response({"people": self.people(incident_id)})

    async def leave(self, request: web.Request) -> web.Response:
        """``DELETE``: the person has closed the card."""
        incident_id = incident_of(request)
        if self._presence.left(incident_id, signed_in(request).account.login):
            self._tell(incident_id)
        return json_response({})

    def people(self, incident_id: IncidentId) -> list[dict[str, object]]:
        """Who has the card open, as the card shows it."""
        now = self._clock.monotonic()
        return [
            {"login": one.login, "name": one.name, "field": one.field}
            for one in self._presence.people(incident_id, now)
        ]

    def look(self) -> None:
        """Tell of those who have gone without a word."""
        for incident_id in self._presence.forget(self._clock.monotonic()):
            self._tell(incident_id)

    async def run(self) -> None:
        """Look every `LOOK_S`, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def _tell(self, incident_id: IncidentId) -> None:
        people = self.people(incident_id)
        self._publish({"type": "card_presence", "incident_id": incident_id, "people": people})
