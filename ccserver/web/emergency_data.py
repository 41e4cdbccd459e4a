"""What came with a call beside the voice; asking a car for more, and letting it go."""

from datetime import datetime
from typing import Protocol

import structlog
from aiohttp import web

from ccserver.accounts import Right
from ccserver.sipedge.client import EdgeUnreachable
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.access import READ_CARDS, Access, Route, signed_in
from ccserver.web.errors import APIError, json_response, not_found, path_id
from ccserver.web.gate import GATE
from ccserver.web.ports import ControlRefused, JSONObject
from ccserver.web.wire import iso_time

log = structlog.get_logger()

CALLS = Access(Right.CALLS)
PATH = "/api/contacts/{contact_id}"


class CannotAsk(Exception):
    """There is no call by which the car could be asked, or it was asked a moment ago."""


class EmergencyDataPort(Protocol):
    """The data of calls; `ccserver.ecall_desk.EmergencyData` fits."""

    async def card_of(self, contact_id: ContactId) -> IncidentId | None:
        """Which card the contact is on; ``None`` if there is no such contact."""

    async def data(self, contact_id: ContactId) -> JSONObject:
        """Everything that came with it."""

    async def request_msd(self, contact_id: ContactId, agent_id: AgentId | None) -> datetime:
        """Ask the car for a new MSD; returns when that was.

        Raises `CannotAsk` and `ccserver.sipedge.client.EdgeUnreachable`.
        """

    async def clear_down(
        self, contact_id: ContactId, agent_id: AgentId | None, *, supervises: bool, author: str
    ) -> None:
        """End the call in order, so that the car knows it; raises `ControlRefused`."""


class EmergencyDataAPI:
    """Handlers of what hangs on a contact's data."""

    def __init__(self, port: EmergencyDataPort) -> None:
        self._port = port

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            Route("GET", f"{PATH}/emergency-data", self.data, READ_CARDS, own_door=True),
            Route("POST", f"{PATH}/msd-requests", self.request_msd, CALLS),
            Route("POST", f"{PATH}/clear-down", self.clear_down, CALLS),
        )

    async def data(self, request: web.Request) -> web.Response:
        """``GET …/emergency-data``: for whoever may read the contact's card."""
        contact_id = _contact_of(request)
        incident_id = await self._port.card_of(contact_id)
        if incident_id is None:
            raise not_found("There is no such contact.")
        await request.app[GATE].admit(request, incident_id)
        return json_response(await self._port.data(contact_id))

    async def request_msd(self, request: web.Request) -> web.Response:
        """``POST …/msd-requests``: 202, the answer comes by the live connection."""
        contact_id = _contact_of(request)
        agent_id = signed_in(request).account.agent_id
        log.info("msd_wanted", agent_id=agent_id)
        try:
            at = await self._port.request_msd(contact_id, agent_id)
        except CannotAsk:
            raise APIError(409, "cannot_ask", "There is no car that could be asked now.") from None
        except EdgeUnreachable:
            raise APIError(503, "edge_unreachable", "The SIP edge does not answer.") from None
        return json_response({"state": "asked", "at": iso_time(at)}, status=202)

    async def clear_down(self, request: web.Request) -> web.Response:
        """``POST …/clear-down``: for whoever has the call, and supervisors."""
        contact_id = _contact_of(request)
        principal = signed_in(request)
        try:
            await self._port.clear_down(
                contact_id,
                principal.account.agent_id,
                supervises=principal.may(Right.SUPERVISE),
                author=principal.account.login,
            )
        except ControlRefused as refused:
            log.info("action_refused", code=refused.code)
            raise APIError(409, refused.code, refused.message) from None
        return web.Response(status=204)


def _contact_of(request: web.Request) -> ContactId:
    return ContactId(path_id(request, "contact_id", "contact"))
