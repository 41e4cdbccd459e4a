"""Reading and changing people, sessions, seats and presences."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ccserver.accounts.models import AccountRow, AgentRow, PresenceRow, SessionRow
from ccserver.accounts.passwords import Passwords, check_password
from ccserver.accounts.rights import Right, rights_of
from ccserver.accounts.values import (
    Account,
    AccountExists,
    AccountInvalid,
    AccountRefused,
    AgentProfile,
    DeviceKind,
    Person,
    PersonChange,
    Role,
    UnknownAccount,
    checked_extension,
    checked_language,
    checked_name,
    checked_role,
    checked_service,
    normalised_login,
)
from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.audit import AuditEntry, AuditTag, record
from ccserver.db import Database
from ccserver.types import AgentId, ServiceCode

log = structlog.get_logger(__name__)

TOKEN_BYTES = 32
"""256 bits: guessing one is hopeless, so its plain SHA-256 is a safe thing to store."""
SIP_PASSWORD_BYTES = 24
"""Gives 32 characters that need no escaping in Asterisk's configuration."""
SET_UP = "ccserver"
"""Author of what nobody did by name, such as the first accounts."""


def utc_now() -> datetime:
    """The time for records."""
    return datetime.now(UTC)


class AccountStore:
    """People, sessions and seats in the database.

    Every change of people is audited in its own transaction; ``by`` is the login of who makes it.
    Every method may raise `ccserver.db.DatabaseUnavailable`.
    """

    def __init__(
        self,
        db: Database,
        *,
        passwords: Passwords | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._db = db
        self._now = now
        self._passwords = passwords or Passwords()

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
        by: str = SET_UP,
    ) -> Account:
        """Make an account, and its seat where an ``extension`` is given (device: SIP by default).

        Raises `AccountInvalid` (which names the field) and `AccountExists`.
        """
        login, name = normalised_login(login), checked_name(name)
        role, language = checked_role(role), checked_language(language)
        service = checked_service(service, role)
        check_password(password, login=login)
        agent = None if extension is None else _new_agent(name, extension, device)
        _check_seat(role, device=device, seated=agent is not None)
        row = AccountRow(
            login=login,
            name=name,
            role=role,
            service=service,
            language=language,
            password_hash=await self._passwords.hash(password),
            agent_id=agent and agent.agent_id,
        )

        def insert(session: Session) -> Account:
            if session.get(AccountRow, login) is not None:
                raise AccountExists(f"The login {login} is taken.")
            if agent is not None:
                if session.get(AgentRow, agent.agent_id) is not None:
                    raise AccountExists(f"The extension {agent.extension} is taken.")
                session.merge(agent)
                session.flush()
            account = _account(session.merge(row))
            data = {"role": role.value, "extension": extension, "service": service}
            self._audit(session, AuditTag.PERSON_ADDED, by, account, data)
            return account

        try:
            account = await self._db.write(insert)
        except IntegrityError as error:
            raise AccountExists("The login or the extension is taken.") from error
        log.info("account_added", role=role.value, agent_id=account.agent_id)
        return account

    async def verify(self, login: str, password: str) -> Account | None:
        """Return the account if the password is right; a wrong login takes as long to refuse."""
        try:
            key = normalised_login(login)
        except AccountInvalid:
            key = ""
        row = await self._db.read(lambda session: session.get(AccountRow, key))
        if not await self._passwords.verify(row.password_hash if row else None, password):
            return None
        assert row is not None  # no other password is right
        if self._passwords.needs_rehash(row.password_hash):
            await self._store_hash(key, await self._passwords.hash(password), by=None)
        return _account(row)

    async def set_password(self, login: str, password: str, *, by: str = SET_UP) -> None:
        """Set a new password and end the person's sessions.

        Raises `UnknownAccount`, `AccountInvalid`.
        """
        key = normalised_login(login)
        check_password(password, login=key)
        await self._store_hash(key, await self._passwords.hash(password), by=by)

    async def set_language(self, login: str, language: str) -> None:
        """Choose the panel's language. Raises `UnknownAccount`, `AccountInvalid`."""
        checked_language(language)

        def update(session: Session) -> None:
            _existing(session, login).language = language

        await self._db.write(update)

    async def account(self, login: str) -> Account | None:
        """Return one account."""
        key = login.strip().lower()
        return await self._db.read(lambda session: _account_or_none(session.get(AccountRow, key)))

    async def accounts(self) -> list[Account]:
        """Return all accounts by login."""
        query = select(AccountRow).order_by(AccountRow.login)
        return await self._db.read(
            lambda session: [_account(row) for row in session.scalars(query)]
        )

    async def people(self) -> list[Person]:
        """Return everybody with the seat, by login."""
        query = (
            select(AccountRow, AgentRow)
            .outerjoin(AgentRow, AgentRow.agent_id == AccountRow.agent_id)
            .order_by(AccountRow.login)
        )
        return await self._db.read(
            lambda session: [_person(account, seat) for account, seat in session.execute(query)]
        )

    async def agent_ids(self) -> frozenset[AgentId]:
        """Return all seats."""
        query = select(AgentRow.agent_id)
        ids = await self._db.read(lambda session: session.scalars(query).all())
        return frozenset(AgentId(agent_id) for agent_id in ids)

    async def change(self, login: str, change: PersonChange, *, by: str) -> Person:
        """Change a person's account and seat, all or nothing. ``by`` is the admin's login.

        A new password ends the person's sessions. Raises `UnknownAccount`, `AccountInvalid`,
        `AccountExists` (the extension) and `AccountRefused`.
        """
        key = normalised_login(login)
        changed = _checked(change, login=key)
        if key == by and change.role not in (None, Role.SYSTEM_ADMIN):
            raise AccountRefused("own_role", "You cannot take the admin's role from yourself.")
        password_hash = None
        if change.password is not None:
            password_hash = await self._passwords.hash(change.password)

        def update(session: Session) -> Person:
            row = _existing(session, key)
            if changed.role is not None:
                leaves = changed.role is not Role.SYSTEM_ADMIN
                _keep_an_admin(session, without=key if leaves else None)
            row.name = changed.name or row.name
            row.role = changed.role or row.role
            _change_service(row, changed)
            row.language = changed.language or row.language
            if password_hash is not None:
                row.password_hash = password_hash
                session.execute(delete(SessionRow).where(SessionRow.login == key))
            person = _person(row, _change_seat(session, row, changed))
            self._audit_change(session, by, _account(row), change)
            return person

        try:
            person = await self._db.write(update)
        except IntegrityError as error:
            raise AccountExists("The extension is taken.") from error
        log.info("account_changed", login=key, by=by, fields=_fields(change))
        return person

    async def remove(self, login: str, *, by: str) -> None:
        """Remove a person, the sessions and the seat.

        What the person wrote stays, under the login. Raises `UnknownAccount`, `AccountRefused`.
        """
        key = normalised_login(login)
        if key == by:
            raise AccountRefused("own_account", "You cannot remove your own account.")

        def delete_all(session: Session) -> None:
            row = _existing(session, key)
            _keep_an_admin(session, without=key)
            self._audit(session, AuditTag.PERSON_REMOVED, by, _account(row), {"name": row.name})
            _remove_seat(session, row)
            session.execute(delete(SessionRow).where(SessionRow.login == key))
            session.delete(row)

        await self._db.write(delete_all)
        log.info("account_removed", login=key, by=by)

    async def open_session(self, login: str, *, now: datetime, ttl_s: float) -> str:
        """Begin a session and return its token, 43 URL-safe characters; purges expired sessions.

        Raises `UnknownAccount`.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires_at = now + timedelta(seconds=ttl_s)

        def insert(session: Session) -> None:
            account = _existing(session, login)
            session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
            session.add(
                SessionRow(
                    token_sha256=_digest(token),
                    login=account.login,
                    opened_at=now,
                    expires_at=expires_at,
                )
            )

        await self._db.write(insert)
        return token

    async def session_account(self, token: str, *, now: datetime) -> Account | None:
        """Return whose session this is; ``None`` for an unknown, closed or expired token."""
        query = (
            select(AccountRow)
            .join(SessionRow, SessionRow.login == AccountRow.login)
            .where(SessionRow.token_sha256 == _digest(token), SessionRow.expires_at > now)
        )
        return await self._db.read(lambda session: _account_or_none(session.scalar(query)))

    async def close_session(self, token: str) -> None:
        """End a session; an unknown token is already ended."""
        query = delete(SessionRow).where(SessionRow.token_sha256 == _digest(token))
        await self._db.write(lambda session: session.execute(query) and None)

    async def agents(self) -> list[AgentProfile]:
        """Return all seats by extension."""
        query = select(AgentRow).order_by(AgentRow.extension)
        return await self._db.read(lambda session: [_agent(row) for row in session.scalars(query)])

    async def agent(self, agent_id: AgentId) -> AgentProfile | None:
        """Return one seat."""
        row = await self._db.read(lambda session: session.get(AgentRow, agent_id))
        return None if row is None else _agent(row)

    async def save_presence(
        self,
        agent_id: AgentId,
        kind: PresenceKind,
        reason: str | None,
        at: datetime,
        *,
        forced: AuditEntry | None = None,
    ) -> None:
        """Remember what a seat declared; a seat that no longer exists is ignored.

        ``forced``: somebody else did it, which is audited in any case.
        """

        def upsert(session: Session) -> None:
            if forced is not None:
                whose = session.scalar(
                    select(AccountRow.login).where(AccountRow.agent_id == agent_id)
                )
                record(session, replace(forced, login=whose))
            if session.get(AgentRow, agent_id) is None:
                log.warning("presence_of_unknown_agent", agent_id=agent_id)
                return
            session.merge(
                PresenceRow(
                    agent_id=agent_id, kind=PresenceKind(kind), reason=reason, changed_at=at
                )
            )

        await self._db.write(upsert)

    async def presences(self) -> Mapping[AgentId, AgentPresence]:
        """Return what every seat declared last; a seat that never did is absent."""
        query = select(PresenceRow).order_by(PresenceRow.agent_id)
        rows = await self._db.read(lambda session: session.scalars(query).all())
        return {
            AgentId(row.agent_id): AgentPresence(PresenceKind(row.kind), row.reason) for row in rows
        }

    async def _store_hash(self, login: str, password_hash: str, *, by: str | None) -> None:
        """``by`` somebody: a new password, which ends the sessions; else another hash of it."""

        def update(session: Session) -> None:
            row = _existing(session, login)
            row.password_hash = password_hash
            if by is not None:
                session.execute(delete(SessionRow).where(SessionRow.login == login))
                self._audit(session, AuditTag.PASSWORD_SET, by, _account(row))

        await self._db.write(update)

    def _audit_change(
        self, session: Session, by: str, account: Account, change: PersonChange
    ) -> None:
        """One entry for the password, one that names the other fields."""
        if change.password is not None:
            self._audit(session, AuditTag.PASSWORD_SET, by, account)
        others = [name for name in _fields(change) if name != "password"]
        if others:
            data = {"fields": ", ".join(others), "role": account.role.value}
            self._audit(session, AuditTag.PERSON_CHANGED, by, account, data)

    def _audit(
        self,
        session: Session,
        tag: AuditTag,
        by: str,
        account: Account,
        data: Mapping[str, str | None] | None = None,
    ) -> None:
        entry = AuditEntry(
            tag, self._now(), by, account.login, account.agent_id, data=dict(data or {})
        )
        record(session, entry)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _new_agent(name: str, extension: str, device: DeviceKind | None) -> AgentRow:
    return AgentRow(
        agent_id=f"agent-{checked_extension(extension)}",
        name=name,
        extension=extension,
        device=DeviceKind(device or DeviceKind.SIP),
        sip_password=secrets.token_urlsafe(SIP_PASSWORD_BYTES),
    )


def _checked(change: PersonChange, *, login: str) -> PersonChange:
    """Return the change with its values as stored. Raises `AccountInvalid`."""
    if change.language is not None:
        checked_language(change.language)
    if change.password is not None:
        check_password(change.password, login=login)
    if change.extension is not None:
        checked_extension(change.extension)
    name = None if change.name is None else checked_name(change.name)
    role = None if change.role is None else checked_role(change.role)
    return replace(change, name=name, role=role)


def _fields(change: PersonChange) -> list[str]:
    """Return the names of what was changed, for the log; never the values."""
    return [field.name for field in fields(change) if getattr(change, field.name)]


def _keep_an_admin(session: Session, *, without: str | None) -> None:
    """Raise `AccountRefused` if ``without`` is the last admin. Locks, so that two cannot go."""
    query = select(AccountRow.login).where(AccountRow.role == Role.SYSTEM_ADMIN).with_for_update()
    admins = set(session.scalars(query))
    if without in admins and len(admins) == 1:
        raise AccountRefused("last_admin", "This is the last admin: name another one first.")


def _change_seat(session: Session, row: AccountRow, change: PersonChange) -> AgentRow | None:
    """Give, change or remove the seat; return the one that the person has now."""
    seat = None if row.agent_id is None else session.get(AgentRow, row.agent_id)
    moves = change.extension is not None and (seat is None or seat.extension != change.extension)
    if change.remove_seat or moves:
        device = None if seat is None else DeviceKind(seat.device)
        _remove_seat(session, row)
        seat = None
        if change.extension is not None:
            seat = _new_agent(row.name, change.extension, change.device or device)
            if session.get(AgentRow, seat.agent_id) is not None:
                raise AccountExists(f"The extension {change.extension} is taken.")
            session.add(seat)
            session.flush()
            row.agent_id = seat.agent_id
    _check_seat(Role(row.role), device=change.device, seated=seat is not None)
    if seat is None:
        return None
    seat.name = row.name
    seat.device = change.device or seat.device
    return seat


def _check_seat(role: Role, *, device: DeviceKind | None, seated: bool) -> None:
    """Raise `AccountInvalid` where the role needs a seat, or must have none."""
    if seated and Right.CALLS not in rights_of(role):
        raise AccountInvalid("extension", "A person in this role takes no calls and has no seat.")
    if not seated and (device is not None or role is Role.CALL_TAKER):
        raise AccountInvalid("extension", "A seat needs an extension.")


def _change_service(row: AccountRow, change: PersonChange) -> None:
    """Set the service that goes with the role that the person has now."""
    role = Role(row.role)
    kept = row.service if role is Role.SERVICE_DISPATCHER else None
    row.service = checked_service(change.service or kept, role)


def _remove_seat(session: Session, row: AccountRow) -> None:
    agent_id, row.agent_id = row.agent_id, None
    session.flush()  # the account's reference goes before what it refers to
    if agent_id is not None:
        session.execute(delete(AgentRow).where(AgentRow.agent_id == agent_id))


def _existing(session: Session, login: str) -> AccountRow:
    row = session.get(AccountRow, login.strip().lower())
    if row is None:
        raise UnknownAccount("There is no account with this login.")
    return row


def _account_or_none(row: AccountRow | None) -> Account | None:
    return None if row is None else _account(row)


def _account(row: AccountRow) -> Account:
    return Account(
        login=row.login,
        name=row.name,
        role=Role(row.role),
        language=row.language,
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        service=None if row.service is None else ServiceCode(row.service),
    )


def _person(row: AccountRow, seat: AgentRow | None) -> Person:
    return Person(
        login=row.login,
        name=row.name,
        role=Role(row.role),
        language=row.language,
        agent_id=None if seat is None else AgentId(seat.agent_id),
        extension=None if seat is None else seat.extension,
        device=None if seat is None else DeviceKind(seat.device),
        service=None if row.service is None else ServiceCode(row.service),
    )


def _agent(row: AgentRow) -> AgentProfile:
    return AgentProfile(
        agent_id=AgentId(row.agent_id),
        name=row.name,
        extension=row.extension,
        device=DeviceKind(row.device),
        sip_password=row.sip_password,
    )
