"""What was changed in the running of the centre, and by whom. For supervisors and admins."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from aiohttp import web

from ccserver.accounts import Person, Right
from ccserver.audit import AuditEntry, KeptEntry
from ccserver.web.access import Access, Route
from ccserver.web.errors import bad_request, check_text, json_response
from ccserver.web.wire import iso_time

LIMIT = 50
LIMIT_MAX = 100
PERSON_CHARS_MAX = 64
_NUMBER = re.compile(r"[0-9]{1,15}")


class AuditPort(Protocol):
    """Audited acts; `ccserver.audit.AuditStore` fits."""

    async def entries(
        self, *, limit: int, before: int | None = None, person: str | None = None
    ) -> Sequence[KeptEntry]:
        """Newest first; ``person`` did it, or it was done to."""

    async def record(self, entry: AuditEntry) -> None:
        """Write an act by itself; durable when it returns."""


class NamesPort(Protocol):
    """Who there is; `ccserver.accounts.AccountStore` fits."""

    async def people(self) -> Sequence[Person]:
        """Everybody, by login."""


class AuditAPI:
    """Handler of ``/api/audit``."""

    def __init__(self, audit: AuditPort, people: NamesPort) -> None:
        self._audit = audit
        self._people = people

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (Route("GET", "/api/audit", self.entries, Access(Right.AUDIT)),)

    async def entries(self, request: web.Request) -> web.Response:
        """``GET /api/audit?person=&limit=&before=``: newest first, with the names of people."""
        asked = _number(request, "limit")
        limit = LIMIT if asked is None else asked
        if not 1 <= limit <= LIMIT_MAX:
            raise bad_request(f"The parameter limit is from 1 to {LIMIT_MAX}.")
        person = check_text(request.query.get("person", ""), "person").strip().lower()
        if len(person) > PERSON_CHARS_MAX:
            raise bad_request(f"The parameter person holds at most {PERSON_CHARS_MAX} characters.")
        kept = await self._audit.entries(
            limit=limit, before=_number(request, "before"), person=person or None
        )
        people = await self._people.people()
        names = {one.login: one.name for one in people}
        return json_response(
            {
                "entries": [_entry_json(one, names) for one in kept],
                "next": kept[-1].number if len(kept) == limit else None,
                "people": [{"login": one.login, "name": one.name} for one in people],
            }
        )


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "")
    if text and not _NUMBER.fullmatch(text):
        raise bad_request(f"The parameter {name} is a whole number.")
    return int(text) if text else None


def _entry_json(kept: KeptEntry, names: Mapping[str, str]) -> dict[str, object]:
    entry = kept.entry
    return {
        "number": kept.number,
        "at": iso_time(entry.at),
        "tag": entry.tag.value,
        "author": entry.author,
        "author_name": names.get(entry.author),
        "login": entry.login,
        "name": names.get(entry.login) if entry.login else None,
        "agent_id": entry.agent_id,
        "comment": entry.comment,
        "data": entry.data,
    }
