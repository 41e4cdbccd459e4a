"""``bin/sim``: one named scenario against a fresh private instance of the whole stack."""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from ccserver.config import LogSettings
from ccserver.log import configure
from sim import car_console
from sim.scenarios import SCENARIOS, run_scenario
from sim.smsc.serve import serve
from sim.typed import BadOption

SERVERS = {
    "smsc": "a mobile operator's message centre to try with; runs until Ctrl-C",
    "car": "one car to try an edge with, whichever it is; to=sip:HOST:PORT, runs until Ctrl-C",
}
"""What is left running rather than run to its end."""


def main() -> int:
    """Run it; the last line of standard output is one JSON object, status 0 only if it held."""
    parser = argparse.ArgumentParser(prog="bin/sim", description=__doc__)
    parser.add_argument("scenario", nargs="?", help="its name; --list shows them")
    parser.add_argument("options", nargs="*", metavar="NAME=VALUE", help="the scenario's own")
    parser.add_argument("--list", action="store_true", help="name every scenario")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and recordings there")
    chosen = parser.parse_args()
    if chosen.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:18} {scenario.shows}")
        for name, shows in SERVERS.items():
            print(f"{name:18} {shows}")
        return 0
    if chosen.scenario not in SCENARIOS and chosen.scenario not in SERVERS:
        parser.error(f"there is no scenario {chosen.scenario!r}; --list names them")
    options = dict(pair.split("=", 1) for pair in chosen.options if "=" in pair)
    if len(options) != len(chosen.options):
        parser.error("a scenario's options are given as NAME=VALUE")
    configure(LogSettings(level="warning", format="console"))
    if chosen.scenario in SERVERS:
        return _serve(chosen.scenario, options)
    if not chosen.json:
        print(f"{chosen.scenario}: {SCENARIOS[chosen.scenario].shows}", file=sys.stderr)
    began = time.monotonic()
    result: dict[str, object] = {"scenario": chosen.scenario}
    try:
        measured = asyncio.run(run_scenario(chosen.scenario, options=options, keep_dir=chosen.keep))
        result |= {"held": True, "measured": measured}
    except Exception as error:
        result |= {"held": False, "failure": _described(error)}
    result["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["held"] else 1


def _serve(name: str, options: dict[str, str]) -> int:
    try:
        asyncio.run(car_console.serve(options) if name == "car" else serve(options))
    except (BadOption, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    return 0


def _described(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_described(part) for part in error.exceptions)
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
