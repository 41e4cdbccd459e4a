"""What an account and a seat are, and what may be wrong with one."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from ccserver.types import AgentId

LANGUAGES = ("lv", "ru", "en")
LOGIN_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
"""1–64 ASCII letters, digits, dots, dashes: nothing that two keyboards type differently."""
EXTENSION_PATTERN = re.compile(r"[0-9]{2,6}")
"""Short enough to dial; a single digit would shadow the prefixes of longer ones."""
NAME_CHARS_MAX = 200


class Role(StrEnum):
    """What a person may do."""

    CALL_TAKER = "call_taker"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class DeviceKind(StrEnum):
    """What rings at a seat: a SIP phone, or the panel itself."""

    SIP = "sip"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may log in; ``agent_id`` is the seat, if the person takes calls."""

    login: str
    name: str
    role: Role
    language: str
    agent_id: AgentId | None


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


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What an admin changes about a person; ``None`` leaves it as it is.

    ``extension`` gives the person a seat, in the place of the old one if there was one, and
    ``remove_seat`` takes it away.
    """

    name: str | None = None
    role: Role | None = None
    language: str | None = None
    password: str | None = field(default=None, repr=False)
    extension: str | None = None
    device: DeviceKind | None = None
    remove_seat: bool = False


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
