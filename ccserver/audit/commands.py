"""The command line: ``ccserver audit verify`` and ``audit export``."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from ccserver import config, db
from ccserver.audit.chain import Anchor, ChainBroken
from ccserver.audit.store import AuditStore

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_BROKEN = 1
TIMEOUT_S = 30.0
"""For one chunk of acts; nobody waits for this in a call."""


def add_commands(commands: "Subparsers") -> None:
    """Add ``audit`` to the program's commands; each sets ``run(settings, options) -> status``."""
    audit = commands.add_parser("audit", help="who did what in the running of the centre")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    verified = actions.add_parser("verify", help="walk the chain of hashes; status 1 if it breaks")
    verified.add_argument(
        "--anchor",
        type=_anchor,
        metavar="NUMBER:HASH",
        help="what an earlier run printed: this act must still be there",
    )
    verified.set_defaults(run=_verify)
    exported = actions.add_parser("export", help="all acts as JSON, one on each line")
    exported.add_argument("--after", type=int, default=0, help="only acts above this number")
    exported.set_defaults(run=_export)


def _anchor(text: str) -> Anchor:
    try:
        return Anchor.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _verify(settings: config.Config, options: argparse.Namespace) -> int:
    async def verify(store: AuditStore) -> int:
        try:
            verifier = await store.verify(options.anchor)
        except ChainBroken as broken:
            print(f"ccserver: {broken}.", file=sys.stderr)  # noqa: T201
            return EXIT_BROKEN
        end = f", anchor {verifier.last}" if verifier.last else ""
        print(f"whole: {verifier.acts} acts{end}")  # noqa: T201
        return 0

    return _with_store(settings, verify)


def _export(settings: config.Config, options: argparse.Namespace) -> int:
    async def export(store: AuditStore) -> int:
        async for act in store.acts(after=options.after):
            print(msgspec.json.encode(act).decode())  # noqa: T201
        return 0

    return _with_store(settings, export)


def _with_store(settings: config.Config, work: Callable[[AuditStore], Awaitable[int]]) -> int:
    async def run() -> int:
        database = db.Database(settings.database.url, request_timeout_s=TIMEOUT_S)
        try:
            return await work(AuditStore(database))
        finally:
            await database.close()

    db.check(settings.database.url)
    return asyncio.run(run())
