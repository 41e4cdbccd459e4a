"""What people do to the own seat, to the contact in hand, and to those of others by right."""

from collections.abc import Awaitable
from typing import Annotated, Literal, TypeVar

import msgspec
import structlog
from aiohttp import web

from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.audit import COMMENT_CHARS_MAX
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.access import Handler, seat_of, signed_in
from ccserver.web.errors import (
    APIError,
    bad_request,
    check_text,
    json_response,
    path_id,
    read_body,
)
from ccserver.web.ports import (
    ContactAction,
    ControlPort,
    ControlRefused,
    MonitorMode,
    ReachAction,
    TargetChoice,
)

log = structlog.get_logger()

T = TypeVar("T")


class PresenceChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/agent/presence``."""

    kind: PresenceKind
    reason: Literal["break", "training", "admin", "technical"] | None = None

    def presence(self) -> AgentPresence:
        """The value; raises `APIError` 400 for a reason that goes with nothing."""
        if self.reason is not None and self.kind is not PresenceKind.NOT_READY:
            raise bad_request("A reason goes only with the presence not_ready.")
        return AgentPresence(self.kind, self.reason)


class ForcedPresence(PresenceChoice, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/agents/{agent_id}/presence``; ``comment`` says why."""

    comment: Annotated[str, msgspec.Meta(max_length=COMMENT_CHARS_MAX)] = ""


class Reached(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of consult, transfer and invite."""

    target: TargetChoice


class Monitored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``monitor``."""

    mode: MonitorMode


class Dialled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/cards/{incident_id}/call``."""

    number: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]


class ControlAPI:
    """Handlers of ``/api/agent`` and ``/api/contacts``; 409 where the state does not allow."""

    def __init__(self, control: ControlPort) -> None:
        self._control = control

    async def set_presence(self, request: web.Request) -> web.Response:
        """``PUT /api/agent/presence``."""
        choice = await read_body(request, PresenceChoice)
        await _refusable(self._control.set_presence(seat_of(request), choice.presence()))
        return json_response({})

    async def force_presence(self, request: web.Request) -> web.Response:
        """``PUT /api/agents/{agent_id}/presence``: for another person; a call is not cut."""
        agent_id = AgentId(path_id(request, "agent_id", "seat"))
        choice = await read_body(request, ForcedPresence)
        comment = check_text(choice.comment.strip(), "comment")
        author = signed_in(request).account.login
        log.info("presence_forced", agent_id=agent_id, author=author, kind=choice.kind.value)
        await _refusable(
            self._control.force_presence(
                agent_id, choice.presence(), author=author, comment=comment
            )
        )
        return json_response({})

    async def end_wrap_up(self, request: web.Request) -> web.Response:
        """``POST /api/agent/wrap-up/end``."""
        await _refusable(self._control.end_wrap_up(seat_of(request)))
        return json_response({})

    async def extend_wrap_up(self, request: web.Request) -> web.Response:
        """``POST /api/agent/wrap-up/extend``."""
        await _refusable(self._control.extend_wrap_up(seat_of(request)))
        return json_response({})

    def contact_handler(self, action: ContactAction) -> Handler:
        """The handler of ``POST /api/contacts/{contact_id}/<action>``."""

        async def handle(request: web.Request) -> web.Response:
            agent_id, contact_id = _whose(request, action)
            await _refusable(self._control.act(agent_id, contact_id, action))
            return json_response({})

        return handle

    def reach_handler(self, action: ReachAction) -> Handler:
        """The handler of ``POST /api/contacts/{contact_id}/<action>`` with a target."""

        async def handle(request: web.Request) -> web.Response:
            agent_id, contact_id = _whose(request, action)
            body = await read_body(request, Reached)
            await _refusable(self._control.reach(agent_id, contact_id, action, body.target))
            return json_response({})

        return handle

    async def drop_party(self, request: web.Request) -> web.Response:
        """``POST /api/contacts/{contact_id}/parties/{party_id}/drop``."""
        agent_id, contact_id = _whose(request, "drop")
        party_id = path_id(request, "party_id", "party")
        await _refusable(self._control.drop_party(agent_id, contact_id, party_id))
        return json_response({})

    async def monitor(self, request: web.Request) -> web.Response:
        """``POST /api/contacts/{contact_id}/monitor``."""
        agent_id, contact_id = _whose(request, "monitor")
        body = await read_body(request, Monitored)
        await _refusable(self._control.monitor(agent_id, contact_id, body.mode))
        return json_response({})

    async def place_call(self, request: web.Request) -> web.Response:
        """``POST /api/cards/{incident_id}/call``."""
        incident_id = IncidentId(path_id(request, "incident_id", "card"))
        body = await read_body(request, Dialled)
        contact_id = await _refusable(
            self._control.place_call(seat_of(request), incident_id, body.number)
        )
        return json_response({"contact_id": contact_id})


def _whose(request: web.Request, action: str) -> tuple[AgentId, ContactId]:
    agent_id = seat_of(request)
    contact_id = ContactId(path_id(request, "contact_id", "contact"))
    log.info("action_asked", action=action, agent_id=agent_id)
    return agent_id, contact_id


async def _refusable(action: Awaitable[T]) -> T:
    try:
        return await action
    except ControlRefused as refused:
        log.info("action_refused", code=refused.code)
        raise APIError(409, refused.code, refused.message) from None
