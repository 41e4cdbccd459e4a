"""Stand-ins for the rooms that list their own routes: call-backs, routing, people, addresses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic

import msgspec

from ccserver.accounts import (
    Account,
    AccountInvalid,
    ApiKey,
    DeviceKind,
    NewKey,
    Person,
    PersonChange,
    Role,
    Scope,
    UnknownAccount,
    UnknownKey,
)
from ccserver.addresses import Address, AddressKind, Nearby
from ccserver.audit import AuditEntry, KeptEntry
from ccserver.catalogue import Catalogue, Prepared, default_catalogue
from ccserver.catalogue import check as check_catalogue
from ccserver.documents import (
    DocumentInvalid,
    Problem,
    Severity,
    Stored,
    UnknownVersion,
    VersionConflict,
    VersionHead,
    VersionUnusable,
)
from ccserver.documents.kind import D
from ccserver.location import Position
from ccserver.routing import DEFAULT_DOCUMENT, Document, check
from ccserver.types import AgentId, ContactId, ServiceCode
from ccserver.web.callbacks import CallbackMissing, CallbackPage
from ccserver.web.ports import JSONObject
from tests.routing.examples import SEATS
from tests.web.fakes import CONTACT, START, FakeAccounts

ADDRESS = Address(
    code="101010101",
    text="Brīvības iela 15, Rīga, LV-1010",
    postcode="LV-1010",
    lat=56.95,
    lon=24.11,
    x=311_900.0,
    y=506_700.0,
    kind=AddressKind.BUILDING,
    old=False,
    former_text=None,
    distance_m=None,
)
TASK = "0d8f3a52-6a0e-4a39-8a5e-2b8f0c9d2e77"


@dataclass
class FakeCallbacks:
    """One task; notes what is asked, fails where told to."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    fails: Exception | None = None

    def _note(self, *what: object) -> None:
        if self.fails:
            raise self.fails
        self.asked.append(what)

    async def page(self, *, done: bool, limit: int, before: str | None) -> CallbackPage:
        self._note("page", done, limit, before)
        return CallbackPage([{"task_id": TASK}], "next~one")

    async def call(self, task_id: str, agent_id: AgentId) -> ContactId:
        if task_id != TASK:
            raise CallbackMissing
        self._note("call", task_id, agent_id)
        return CONTACT

    async def close(self, task_id: str, outcome: str, *, by: str, note: str) -> JSONObject:
        if task_id != TASK:
            raise CallbackMissing
        self._note("close", task_id, outcome, by, note)
        return {"task_id": task_id, "outcome": outcome}


@dataclass
class FakeVersions(Generic[D]):
    """Versions in memory, checked by the real checks; ``None`` stands for an unusable one."""

    default: D
    checked: Callable[[D], list[Problem]]
    kept: list[Stored[D] | None] = field(default_factory=list)
    fails: Exception | None = None

    async def current(self) -> Stored[D]:
        if self.fails:
            raise self.fails
        usable = [stored for stored in self.kept if stored is not None]
        return replace(usable[-1] if usable else self._before_the_first(), newest=len(self.kept))

    async def check(self, document: D) -> list[Problem]:
        if self.fails:
            raise self.fails
        return self.checked(document)

    async def save(
        self, document: D, *, base_version: int, author: str, comment: str, at: datetime
    ) -> int:
        problems = await self.check(document)
        if any(problem.severity is Severity.ERROR for problem in problems):
            raise DocumentInvalid(problems)
        if base_version != len(self.kept):
            raise VersionConflict(await self.current())
        version = base_version + 1
        self.kept.append(Stored(version, document, at, author, comment, version))
        return version

    async def versions(self, limit: int, before: int | None) -> list[VersionHead]:
        found = [
            VersionHead(stored.version, stored.saved_at, stored.author, stored.comment)
            for stored in reversed(self.kept)
            if stored is not None
            and stored.saved_at is not None
            and (before is None or stored.version < before)
        ]
        return found[:limit]

    async def version(self, number: int) -> Stored[D]:
        if number == 0:
            return self._before_the_first()
        if number > len(self.kept):
            raise UnknownVersion
        stored = self.kept[number - 1]
        if stored is None:
            raise VersionUnusable
        return stored

    def _before_the_first(self) -> Stored[D]:
        return Stored(0, self.default, None, "ccserver", "", len(self.kept))


class FakeRouting(FakeVersions[Document]):
    """Versions of the routing."""

    def __init__(self) -> None:
        super().__init__(DEFAULT_DOCUMENT, lambda document: check(document, SEATS))


class FakeCatalogue(FakeVersions[Catalogue]):
    """Versions of the catalogue."""

    def __init__(self) -> None:
        super().__init__(default_catalogue(), check_catalogue)


class FakeInForce:
    """The default catalogue, without its areas until a test prepares them."""

    def __init__(self) -> None:
        self.version = 0
        self.prepared = Prepared.of(default_catalogue())
        self.told: list[int] = []

    @property
    def encoded(self) -> bytes:
        return msgspec.json.encode({"version": self.version, "catalogue": self.prepared.catalogue})

    def saved(self, version: int) -> None:
        self.told.append(version)


@dataclass
class FakeAudit:
    """Acts in memory, oldest first."""

    acts: list[AuditEntry] = field(default_factory=list)
    fails: Exception | None = None

    async def record(self, entry: AuditEntry) -> None:
        if self.fails:
            raise self.fails
        self.acts.append(entry)

    async def entries(
        self, *, limit: int, before: int | None = None, person: str | None = None
    ) -> list[KeptEntry]:
        kept = [KeptEntry(number, act) for number, act in enumerate(self.acts, 1)]
        return [
            one
            for one in reversed(kept)
            if (before is None or one.number < before)
            and (person is None or person in (one.entry.author, one.entry.login))
        ][:limit]


@dataclass
class FakeKeys:
    """Keys in memory; counts the look-ups."""

    kept: dict[str, ApiKey] = field(default_factory=dict)
    lookups: int = 0
    fails: Exception | None = None
    revoked: list[str] = field(default_factory=list)

    async def check(self, token: str) -> ApiKey | None:
        self.lookups += 1
        if self.fails:
            raise self.fails
        return self.kept.get(token)

    async def keys(self) -> list[ApiKey]:
        return list(self.kept.values())

    async def add(
        self,
        *,
        name: str,
        scopes: Sequence[Scope],
        service: str | None = None,
        expires_at: datetime | None = None,
        by: str,
    ) -> NewKey:
        if not scopes:
            raise AccountInvalid("scopes", "A key needs at least one scope.")
        key_id = f"{len(self.kept):012x}"
        code = None if service is None else ServiceCode(service)
        key = ApiKey(key_id, name, code, frozenset(scopes), START, by, expires_at, None, None)
        token = f"cck_{key_id}_{'s' * 43}"
        self.kept[token] = key
        return NewKey(key, token)

    async def revoke(self, key_id: str, *, by: str) -> ApiKey:
        for token, key in self.kept.items():
            if key.key_id == key_id:
                self.kept[token] = replace(key, revoked_at=START)
                self.revoked.append(by)
                return self.kept[token]
        raise UnknownKey


@dataclass
class FakeAddresses:
    """One address, whatever is asked; notes the questions, fails where told to."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    fails: Exception | None = None
    place: Address | None = None

    def _note(self, *what: object) -> None:
        if self.fails:
            raise self.fails
        self.asked.append(what)

    async def search(self, text: str, *, limit: int, near: Position | None = None) -> list[Address]:
        self._note("search", text, limit, near)
        return [ADDRESS]

    async def near(self, point: Position, *, limit: int) -> Nearby:
        self._note("near", point, limit)
        return Nearby((ADDRESS,), self.place)

    async def by_code(self, code: int) -> Address | None:
        self._note("by_code", code)
        return ADDRESS if ADDRESS.code == f"{code:09d}" else None


@dataclass
class FakePeople:
    """People over the fake accounts; refuses where told to."""

    accounts: FakeAccounts
    refuses: Exception | None = None
    changes: list[tuple[str, PersonChange, str]] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)

    async def people(self) -> list[Person]:
        return [self._person(account) for account in self.accounts.people.values()]

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
        if self.refuses:
            raise self.refuses
        account = Account(
            login, name, role, language, None, None if service is None else ServiceCode(service)
        )
        self.accounts.people[login] = account
        return account

    async def change(self, login: str, change: PersonChange, *, by: str) -> Person:
        if self.refuses:
            raise self.refuses
        if login not in self.accounts.people:
            raise UnknownAccount
        self.changes.append((login, change, by))
        account = self.accounts.people[login]
        if change.role is not None:
            account = self.accounts.people[login] = replace(account, role=change.role)
        return self._person(account)

    async def remove(self, login: str, *, by: str) -> None:
        if self.refuses:
            raise self.refuses
        if login not in self.accounts.people:
            raise UnknownAccount
        self.removed.append((login, by))

    def _person(self, account: Account) -> Person:
        seat = self.accounts.seats.get(account.agent_id) if account.agent_id else None
        return Person(
            account.login,
            account.name,
            account.role,
            account.language,
            account.agent_id,
            None if seat is None else seat.extension,
            None if seat is None else seat.device,
            account.service,
        )
