"""What each role may do, and what each scope of an API key allows: the one table of it.

A route asks for one right by name and never for a role, so that a role is changed here alone.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from ccserver.accounts.values import Role


class Right(StrEnum):
    """One thing that somebody may do, as routes ask for it and ``/api/me`` tells it."""

    PANEL = "panel"
    """Log in: the own account, its language, the live connection."""
    CONTACTS = "contacts"
    """See the live centre: who calls, who talks with whom."""
    CALLS = "calls"
    """Have a seat, and at it take calls and place them."""
    CARDS_READ = "cards.read"
    """Read a card, within the bounds of `ccserver.web.reading`."""
    CARDS_SEARCH = "cards.search"
    """Look for cards, and list them."""
    CARDS_EDIT = "cards.edit"
    """Write on cards."""
    CALLBACKS = "callbacks"
    """See call-backs, make and close them."""
    RECORDINGS_OWN = "recordings.own"
    """Hear what the own seat handled."""
    RECORDINGS_HEAR = "recordings.hear"
    """Hear every recording."""
    DIRECTORY = "directory"
    """See the telephone numbers of services and interpreters."""
    ADDRESSES_READ = "addresses.read"
    """Look for addresses."""
    DESK = "desk"
    """See what a service was given, and keep its units."""
    INVOLVEMENTS_WRITE = "involvements.write"
    """Say how far a service is: seen, accepted, dispatched; of the centre alone: withdrawn."""
    SUPERVISE = "supervise"
    """Watch the shift, listen in, take over, set other people's presence."""
    ROUTING = "routing"
    """Read and change the routing plan."""
    CATALOGUE = "catalogue"
    """Change incident types, questions, hazards, services and areas."""
    AUDIT = "audit"
    """Read who did what in the running of the centre."""
    PEOPLE = "people"
    """Add, change and remove people."""
    KEYS = "keys"
    """Make and revoke API keys."""
    METRICS = "metrics"
    """Read ``/metrics`` from another machine."""
    WEBHOOKS = "webhooks"
    """Say where events are sent to."""
    EVENTS = "events"
    """Read the events that are sent."""
    CONTACTS_WRITE = "contacts.write"
    """Hand in contacts that came by another way than a call."""


_CALL_TAKING = frozenset(
    {
        Right.PANEL,
        Right.CONTACTS,
        Right.CALLS,
        Right.CARDS_READ,
        Right.CARDS_SEARCH,
        Right.CARDS_EDIT,
        Right.CALLBACKS,
        Right.RECORDINGS_OWN,
        Right.DIRECTORY,
        Right.ADDRESSES_READ,
        Right.INVOLVEMENTS_WRITE,
    }
)

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.CALL_TAKER: _CALL_TAKING,
    Role.SUPERVISOR: _CALL_TAKING
    | {
        Right.RECORDINGS_HEAR,
        Right.SUPERVISE,
        Right.ROUTING,
        Right.CATALOGUE,
        Right.AUDIT,
        # Of a service that has no desk of its own and reports by telephone.
        Right.DESK,
    },
    Role.SERVICE_DISPATCHER: frozenset(
        {
            Right.PANEL,
            Right.CARDS_READ,
            Right.DESK,
            Right.INVOLVEMENTS_WRITE,
            Right.ADDRESSES_READ,
        }
    ),
    Role.QUALITY_OFFICER: frozenset(
        {
            Right.PANEL,
            Right.CARDS_READ,
            Right.CARDS_SEARCH,
            Right.RECORDINGS_OWN,
            Right.RECORDINGS_HEAR,
        }
    ),
    Role.TELECOM_ADMIN: frozenset({Right.PANEL, Right.ROUTING, Right.DIRECTORY, Right.METRICS}),
    # Administers everything, may sit in for a call taker, and hears no recordings of others:
    # what citizens said is not needed to run the system.
    Role.SYSTEM_ADMIN: _CALL_TAKING
    | {
        Right.SUPERVISE,
        Right.ROUTING,
        Right.CATALOGUE,
        Right.AUDIT,
        Right.PEOPLE,
        Right.KEYS,
        Right.METRICS,
        Right.WEBHOOKS,
        Right.EVENTS,
    },
    # Nobody logs in as one: what a key may do its scopes say.
    Role.INTEGRATOR: frozenset(),
}


class Scope(StrEnum):
    """What an API key was made for."""

    INCIDENTS_READ = "incidents.read"
    INCIDENTS_WRITE = "incidents.write"
    INVOLVEMENTS_WRITE = "involvements.write"
    CONTACTS_WRITE = "contacts.write"
    WEBHOOKS = "webhooks"
    EVENTS = "events"
    ADDRESSES_READ = "addresses.read"


SCOPES: Mapping[Scope, frozenset[Right]] = {
    Scope.INCIDENTS_READ: frozenset({Right.CARDS_READ, Right.CARDS_SEARCH}),
    # What was saved in between is told to whoever saves over it, so writing includes reading.
    Scope.INCIDENTS_WRITE: frozenset({Right.CARDS_READ, Right.CARDS_EDIT}),
    # Who reports for a service sees what it was given.
    Scope.INVOLVEMENTS_WRITE: frozenset({Right.INVOLVEMENTS_WRITE, Right.DESK}),
    Scope.CONTACTS_WRITE: frozenset({Right.CONTACTS_WRITE}),
    Scope.WEBHOOKS: frozenset({Right.WEBHOOKS}),
    Scope.EVENTS: frozenset({Right.EVENTS}),
    Scope.ADDRESSES_READ: frozenset({Right.ADDRESSES_READ}),
}


def rights_of(role: Role) -> frozenset[Right]:
    """What a person in this role may do."""
    return RIGHTS[role]


def rights_of_scopes(scopes: Iterable[Scope]) -> frozenset[Right]:
    """What a key with these scopes may do."""
    return frozenset(right for scope in scopes for right in SCOPES[scope])
