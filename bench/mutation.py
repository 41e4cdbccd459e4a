"""Do the distributor's tests notice a change of its code? Mutation testing of ``ccserver/acd``.

Run as ``python -m bench.mutation`` for every mutant (minutes), with ``--sample N --seed S`` for a
few of them, with ``--only core`` for one module. mutmut makes one small change at a time and runs
the tests of the room that reach it, in a copy of the tree, so nothing here is touched. Left out
are the long simulation and the random searches: a mutant is to be killed by what runs in seconds.

Prints the survivors as differences, one line per module, and one JSON line at the end. The exit
status is 0 if the tests hold on the unchanged code, whatever survived; ``--at-least 90`` makes it
1 when fewer per cent are killed. What mutmut cannot change: decorated functions (so properties),
tables and defaults at the level of a module or class.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import tomli_w

ROOT = Path(__file__).resolve().parents[1]
ROOM = "ccserver/acd"
NEEDED = ("ccserver", "sim", "tests/acd")
LEFT_OUT = ("tests/acd/test_acd_simulator.py", "tests/acd/test_acd_scaling.py")
"""The long simulation and a measurement."""

RUN_TIMEOUT_S = 3 * 3600.0
"""For all mutants on a busy machine; one mutant has its own limit, from the time of its tests."""

STATUS = {1: "killed", 3: "killed", 0: "survived", 5: "no tests", 33: "no tests", 36: "timeout"}
"""mutmut's exit codes, as far as they are not a signal's."""

TIMEOUTS = (24, -24, 152, 255, -9)
"""A mutant that runs for ever is ended by its limit of processor time: it was noticed."""

QUICK_FIRST = """
def pytest_collection_modifyitems(items):
    searches = ("test_acd_stateful", "test_acd_oracle")
    items[:] = [item for item in items if not any(name in item.nodeid for name in searches)]
    items.sort(key=lambda item: "short_runs" in item.nodeid)
"""
"""Goes into the copy. The searches by Hypothesis are left out, for each survivor would cost their
whole time, and what a change breaks is to be noticed by tests that say what broke. The short runs
of the simulator stay, and come last."""

MESSAGES = [r"raise \w+\(", r"_broken\(", r"super\(\).__init__\(reason\)"]
"""Lines that only word an exception; no test should depend on their wording."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant."""

    name: str
    module: str
    status: str


def main() -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, help="try only so many mutants, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[], help="module of the room, e.g. core")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--at-least", type=float, help="per cent that must be killed")
    parser.add_argument("--keep", type=Path, help="work here, and leave it for `mutmut browse`")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutation-") as temporary:
        workshop = options.keep or Path(temporary)
        prepare(workshop)
        wanted = [f"ccserver.acd.{module}.*" for module in options.only]
        if options.sample is not None:
            mutmut(workshop, "ccserver.acd.errors.*", workers=options.workers)
            names = [x.name for x in verdicts(workshop)]
            if options.only:
                names = [x for x in names if x.split(".")[2] in options.only]
            drawn = random.Random(options.seed).sample(names, min(options.sample, len(names)))
            wanted = sorted(drawn)
        mutmut(workshop, *wanted, workers=options.workers)
        tried = verdicts(workshop)
        if options.sample is not None:
            tried = [x for x in tried if x.name in set(wanted)]
        return report(workshop, [x for x in tried if x.status != "not tried"], options.at_least)


def prepare(workshop: Path) -> None:
    """Copy what the tests need, and write the tool's settings beside it."""
    workshop.mkdir(parents=True, exist_ok=True)
    for name in NEEDED:
        shutil.copytree(
            ROOT / name,
            workshop / name,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for name in LEFT_OUT:
        (workshop / name).unlink(missing_ok=True)
        (workshop / "mutants" / name).unlink(missing_ok=True)
    (workshop / "tests" / "acd" / "conftest.py").write_text(QUICK_FIRST)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tests = project["tool"]["pytest"]
    settings = {
        "source_paths": ["ccserver"],
        "only_mutate": [f"{ROOM}/*.py"],
        "do_not_mutate_patterns": MESSAGES,
        "also_copy": ["sim"],
        "pytest_add_cli_args_test_selection": ["tests/acd"],
        # The tool has its own limits of processor time; those of the tests are of another clock.
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-x", "-o", "timeout=0"],
        "use_git_change_detection": False,
    }
    written = {"tool": {"pytest": tests, "mutmut": settings}}
    (workshop / "pyproject.toml").write_text(tomli_w.dumps(written))


def mutmut(workshop: Path, *names: str, workers: int) -> None:
    """Run the tool; raises `SystemExit` with its last words if the tests fail unchanged."""
    run = subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers), *names],
        cwd=workshop,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    if run.returncode != 0:
        last = (run.stdout + run.stderr).replace("\r", "\n").splitlines()[-40:]
        raise SystemExit("\n".join(last))


def verdicts(workshop: Path) -> list[Verdict]:
    """Read what became of each mutant, in the order of names."""
    found = []
    for path in sorted((workshop / "mutants" / ROOM).glob("*.meta")):
        codes = json.loads(path.read_text())["exit_code_by_key"]
        for name, code in codes.items():
            if code is None:
                status = "not tried"
            elif code in TIMEOUTS:
                status = "timeout"
            else:
                status = STATUS.get(code, "suspicious")
            found.append(Verdict(name, path.name.removesuffix(".py.meta"), status))
    return sorted(found, key=lambda x: x.name)


def difference(workshop: Path, name: str) -> str:
    """Return what the mutant changed, without the unchanged lines around it."""
    run = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name],
        cwd=workshop,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [x for x in run.stdout.splitlines() if x[:1] in "+-" and x[:3] not in ("+++", "---")]
    return "\n".join(lines)


def report(workshop: Path, tried: list[Verdict], at_least: float | None) -> int:
    """Print the survivors, a line per module and the JSON line; return the exit status."""
    for verdict in tried:
        if verdict.status not in ("killed", "timeout"):
            print(f"\n{verdict.status}: {verdict.name}")
            print(difference(workshop, verdict.name))
    modules: dict[str, Counter[str]] = {}
    for verdict in tried:
        modules.setdefault(verdict.module, Counter())[verdict.status] += 1
    print(f"\n{'module':<14}{'mutants':>8}{'killed':>8}{'timeout':>8}{'survived':>9}{'other':>7}")
    for module, counts in sorted(modules.items()):
        other = counts.total() - counts["killed"] - counts["timeout"] - counts["survived"]
        print(
            f"{module:<14}{counts.total():>8}{counts['killed']:>8}{counts['timeout']:>8}"
            f"{counts['survived']:>9}{other:>7}"
        )
    noticed = sum(1 for x in tried if x.status in ("killed", "timeout"))
    percent = 100.0 * noticed / len(tried) if tried else 0.0
    line = {
        "bench": "mutation",
        "mutants": len(tried),
        "killed_percent": round(percent, 1),
        "modules": {name: dict(sorted(counts.items())) for name, counts in sorted(modules.items())},
    }
    print(json.dumps(line))
    return int(at_least is not None and percent < at_least)


if __name__ == "__main__":
    sys.exit(main())
