"""People, their logins and sessions, and the seats (agents) that they sit at."""

from ccserver.accounts.passwords import PASSWORD_CHARS_MIN
from ccserver.accounts.store import AccountStore
from ccserver.accounts.values import (
    Account,
    AccountExists,
    AccountInvalid,
    AgentProfile,
    DeviceKind,
    Role,
    UnknownAccount,
)

__all__ = [
    "PASSWORD_CHARS_MIN",
    "Account",
    "AccountExists",
    "AccountInvalid",
    "AccountStore",
    "AgentProfile",
    "DeviceKind",
    "Role",
    "UnknownAccount",
]
