"""Who changed what in the running of the centre: people, passwords, seats, presences, the plan."""

from ccserver.audit.chain import Anchor, ChainBroken, ChainedAct
from ccserver.audit.store import AuditStore, record
from ccserver.audit.values import COMMENT_CHARS_MAX, AuditEntry, AuditTag, KeptEntry

__all__ = [
    "COMMENT_CHARS_MAX",
    "Anchor",
    "AuditEntry",
    "AuditStore",
    "AuditTag",
    "ChainBroken",
    "ChainedAct",
    "KeptEntry",
    "record",
]
