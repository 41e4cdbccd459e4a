"""No input that a fuzzer finds breaks a parser's promise.

Short by default; ``CCSERVER_FUZZ_SECONDS=600 bin/test tests/fuzz`` runs each parser that long.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

REPOSITORY = Path(__file__).parents[2]
SECONDS = int(os.environ.get("CCSERVER_FUZZ_SECONDS", "0"))
RUNS_BY_DEFAULT = 20_000
"""With the import of everything under the instrument a few seconds, on any machine."""

PATIENCE_S = 150

FINDING_CHARS = 4_000


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_begins_with_keeps_every_promise(name: str) -> None:
    for seed in (b"", b"\xff" * 40, *TARGETS[name].seeds):
        TARGETS[name].run(seed)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="no atheris here")
@pytest.mark.timeout(SECONDS + 2 * PATIENCE_S)
@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_makes_of_it_keeps_every_promise(name: str, tmp_path: Path) -> None:
    bound = ["--seconds", str(SECONDS)] if SECONDS else ["--runs", str(RUNS_BY_DEFAULT)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", name, "--corpus", str(tmp_path), *bound],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=SECONDS + PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-FINDING_CHARS:]
    assert "Done " in done.stderr
