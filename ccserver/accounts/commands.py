"""The command line: ``ccserver key add``, ``list``, ``revoke``."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ccserver import config, db
from ccserver.accounts.keys import ApiKey, KeyStore, UnknownKey
from ccserver.accounts.rights import Scope
from ccserver.accounts.values import AccountInvalid

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_INVALID = 2
"""As for every argument that cannot be used."""
TIMEOUT_S = 10.0


def add_commands(commands: "Subparsers", author: Callable[[], str]) -> None:
    """Add ``key`` to the program's commands; ``author`` tells who works at the command line."""
    key = commands.add_parser("key", help="API keys of other systems")
    actions = key.add_subparsers(required=True, metavar="ACTION")
    added = actions.add_parser("add", help="make a key; it is printed once and never again")
    added.add_argument("name", help="which system it is for")
    added.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[scope.value for scope in Scope],
        help="what it may do; may be given several times",
    )
    added.add_argument("--service", help="only what this service is involved in")
    added.add_argument("--days", type=int, help="expires after so many days")
    added.set_defaults(run=_add, author=author)
    listed = actions.add_parser("list", help="all keys")
    listed.set_defaults(run=_list)
    revoked = actions.add_parser("revoke", help="make a key useless for ever")
    revoked.add_argument("key_id")
    revoked.set_defaults(run=_revoke, author=author)


def _add(settings: config.Config, options: argparse.Namespace) -> int:
    async def add(store: KeyStore) -> list[str]:
        days = options.days
        made = await store.add(
            name=options.name,
            scopes=[Scope(scope) for scope in options.scope],
            service=options.service,
            expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
            by=options.author(),
        )
        return [made.token]

    return _with_store(settings, add)


def _list(settings: config.Config, _: argparse.Namespace) -> int:
    async def show(store: KeyStore) -> list[str]:
        return [_line(key) for key in await store.keys()]

    return _with_store(settings, show)


def _revoke(settings: config.Config, options: argparse.Namespace) -> int:
    async def revoke(store: KeyStore) -> list[str]:
        key = await store.revoke(options.key_id, by=options.author())
        return [f"{key.key_id}: revoked"]

    return _with_store(settings, revoke)


def _line(key: ApiKey) -> str:
    state = "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d}"
    if key.expires_at is None and key.revoked_at is None:
        state = "valid"
    scopes = ",".join(sorted(key.scopes))
    return "\t".join((key.key_id, state, key.service or "-", scopes, key.name))


def _with_store(settings: config.Config, work: Callable[[KeyStore], Awaitable[list[str]]]) -> int:
    async def run() -> list[str]:
        database = db.Database(settings.database.url, request_timeout_s=TIMEOUT_S)
        try:
            return await work(KeyStore(database))
        finally:
            await database.close()

    db.check(settings.database.url)
    try:
        # What is logged meanwhile must not end up in a script that takes the key.
        with contextlib.redirect_stdout(sys.stderr):
            lines = asyncio.run(run())
    except (AccountInvalid, UnknownKey) as error:
        print(f"ccserver: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_INVALID
    for line in lines:
        print(line)  # noqa: T201
    return 0
