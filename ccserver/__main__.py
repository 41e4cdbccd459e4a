"""The command line: ``ccserver serve``, ``db``, ``user``, ``asterisk``, ``config``."""

import argparse
import asyncio
import getpass
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from ccserver import __version__, config, db
from ccserver import log as logs
from ccserver.accounts import (
    AccountExists,
    AccountInvalid,
    AccountStore,
    AgentProfile,
    DeviceKind,
    Role,
)
from ccserver.app import Application
from ccserver.telephony.asterisk_conf import render

EXIT_USAGE = 2
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 only if it did what was asked."""
    options = _parser().parse_args(arguments)
    try:
        settings = config.load(options.config)
        status: int = options.run(settings, options)
    except config.ConfigError as error:
        print(f"ccserver: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_CONFIG
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
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the contact centre until SIGTERM")
    serve.set_defaults(run=_serve)

    check = commands.add_parser("check", help="read the configuration and say if it is usable")
    check.set_defaults(run=_check)

    database = commands.add_parser("db", help="the database's schema")
    database.add_argument("action", choices=("upgrade", "current"))
    database.set_defaults(run=_database)

    user = commands.add_parser("user", help="add a person who may log in")
    user.add_argument("action", choices=("add",))
    user.add_argument("login")
    user.add_argument("--name", required=True)
    user.add_argument("--role", choices=[role.value for role in Role], default="call_taker")
    user.add_argument("--language", choices=("lv", "ru", "en"), default="lv")
    user.add_argument("--extension", help="gives the person a seat with a phone")
    user.add_argument("--device", choices=[kind.value for kind in DeviceKind], default="sip")
    user.set_defaults(run=_add_user)

    asterisk = commands.add_parser("asterisk", help="Asterisk's configuration")
    asterisk.add_argument("action", choices=("render",))
    asterisk.set_defaults(run=_render)
    return parser


def _serve(settings: config.Config, _: argparse.Namespace) -> int:
    logs.configure(settings.log)
    log = structlog.get_logger("ccserver")
    try:
        db.check(settings.database.url)
    except db.SchemaOutdated as error:
        raise config.ConfigError(str(error)) from error

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


def _database(settings: config.Config, options: argparse.Namespace) -> int:
    if options.action == "upgrade":
        db.upgrade(settings.database.url)
    print(db.current(settings.database.url) or "empty")  # noqa: T201
    return 0


def _add_user(settings: config.Config, options: argparse.Namespace) -> int:
    interactive = sys.stdin.isatty()
    password = getpass.getpass("Password: ") if interactive else sys.stdin.readline().rstrip("\n")

    async def add() -> None:
        database = db.Database(settings.database.url, request_timeout_s=10.0)
        try:
            account = await AccountStore(database).add(
                login=options.login,
                name=options.name,
                role=Role(options.role),
                language=options.language,
                password=password,
                extension=options.extension,
                device=DeviceKind(options.device) if options.extension else None,
            )
        finally:
            await database.close()
        seat = f", seat {account.agent_id}" if account.agent_id else ""
        print(f"{account.login}: {account.role.value}{seat}")  # noqa: T201

    try:
        asyncio.run(add())
    except (AccountInvalid, AccountExists) as error:
        print(f"ccserver: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    return 0


def _render(settings: config.Config, _: argparse.Namespace) -> int:
    async def phones() -> list[AgentProfile]:
        database = db.Database(settings.database.url, request_timeout_s=10.0)
        try:
            return await AccountStore(database).agents()
        finally:
            await database.close()

    for path in render(settings, asyncio.run(phones())):
        print(path)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
