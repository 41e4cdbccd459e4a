"""People: logging in, one's own account, administration, API keys, the audit."""

from datetime import datetime

from ccserver.accounts import DeviceKind, Person, Role, Scope
from ccserver.audit import AuditTag
from ccserver.web.auth import Credentials, LanguageChoice
from ccserver.web.describe import Operation, Operations, Parameter, Shape, before, limit
from ccserver.web.keys import WantedKey
from ccserver.web.people import ChangedPerson, NewPerson


class Account(Shape, frozen=True):
    """Somebody who is signed in."""

    login: str
    name: str
    role: Role
    language: str
    agent_id: str | None
    service: str | None


class SignedIn(Shape, frozen=True):
    """The session is in the cookie."""

    account: Account


class Seat(Shape, frozen=True):
    """A call taker's seat."""

    agent_id: str
    name: str
    extension: str
    device: DeviceKind


class BrowserPhone(Shape, frozen=True):
    """How a browser registers as the seat's phone."""

    uri: str
    ws_url: str
    username: str
    password: str


class Server(Shape, frozen=True):
    """What a panel counts down."""

    version: str
    offer_timeout_s: float
    wrap_up_s: float


class Me(Shape, frozen=True):
    """Who asks, and what the panel needs to know of it."""

    account: Account
    agent: Seat | None
    phone: BrowserPhone | None
    server: Server
    rights: dict[str, bool]


class People(Shape, frozen=True):
    """Everybody, by login."""

    people: list[Person]


class OnePerson(Shape, frozen=True):
    """The person as it is now."""

    person: Person


class Key(Shape, frozen=True):
    """An API key without its secret."""

    key_id: str
    name: str
    service: str | None
    scopes: list[Scope]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class Keys(Shape, frozen=True):
    """All keys, newest first, and the scopes there are."""

    keys: list[Key]
    scopes: list[Scope]


class OneKey(Shape, frozen=True):
    """The key as it is now."""

    key: Key


class FreshKey(Shape, frozen=True):
    """A key with its token, which is shown this once."""

    key: Key
    token: str


class Act(Shape, frozen=True):
    """Who did what in the running of the centre."""

    number: int
    at: datetime
    tag: AuditTag
    author: str
    author_name: str | None
    login: str | None
    name: str | None
    agent_id: str | None
    comment: str
    data: dict[str, str | int | float | bool | None]


class Name(Shape, frozen=True):
    """A login and whose it is."""

    login: str
    name: str


class Acts(Shape, frozen=True):
    """Acts, newest first."""

    entries: list[Act]
    next: int | None
    people: list[Name]


PERSON_REFUSED = {409: ("account_exists", "own_role", "last_admin"), 422: ("invalid_account",)}

OPERATIONS: Operations = {
    ("POST", "/api/login"): Operation(
        SignedIn,
        bodies=(Credentials,),
        errors={401: ("wrong_credentials",), 429: ("too_many_attempts",)},
    ),
    ("POST", "/api/logout"): Operation(),
    ("GET", "/api/me"): Operation(Me),
    ("PUT", "/api/me/language"): Operation(
        bodies=(LanguageChoice,), summary="Choose the language of one's own panel."
    ),
    ("GET", "/api/people"): Operation(People, summary="Everybody who may log in."),
    ("POST", "/api/people"): Operation(
        OnePerson,
        status=201,
        bodies=(NewPerson,),
        errors=PERSON_REFUSED,
        summary="Add a person, with a seat or without.",
    ),
    ("PATCH", "/api/people/{login}"): Operation(
        OnePerson,
        bodies=(ChangedPerson,),
        errors=PERSON_REFUSED,
        summary="Change a person; a new password ends the sessions.",
    ),
    ("DELETE", "/api/people/{login}"): Operation(
        errors={409: ("own_account", "last_admin")},
        summary="Remove a person and the seat; what the person wrote stays.",
    ),
    ("GET", "/api/keys"): Operation(Keys),
    ("POST", "/api/keys"): Operation(
        FreshKey, status=201, bodies=(WantedKey,), errors={422: ("invalid_key",)}
    ),
    ("DELETE", "/api/keys/{key_id}"): Operation(
        OneKey, summary="Revoke a key for ever; it stays in the list."
    ),
    ("GET", "/api/audit"): Operation(
        Acts,
        summary="Who did what in the running of the centre, newest first.",
        parameters=(
            Parameter("person", str, "A login: what it did, or what was done to it."),
            limit(),
            before(int),
        ),
    ),
}
