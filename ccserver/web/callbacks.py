"""Call-backs: the list of who is to be called, one click to call, and closing by hand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec
import structlog
from aiohttp import web

from ccserver.accounts import Right
from ccserver.types import AgentId, ContactId
from ccserver.web.access import SEAT, Access, Route, seat_of, signed_in
from ccserver.web.errors import (
    APIError,
    bad_request,
    check_text,
    json_response,
    not_found,
    path_id,
    read_body,
)
from ccserver.web.ports import ControlRefused, JSONObject

NOTE_LENGTH_MAX = 2_000
"""A few sentences; the rest belongs on the card."""

CURSOR_LENGTH_MAX = 128
"""A cursor is a priority, a time and a UUID, some seventy characters; it is only handed through."""

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
"""Of one page; the panel asks for the next when it is scrolled to."""

CALLBACKS = Access(Right.CALLBACKS)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CallbackPage:
    """Tasks; ``next_cursor`` is the ``before`` of the following page."""

    tasks: Sequence[JSONObject]
    next_cursor: str | None


class CallbackMissing(LookupError):
    """There is no such task."""


class CallbackTaken(Exception):
    """Somebody else is calling; nobody by name while the task stands in line."""

    def __init__(self, agent_id: AgentId | None, agent_name: str | None) -> None:
        super().__init__("taken")
        self.agent_id = agent_id
        self.agent_name = agent_name


class CallbackClosed(Exception):
    """The task is done, closed by the login ``closed_by`` if it was a person."""

    def __init__(self, outcome: str | None, closed_by: str | None) -> None:
        super().__init__("closed")
        self.outcome = outcome
        self.closed_by = closed_by


class CallbackNotDialable(Exception):
    """There is no number to call."""


class CallbacksPort(Protocol):
    """Call-back tasks as JSON."""

    async def page(self, *, done: bool, limit: int, before: str | None) -> CallbackPage:
        """Open tasks in the order of the offers, or those done, last closed first.

        A ``before`` never given out is no error.
        """

    async def call(self, task_id: str, agent_id: AgentId) -> ContactId:
        """Ring the seat, then the citizen; returns the contact as soon as it has its id.

        Raises `CallbackMissing`, `CallbackTaken`, `CallbackClosed`, `CallbackNotDialable`, and
        `ControlRefused` where the seat cannot call now.
        """

    async def close(self, task_id: str, outcome: str, *, by: str, note: str) -> JSONObject:
        """Close the task; durable when it returns. Raises `CallbackMissing`, `CallbackClosed`."""


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/callbacks/{task_id}/close``."""

    outcome: Literal["reached", "not_needed", "no_answer"]
    note: str = ""


class CallbacksAPI:
    """Handlers of ``/api/callbacks``."""

    def __init__(self, callbacks: CallbacksPort) -> None:
        self._callbacks = callbacks

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            Route("GET", "/api/callbacks", self.search, CALLBACKS),
            Route("POST", "/api/callbacks/{task_id}/call", self.call, SEAT),
            Route("POST", "/api/callbacks/{task_id}/close", self.close, CALLBACKS),
        )

    async def search(self, request: web.Request) -> web.Response:
        """``GET /api/callbacks?state=open|done&limit=&before=``."""
        state = request.query.get("state", "open")
        if state not in {"open", "done"}:
            raise bad_request("The parameter state is open or done.")
        before = check_text(request.query.get("before", ""), "before")
        if len(before) > CURSOR_LENGTH_MAX:
            raise bad_request(f"The parameter before holds at most {CURSOR_LENGTH_MAX} characters.")
        page = await self._callbacks.page(
            done=state == "done", limit=_limit(request), before=before or None
        )
        return json_response({"callbacks": page.tasks, "next": page.next_cursor})

    async def call(self, request: web.Request) -> web.Response:
        """``POST /api/callbacks/{task_id}/call``: one click, from the own seat."""
        task_id = path_id(request, "task_id", "call-back")
        agent_id = seat_of(request)
        log.info("callback_asked", task_id=task_id, agent_id=agent_id)
        try:
            contact_id = await self._callbacks.call(task_id, agent_id)
        except Exception as error:
            raise _told(error) from None
        return json_response({"contact_id": contact_id})

    async def close(self, request: web.Request) -> web.Response:
        """``POST /api/callbacks/{task_id}/close``."""
        task_id = path_id(request, "task_id", "call-back")
        body = await read_body(request, Closing)
        note = check_text(body.note, "note").strip()
        if len(note) > NOTE_LENGTH_MAX:
            raise bad_request(f"The field note holds at most {NOTE_LENGTH_MAX} characters.")
        by = signed_in(request).account.login
        try:
            task = await self._callbacks.close(task_id, body.outcome, by=by, note=note)
        except Exception as error:
            raise _told(error) from None
        return json_response({"callback": task})


def _told(error: Exception) -> Exception:
    """What the client is told; an error that is none of this subject's goes on as it is."""
    match error:
        case CallbackMissing():
            return not_found("There is no such call-back.")
        case CallbackTaken(agent_id=agent_id, agent_name=agent_name):
            told = (
                "The call-back stands in line already."
                if agent_id is None
                else "A colleague is calling already."
            )
            who = {"agent_id": agent_id, "agent_name": agent_name}
            return APIError(409, "taken", told, extra={"by": who})
        case CallbackClosed(outcome=outcome, closed_by=closed_by):
            extra = {"outcome": outcome, "closed_by": closed_by}
            return APIError(409, "closed", "The call-back is done already.", extra=extra)
        case CallbackNotDialable():
            return APIError(409, "no_number", "There is no number to call. Look at the card.")
        case ControlRefused(code=code, message=message):
            return APIError(409, code, message)
        case _:
            return error


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(LIMIT_DEFAULT))
    if not (re.fullmatch(r"[0-9]{1,3}", text) and 1 <= int(text) <= LIMIT_MAX):
        raise bad_request(f"The parameter limit is a whole number from 1 to {LIMIT_MAX}.")
    return int(text)
