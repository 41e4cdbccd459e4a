"""What it takes to read and write one Minimum Set of Data, beside two general decoders.

Run as ``python -m bench.msd``; prints one JSON line: microseconds of processor time a message, in
the same run, of ``ccserver.ecall.msd``, ``asn1tools`` and ``pycrate`` on the same messages, which
all three read. Ours also judges what it read, and finds the additional data's meaning. ``salvage``
is of messages that the others refuse.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from ccserver.ecall import json_form, msd
from ccserver.ecall.values import MSD
from tests.ecall.oracles import Asn1tools, Oracle, Pycrate, values_of
from tests.ecall.samples import EXPECTED, READABLE
from tests.ecall.strategies import random_msd

REPETITIONS = 7
MESSAGES = 500
SEED = 15722
ADDITIONAL_OCTETS_MAX = 60


def cost(work: Callable[[int], object], count: int, rounds: int) -> dict[str, float]:
    """Microseconds of processor time of one call, over the repetitions."""
    found = []
    for _ in range(REPETITIONS):
        began = time.process_time()
        for _ in range(rounds):
            for number in range(count):
                work(number)
        found.append((time.process_time() - began) / rounds / count * 1e6)
    return {
        "min": round(min(found), 2),
        "median": round(statistics.median(found), 2),
        "max": round(max(found), 2),
    }


def beside(
    messages: Sequence[bytes], values: Sequence[MSD], oracles: dict[str, Oracle], rounds: int
) -> dict[str, object]:
    """Ours ten times as often, so that each is measured about as long."""
    told = [values_of(value) for value in values]
    count = len(messages)
    line: dict[str, object] = {
        "messages": count,
        "octets": round(statistics.mean(len(message) for message in messages), 1),
        "decode": {"ccserver": cost(lambda n: msd.decode(messages[n]), count, rounds * 10)},
        "encode": {"ccserver": cost(lambda n: msd.encode(values[n]), count, rounds * 10)},
    }
    for name, oracle in oracles.items():
        line["decode"] |= {name: cost(lambda n, o=oracle: o.decode(messages[n]), count, rounds)}  # type: ignore[misc, operator]
        line["encode"] |= {  # type: ignore[operator]
            name: cost(lambda n, o=oracle: o.encode(values[n].version, told[n]), count, rounds)  # type: ignore[misc]
        }
    return line


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.msd", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="random ones")
    options = parser.parse_args()
    dice = Random(SEED)
    made = [
        random_msd(dice, more_octets_max=ADDITIONAL_OCTETS_MAX) for _ in range(options.messages)
    ]
    public = [READABLE[name] for name in EXPECTED]
    cut = READABLE["telux-v2-43b"]
    decoded = msd.decode(READABLE["derived-telux-sample-v2-euroncap"])
    with tempfile.TemporaryDirectory() as folder:
        oracles: dict[str, Oracle] = {"asn1tools": Asn1tools(), "pycrate": Pycrate(Path(folder))}
        line = {
            "bench": "msd",
            "cpus": os.cpu_count(),
            "unit": "µs of processor time a message",
            "public": beside(public, [msd.decode(one).msd for one in public], oracles, 100),
            "random": beside([msd.encode(one) for one in made], made, oracles, 1),
            "salvage": cost(lambda _: msd.decode(cut), 1, 10_000),
            "plausible": cost(lambda _: msd.structurally_plausible(public[0]), 1, 10_000),
            "to_json": cost(lambda _: json_form.to_json(decoded, public[0]), 1, 10_000),
        }
    print(json.dumps(line, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
