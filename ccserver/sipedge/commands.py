"""``ccserver edge``: the configuration of the SIP edge."""

import argparse

from ccserver.config import Config
from ccserver.sipedge.conf import render


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``edge`` to the command line."""
    edge = commands.add_parser("edge", help="the SIP edge's (Kamailio's) configuration")
    edge.add_argument("action", choices=("render",))
    edge.set_defaults(run=_render)


def _render(settings: Config, _: argparse.Namespace) -> int:
    for path in render(settings):
        print(path)  # noqa: T201
    return 0
