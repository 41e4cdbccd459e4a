"""The command line: ``ccserver serve``, ``db``, ``user``, ``asterisk``, ``routing`` and others."""

import argparse
import asyncio
import getpass
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from ccserver import __version__, config, db
from ccserver import log as logs
from ccserver.accounts import (
    PEOPLES_ROLES,
    AccountExists,
    AccountInvalid,
    AccountStore,
    AgentProfile,
    DeviceKind,
    Role,
    UnknownAccount,
)
from ccserver.accounts.commands import add_commands as add_key_commands
from ccserver.addresses.commands import add_commands as add_addresses_commands
from ccserver.aml.commands import add_commands as add_aml_commands
from ccserver.app import Application
from ccserver.audit.commands import add_commands as add_audit_commands
from ccserver.catalogue import commands as catalogue
from ccserver.documents.commands import author_of_command
from ccserver.ecall.commands import add_commands as add_ecall_commands
from ccserver.location.commands import add_commands as add_location_commands
from ccserver.messaging import commands as messaging
from ccserver.routing import RoutingStore
from ccserver.routing import commands as routing
from ccserver.sipedge.commands import add_commands as add_edge_commands
from ccserver.sms.commands import add_commands as add_smpp_commands
from ccserver.telephony.asterisk_conf import render
from ccserver.web.openapi import document
from ccserver.web.shapes import OPERATIONS

EXIT_USAGE = 2
EXIT_UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h
ACCOUNTS_TIMEOUT_S = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 only if it did what was asked."""
    options = _parser().parse_args(arguments)
    try:
        settings = config.load(options.config) if options.needs_config else None
        status: int = options.run(settings, options)
    except (config.ConfigError, db.SchemaOutdated) as error:
        print(f"ccserver: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_CONFIG
    except db.DatabaseURLInvalid as error:
        print(f"ccserver: {options.config}: database.url: {error}.", file=sys.stderr)  # noqa: T201
        return EXIT_CONFIG
    except db.DatabaseUnavailable as error:
        print(f"ccserver: the database cannot be used: {error}.", file=sys.stderr)  # noqa: T201
        return EXIT_UNAVAILABLE
    except OSError as error:
        print(f"ccserver: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_UNAVAILABLE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ccserver", description="An open 112 contact centre.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("CCSERVER_CONFIG", "/etc/ccserver/ccserver.toml")),
        help="the TOML file with all settings (default: $CCSERVER_CONFIG or %(default)s)",
    )
    parser.set_defaults(needs_config=True)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the contact centre until SIGTERM")
    serve.set_defaults(run=_serve)

    check = commands.add_parser("check", help="read the configuration and say if it is usable")
    check.set_defaults(run=_check)

    database = commands.add_parser("db", help="the database's schema")
    database.add_argument("action", choices=("upgrade", "current"))
    database.set_defaults(run=_database)

    user = commands.add_parser("user", help="people who may log in")
    actions = user.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="everyone, with role and seat")
    listed.set_defaults(run=_list_users)
    added = actions.add_parser("add", help="add a person; the password comes from standard input")
    added.add_argument("login")
    added.add_argument("--name", required=True)
    added.add_argument("--role", choices=list(PEOPLES_ROLES), default="call_taker")
    added.add_argument("--service", help="of a service's dispatcher: its code in the catalogue")
    added.add_argument("--language", choices=("lv", "ru", "en"), default="lv")
    added.add_argument("--extension", help="gives the person a seat with a phone")
    added.add_argument("--device", choices=[kind.value for kind in DeviceKind], default="sip")
    added.set_defaults(run=_add_user)
    changed = actions.add_parser("set-password", help="a new password; ends the person's sessions")
    changed.add_argument("login")
    changed.set_defaults(run=_set_password)

    asterisk = commands.add_parser("asterisk", help="Asterisk's configuration")
    asterisk.add_argument("action", choices=("render",))
    asterisk.set_defaults(run=_render)

    described = commands.add_parser("openapi", help="print the API's description (OpenAPI 3.1)")
    described.set_defaults(run=_openapi)

    add_key_commands(commands, author_of_command)
    add_audit_commands(commands)
    routing.COMMANDS.add(commands)
    add_addresses_commands(commands)
    add_location_commands(commands)
    add_ecall_commands(commands)
    add_smpp_commands(commands)
    add_aml_commands(commands)
    add_edge_commands(commands)
    catalogue.COMMANDS.add(commands)
    messaging.COMMANDS.add(commands)
    return parser


def _serve(settings: config.Config, _: argparse.Namespace) -> int:
    logs.configure(settings.log)
    log = structlog.get_logger("ccserver")
    db.check(settings.database.url)

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        log.info("starting", version=__version__)
        await Application(settings).run(stop)
        log.info("stopped")

    asyncio.run(serve())
    return 0


def _check(settings: config.Config, options: argparse.Namespace) -> int:
    print(f"{options.config}: usable, panel at {settings.web.host}:{settings.web.port}")  # noqa: T201
    return 0


def _openapi(settings: config.Config, _: argparse.Namespace) -> int:
    async def made() -> dict[str, object]:
        # Composed as it serves, and never started: the description is that of its own routes.
        return document(Application(settings).web.routes, OPERATIONS)

    print(json.dumps(asyncio.run(made()), indent=1, ensure_ascii=False))  # noqa: T201
    return 0


def _database(settings: config.Config, options: argparse.Namespace) -> int:
    if options.action == "upgrade":
        db.upgrade(settings.database.url)
    print(db.current(settings.database.url) or "empty")  # noqa: T201
    return 0


def _add_user(settings: config.Config, options: argparse.Namespace) -> int:
    password = _password()

    async def add(store: AccountStore) -> None:
        account = await store.add(
            login=options.login,
            name=options.name,
            role=Role(options.role),
            language=options.language,
            password=password,
            extension=options.extension,
            device=DeviceKind(options.device) if options.extension else None,
            service=options.service,
            by=author_of_command(),
        )
        seat = f", seat {account.agent_id}" if account.agent_id else ""
        print(f"{account.login}: {account.role.value}{seat}")  # noqa: T201

    return _with_accounts(settings, add)


def _set_password(settings: config.Config, options: argparse.Namespace) -> int:
    password = _password()

    async def change(store: AccountStore) -> None:
        await store.set_password(options.login, password, by=author_of_command())
        print(f"{options.login}: password changed")  # noqa: T201

    return _with_accounts(settings, change)


def _list_users(settings: config.Config, _: argparse.Namespace) -> int:
    async def show(store: AccountStore) -> None:
        for account in await store.accounts():
            seat = account.agent_id or "-"
            print(f"{account.login}\t{account.role.value}\t{seat}\t{account.name}")  # noqa: T201

    return _with_accounts(settings, show)


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\n")


def _with_accounts(settings: config.Config, work: Callable[[AccountStore], Awaitable[None]]) -> int:
    async def run() -> None:
        database = db.Database(settings.database.url, request_timeout_s=ACCOUNTS_TIMEOUT_S)
        try:
            await work(AccountStore(database))
        finally:
            await database.close()

    try:
        db.check(settings.database.url)
        asyncio.run(run())
    except (AccountInvalid, AccountExists) as error:
        print(f"ccserver: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    except UnknownAccount:
        print("ccserver: there is no account with this login.", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    return 0


def _render(settings: config.Config, _: argparse.Namespace) -> int:
    async def read() -> tuple[list[AgentProfile], list[str]]:
        database = db.Database(settings.database.url, request_timeout_s=ACCOUNTS_TIMEOUT_S)
        try:
            accounts = AccountStore(database)
            plan = await RoutingStore(database, accounts.agent_ids).current()
            return await accounts.agents(), [entry.number for entry in plan.document.entries]
        finally:
            await database.close()

    db.check(settings.database.url)
    seats, numbers = asyncio.run(read())
    for path in render(settings, seats, numbers):
        print(path)  # noqa: T201
    if settings.edge.enabled:
        print("The SIP edge's files: ccserver edge render", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
