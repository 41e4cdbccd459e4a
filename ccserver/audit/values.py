"""What an audit entry holds, as the other rooms see it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ccserver.types import AgentId

COMMENT_CHARS_MAX = 500
"""Why it was done, in a sentence or two."""

Data = str | int | float | bool | None


class AuditTag(StrEnum):
    """Everything that is audited; a closed list, because readers rely on it."""

    PRESENCE_FORCED = "presence_forced"
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"
    PERSON_REMOVED = "person_removed"
    PASSWORD_SET = "password_set"  # noqa: S105 - the act, not a secret
    ROUTING_SAVED = "routing_saved"
    CATALOGUE_SAVED = "catalogue_saved"
    MESSAGING_SAVED = "messaging_saved"
    KEY_ADDED = "key_added"
    KEY_REVOKED = "key_revoked"
    WEBHOOK_ADDED = "webhook_added"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_SECRET_SET = "webhook_secret_set"  # noqa: S105 - the act, not a secret
    WEBHOOK_REMOVED = "webhook_removed"
    WEBHOOK_REPLAYED = "webhook_replayed"
    CARD_READ = "card_read"
    """By somebody outside of it, who said why."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """``author`` did something at ``at`` (aware), to the person ``login`` or to nobody.

    ``author`` and ``login`` are logins and stay when the person is removed; ``agent_id`` is the
    seat concerned. ``key`` is unique: writing an entry again changes nothing.
    """

    tag: AuditTag
    at: datetime
    author: str
    login: str | None = None
    agent_id: AgentId | None = None
    comment: str = ""
    data: Mapping[str, Data] = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry as stored; ``number`` grows with each and is the cursor of a list."""

    number: int
    entry: AuditEntry
