"""Feed one parser with what a fuzzer makes of the samples.

python -m tests.fuzz.run short_message --seconds 600
"""

import argparse
import sys
from pathlib import Path
from tempfile import gettempdir

import atheris

# What is to be covered has to be imported under the instrument.
with atheris.instrument_imports(include=["ccserver"]):
    from tests.fuzz.targets import TARGETS

OCTETS_MAX = 2_000
"""Longer than any message that is not one of another kind over and over."""

INPUT_TIMEOUT_S = 10
"""One input that takes as long is a finding: the gateway reads thousands in that time."""

MEMORY_MAX_MB = 1_024


def main() -> None:
    """Run until the time is up or something is found; the status is 0 only for the former."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=list(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=-1, help="at most so many inputs")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=Path(gettempdir()) / "ccserver-fuzz",
        help="where what was learnt is kept from run to run, and findings (default: %(default)s)",
    )
    options = parser.parse_args()
    target = TARGETS[options.target]
    seeds, corpus = (options.corpus / options.target / name for name in ("seeds", "corpus"))
    for folder in (seeds, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (seeds / str(number)).write_bytes(seed)
    arguments = [
        sys.argv[0],
        f"-max_total_time={options.seconds}",
        f"-runs={options.runs}",
        f"-max_len={OCTETS_MAX}",
        f"-timeout={INPUT_TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MAX_MB}",
        f"-artifact_prefix={options.corpus / options.target}/",
        str(corpus),
        str(seeds),
    ]
    atheris.Setup(arguments, target.run)
    # Ends the process, with a status of its own.
    atheris.Fuzz()


if __name__ == "__main__":
    main()
