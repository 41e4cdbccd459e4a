"""What an account and a seat are, and what may be wrong with one."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from ccserver.types import AgentId, ServiceCode

LANGUAGES = ("lv", "ru", "en")
LOGIN_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
"""1–64 ASCII letters, digits, dots, dashes: nothing that two keyboards type differently."""
EXTENSION_PATTERN = re.compile(r"[0-9]{2,6}")
"""Short enough to dial; a single digit would shadow the prefixes of longer ones."""
NAME_CHARS_MAX = 200
SERVICE_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,30}[A-Za-z0-9])?")
"""A code of the catalogue: 1–32 ASCII letters, digits, dots, dashes, underscores."""


class Role(StrEnum):
    """What a person is there for; `ccserver.accounts.rights` says what each may do."""

    CALL_TAKER = "call_taker"
    SUPERVISOR = "supervisor"
    SERVICE_DISPATCHER = "service_dispatcher"
    QUALITY_OFFICER = "quality_officer"
    TELECOM_ADMIN = "telecom_admin"
    SYSTEM_ADMIN = "system_admin"
    INTEGRATOR = "integrator"
    """A program with an API key; no person has it."""


PEOPLES_ROLES = tuple(role for role in Role if role is not Role.INTEGRATOR)
"""Those that a person can have."""


class DeviceKind(StrEnum):
    """What rings at a seat: a SIP phone, or the panel itself."""

    SIP = "sip"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may log in; ``agent_id`` is the seat, if the person takes calls.

    ``service`` is whose a service's dispatcher is, and nobody else's.
    """

    login: str
    name: str
    role: Role
    language: str
    agent_id: AgentId | None
    service: ServiceCode | None = None


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """A seat: ``agent_id`` is ``agent-<extension>``; the SIP password is never shown or logged."""

    agent_id: AgentId
    name: str
    extension: str
    device: DeviceKind
    sip_password: str = field(repr=False)

    @property
    def sip_username(self) -> str:
        """The SIP user, and the name of the phone's endpoint in Asterisk.

        The prefix keeps it apart from every telephone number: a citizen whose number happened to
        equal an extension would otherwise be asked for a call taker's password.
        """
        return f"ct-{self.extension}"


@dataclass(frozen=True, slots=True)
class Person:
    """A person and the seat, as an admin sees both: ``extension`` and ``device`` are the seat's."""

    login: str
    name: str
    role: Role
    language: str
    agent_id: AgentId | None
    extension: str | None
    device: DeviceKind | None
    service: ServiceCode | None = None


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What an admin changes about a person; ``None`` leaves it as it is.

    ``extension`` gives the person a seat, in the place of the old one if there was one, and
    ``remove_seat`` takes it away. ``service`` is that of a service's dispatcher; who gets another
    role loses it.
    """

    name: str | None = None
    role: Role | None = None
    language: str | None = None
    password: str | None = field(default=None, repr=False)
    extension: str | None = None
    device: DeviceKind | None = None
    remove_seat: bool = False
    service: ServiceCode | None = None


class AccountInvalid(ValueError):
    """An account cannot be made like this; ``field`` says what is wrong, the text says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class AccountExists(Exception):
    """The login or the extension is taken."""


class AccountRefused(Exception):
    """Nobody could administer the centre after this change; ``code`` is for programs.

    ``own_role`` and ``own_account``: admins change neither their own role nor remove themselves;
    ``last_admin``: one must remain.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnknownAccount(LookupError):
    """There is no account with this login."""


def normalised_login(login: str) -> str:
    """Return the login as stored: case does not matter. Raises `AccountInvalid`."""
    folded = login.strip().lower()
    if not LOGIN_PATTERN.fullmatch(folded):
        raise AccountInvalid(
            "login",
            "A login has 1 to 64 letters a-z, digits, dots, dashes or underscores, and begins "
            "and ends with a letter or a digit.",
        )
    return folded


def checked_role(role: str) -> Role:
    """Return the role if a person can have it. Raises `AccountInvalid`."""
    if role not in PEOPLES_ROLES:
        raise AccountInvalid("role", f"The role must be one of {', '.join(PEOPLES_ROLES)}.")
    return Role(role)


def checked_service(service: str | None, role: Role) -> ServiceCode | None:
    """Return the service that goes with the role. Raises `AccountInvalid`."""
    if role is not Role.SERVICE_DISPATCHER:
        if service is not None:
            raise AccountInvalid("service", "Only a service's dispatcher belongs to a service.")
        return None
    if service is None or not SERVICE_PATTERN.fullmatch(service):
        raise AccountInvalid(
            "service",
            "A service's dispatcher belongs to a service: a code of 1 to 32 letters a-z, digits, "
            "dots, dashes or underscores.",
        )
    return ServiceCode(service)


def checked_language(language: str) -> str:
    """Return ``language`` if the panel speaks it. Raises `AccountInvalid`."""
    if language not in LANGUAGES:
        raise AccountInvalid("language", f"The language must be one of {', '.join(LANGUAGES)}.")
    return language


def checked_extension(extension: str) -> str:
    """Return ``extension`` if it can be dialled. Raises `AccountInvalid`."""
    if not EXTENSION_PATTERN.fullmatch(extension):
        raise AccountInvalid("extension", "An extension has two to six digits.")
    return extension


def checked_name(name: str) -> str:
    """Return the person's name without surrounding space. Raises `AccountInvalid`."""
    text = name.strip()
    if not 1 <= len(text) <= NAME_CHARS_MAX or not text.isprintable():
        raise AccountInvalid("name", f"A name has 1 to {NAME_CHARS_MAX} printable characters.")
    return text
