"""Passwords: the rules for new ones, and their hashes (argon2id, RFC 9106)."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ccserver.accounts.values import AccountInvalid

PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 256
"""Longer input buys no security and would let a stranger make us hash megabytes."""
HASHING_MAX = 2
"""Each hash takes a core for tens of milliseconds and tens of MiB; calls need the other cores."""


def check_password(password: str, *, login: str) -> None:
    """Raise `AccountInvalid` for a password that must not be used."""
    if len(password) < PASSWORD_CHARS_MIN:
        raise AccountInvalid(
            "password", f"A password has at least {PASSWORD_CHARS_MIN} characters."
        )
    if len(password) > PASSWORD_CHARS_MAX:
        raise AccountInvalid("password", f"A password has at most {PASSWORD_CHARS_MAX} characters.")
    if password.strip().lower() == login.lower():
        raise AccountInvalid("password", "The password must not be the login.")
    if len(set(password)) == 1:
        raise AccountInvalid("password", "The password must not be one character repeated.")


class Passwords:
    """Hashes and verifies in threads, a few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(HASHING_MAX)
        # Verified for logins that do not exist, so that an answer takes as long as for others.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is right; ``None`` costs the same and is never right."""
        fits = len(password) <= PASSWORD_CHARS_MAX
        async with self._slots:
            right = await asyncio.to_thread(
                self._matches, password_hash or self._nobody, password if fits else ""
            )
        return right and fits and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
