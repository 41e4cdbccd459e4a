"""What a call taker does to the own seat and to the contact in hand."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
import structlog
from aiohttp import web

from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.types import AgentId, ContactId
from ccserver.web.access import Handler, seat_of
from ccserver.web.errors import APIError, bad_request, json_response, path_id, read_body
from ccserver.web.ports import ControlPort, ControlRefused

log = structlog.get_logger()

ContactAction = Callable[[AgentId, ContactId], Awaitable[None]]


class PresenceChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/agent/presence``."""

    kind: PresenceKind
    reason: Literal["break", "training", "admin", "technical"] | None = None


class ControlAPI:
    """Handlers of ``/api/agent`` and ``/api/contacts``; 409 where the state does not allow."""

    def __init__(self, control: ControlPort) -> None:
        self._control = control
        self.contact_actions: dict[str, ContactAction] = {
            "answer": control.answer,
            "reject": control.reject,
            "hang-up": control.hang_up,
            "hold": control.hold,
            "resume": control.resume,
        }

    async def set_presence(self, request: web.Request) -> web.Response:
        """``PUT /api/agent/presence``."""
        choice = await read_body(request, PresenceChoice)
        if choice.reason is not None and choice.kind is not PresenceKind.NOT_READY:
            raise bad_request("A reason goes only with the presence not_ready.")
        presence = AgentPresence(choice.kind, choice.reason)
        await _refusable(self._control.set_presence(seat_of(request), presence))
        return json_response({})

    async def end_wrap_up(self, request: web.Request) -> web.Response:
        """``POST /api/agent/wrap-up/end``."""
        await _refusable(self._control.end_wrap_up(seat_of(request)))
        return json_response({})

    def contact_handler(self, action: str) -> Handler:
        """The handler of ``POST /api/contacts/{contact_id}/<action>``."""
        act = self.contact_actions[action]

        async def handle(request: web.Request) -> web.Response:
            agent_id = seat_of(request)
            contact_id = ContactId(path_id(request, "contact_id", "contact"))
            log.info("action_asked", action=action, agent_id=agent_id)
            await _refusable(act(agent_id, contact_id))
            return json_response({})

        return handle


async def _refusable(action: Awaitable[None]) -> None:
    try:
        await action
    except ControlRefused as refused:
        log.info("action_refused", code=refused.code)
        raise APIError(409, refused.code, refused.message) from None
