"""The phone process: JSON commands on standard input, events on standard output."""

import argparse
import faulthandler
import os
import signal
import sys
import tempfile
from pathlib import Path

from sim.phones.engine import Engine


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m sim.phones", description=__doc__)
    parser.add_argument("--log", type=Path, help="the SIP library's log, all messages included")
    parser.add_argument("--record-dir", type=Path, help="where calls are recorded")
    parser.add_argument(
        "--frame-ms", type=int, choices=(10, 20), default=10, help="step of the media clock"
    )
    options = parser.parse_args()
    faulthandler.enable()
    # The reader ends this process by closing its input; Ctrl-C is the reader's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints must not get between the events.
    events_fd = os.dup(1)
    os.dup2(2, 1)
    os.set_blocking(0, False)
    os.set_blocking(events_fd, False)
    with tempfile.TemporaryDirectory(prefix="phones-") as fallback:
        record_dir = options.record_dir or Path(fallback)
        record_dir.mkdir(parents=True, exist_ok=True)
        Engine(
            input_fd=0,
            output_fd=events_fd,
            record_dir=record_dir,
            log=options.log,
            frame_ms=options.frame_ms,
        ).run()
    # The interpreter would delete the library's objects after the library; leave without that.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
