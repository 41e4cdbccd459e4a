"""People, their logins and sessions, and the seats (agents) that they sit at."""

from ccserver.accounts.keys import ApiKey, KeyStore, NewKey, UnknownKey
from ccserver.accounts.passwords import PASSWORD_CHARS_MIN
from ccserver.accounts.rights import Right, Scope, rights_of, rights_of_scopes
from ccserver.accounts.store import AccountStore
from ccserver.accounts.values import (
    PEOPLES_ROLES,
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
)

__all__ = [
    "PASSWORD_CHARS_MIN",
    "PEOPLES_ROLES",
    "Account",
    "AccountExists",
    "AccountInvalid",
    "AccountRefused",
    "AccountStore",
    "AgentProfile",
    "ApiKey",
    "DeviceKind",
    "KeyStore",
    "NewKey",
    "Person",
    "PersonChange",
    "Right",
    "Role",
    "Scope",
    "UnknownAccount",
    "UnknownKey",
    "rights_of",
    "rights_of_scopes",
]
