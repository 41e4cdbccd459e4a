"""Administration of people: who may log in, as what, and at which seat. For admins only."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog
from aiohttp import web

from ccserver.accounts import (
    Account,
    AccountExists,
    AccountInvalid,
    AccountRefused,
    DeviceKind,
    Person,
    PersonChange,
    Right,
    Role,
    UnknownAccount,
)
from ccserver.accounts.values import normalised_login
from ccserver.types import ServiceCode
from ccserver.web.access import Access, Route, signed_in
from ccserver.web.errors import APIError, check_text, json_response, not_found, read_body
from ccserver.web.sessions import Sessions

ADMINISTER = Access(Right.PEOPLE)

log = structlog.get_logger()


class PeoplePort(Protocol):
    """People and seats; `ccserver.accounts.AccountStore` fits."""

    async def people(self) -> Sequence[Person]:
        """Everybody, by login."""

    async def add(
        self,
        *,
        login: str,
        name: str,
        role: Role,
        language: str,
        password: str,
        extension: str | None = None,
        device: DeviceKind | None = None,
        service: str | None = None,
        by: str,
    ) -> Account:
        """Make an account; raises `AccountInvalid`, `AccountExists`."""

    async def change(self, login: str, change: PersonChange, *, by: str) -> Person:
        """Change one; raises `UnknownAccount`, and what `add` and `remove` raise."""

    async def remove(self, login: str, *, by: str) -> None:
        """Remove one; raises `UnknownAccount`, `AccountRefused`."""


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/people``."""

    login: str
    name: str
    role: Role
    language: str
    password: str
    extension: str | None = None
    device: DeviceKind | None = None
    service: str | None = None
    """Of a service's dispatcher."""

    def __repr__(self) -> str:
        """Without the password."""
        return f"NewPerson({self.login!r})"


class ChangedPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PATCH /api/people/{login}``: what is absent stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    role: Role | msgspec.UnsetType = msgspec.UNSET
    language: str | msgspec.UnsetType = msgspec.UNSET
    password: str | msgspec.UnsetType = msgspec.UNSET
    extension: str | msgspec.UnsetType | None = msgspec.UNSET
    """``null`` removes the seat."""
    device: DeviceKind | msgspec.UnsetType = msgspec.UNSET
    service: str | msgspec.UnsetType = msgspec.UNSET

    def __repr__(self) -> str:
        """Without the password."""
        return "ChangedPerson()"

    def change(self) -> PersonChange:
        """The change as the accounts understand it."""
        return PersonChange(
            name=self.name or None,
            role=self.role or None,
            language=self.language or None,
            password=self.password or None,
            extension=self.extension or None,
            device=self.device or None,
            remove_seat=self.extension is None,
            service=ServiceCode(self.service) if self.service else None,
        )


class PeopleAPI:
    """Handlers of ``/api/people``. ``seats_changed`` is called after every change of a seat."""

    def __init__(
        self,
        people: PeoplePort,
        sessions: Sessions,
        *,
        seats_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._seats_changed = seats_changed

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            Route("GET", "/api/people", self.people, ADMINISTER),
            Route("POST", "/api/people", self.add, ADMINISTER),
            Route("PATCH", "/api/people/{login}", self.change, ADMINISTER),
            Route("DELETE", "/api/people/{login}", self.remove, ADMINISTER),
        )

    async def people(self, _: web.Request) -> web.Response:
        """``GET /api/people``."""
        return json_response({"people": await self._people.people()})

    async def add(self, request: web.Request) -> web.Response:
        """``POST /api/people``: 201 with the person, 409 if the login or the extension is taken."""
        body = await read_body(request, NewPerson)
        _check_texts(login=body.login, name=body.name, password=body.password)
        _check_texts(service=body.service or "")
        by = signed_in(request).account.login
        try:
            account = await self._people.add(
                login=body.login,
                name=body.name,
                role=body.role,
                language=body.language,
                password=body.password,
                extension=body.extension,
                device=body.device,
                service=body.service,
                by=by,
            )
        except (AccountInvalid, AccountExists) as error:
            raise _told(error) from None
        log.info("person_added", login=account.login, by=by, role=account.role.value)
        seat = account.agent_id is not None
        person = Person(
            login=account.login,
            name=account.name,
            role=account.role,
            language=account.language,
            agent_id=account.agent_id,
            extension=body.extension if seat else None,
            device=(body.device or DeviceKind.SIP) if seat else None,
            service=account.service,
        )
        self._seats_changed()
        return json_response({"person": person}, status=201)

    async def change(self, request: web.Request) -> web.Response:
        """``PATCH /api/people/{login}``: a new password ends the person's sessions."""
        body = await read_body(request, ChangedPerson)
        _check_texts(name=body.name, password=body.password, service=body.service)
        for field in ("name", "language", "password", "extension", "service"):
            if getattr(body, field) == "":
                raise APIError(
                    422, "invalid_account", "This must not be empty.", extra={"field": field}
                )
        login, by = _login(request), signed_in(request).account.login
        try:
            person = await self._people.change(login, body.change(), by=by)
        except UnknownAccount:
            raise not_found("There is no account with this login.") from None
        except (AccountInvalid, AccountExists, AccountRefused) as error:
            raise _told(error) from None
        self._sessions.forget_login(person.login)
        self._seats_changed()
        return json_response({"person": person})

    async def remove(self, request: web.Request) -> web.Response:
        """``DELETE /api/people/{login}``: with the seat; what the person wrote stays."""
        login = _login(request)
        try:
            await self._people.remove(login, by=signed_in(request).account.login)
        except UnknownAccount:
            raise not_found("There is no account with this login.") from None
        except (AccountInvalid, AccountExists, AccountRefused) as error:
            raise _told(error) from None
        self._sessions.forget_login(login)
        self._seats_changed()
        return json_response({})


def _login(request: web.Request) -> str:
    try:
        return normalised_login(request.match_info["login"])
    except AccountInvalid:
        raise not_found("There is no account with this login.") from None


def _check_texts(**texts: str | msgspec.UnsetType) -> None:
    for name, text in texts.items():
        if isinstance(text, str):
            check_text(text, name)


def _told(error: AccountInvalid | AccountExists | AccountRefused) -> APIError:
    match error:
        case AccountInvalid(field=field):
            return APIError(422, "invalid_account", str(error), extra={"field": field})
        case AccountRefused(code=code):
            return APIError(409, code, str(error))
        case AccountExists():
            return APIError(409, "account_exists", str(error))
