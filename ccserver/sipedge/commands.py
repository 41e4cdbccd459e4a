"""``ccserver edge``: the configuration of the SIP edge."""

import argparse
import asyncio
import sys

from ccserver.config import Config, ConfigError
from ccserver.sipedge.client import EdgeClient, EdgeError
from ccserver.sipedge.conf import render


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``edge`` to the command line."""
    edge = commands.add_parser("edge", help="the SIP edge's (Kamailio's) configuration")
    actions = edge.add_subparsers(required=True)
    actions.add_parser("render", help="write it").set_defaults(run=_render)
    reload = actions.add_parser(
        "reload", help="have the edge take over addresses that were written"
    )
    reload.set_defaults(run=_reload)


def _render(settings: Config, _: argparse.Namespace) -> int:
    for path in render(settings):
        print(path)  # noqa: T201
    return 0


def _reload(settings: Config, _: argparse.Namespace) -> int:
    if not settings.edge.enabled:
        raise ConfigError("edge.enabled: the edge is switched off, there is nothing to reload.")
    try:
        asyncio.run(_ask_to_reload(settings))
    except EdgeError as error:
        print(f"The edge did not take over the addresses: {error}.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def _ask_to_reload(settings: Config) -> None:
    client = EdgeClient(settings.edge)
    try:
        await client.reload()
    finally:
        await client.close()
