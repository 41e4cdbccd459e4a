"""Command line: ``python -m sim.acd --hours 1000`` spreads the hours over seeds.

``python -m sim.acd --seed N --hours H [--trace]`` replays one. The last line on standard output is
one JSON object; exit status 0 only if every run held.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from sim.acd.run import Result, SimulationFailed, simulate

HOURS_PER_SEED = 2.0
"""Long enough for shifts, breaks and restarts; short enough to see many kinds of centres."""

PROGRESS_S = 5.0


def main() -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sim.acd", description=__doc__)
    parser.add_argument("--hours", type=float, default=100.0, help="simulated hours in all")
    parser.add_argument("--seed", type=int, help="replay this one seed for all the hours")
    parser.add_argument("--first-seed", type=int, default=0, help="where to begin (default 0)")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--digest", action="store_true", help="hash all commands")
    parser.add_argument("--trace", action="store_true", help="print every step (with --seed)")
    options = parser.parse_args()
    started = time.perf_counter()
    try:
        if options.seed is not None:
            trace = print if options.trace else None
            results = [simulate(options.seed, options.hours, digest=options.digest, trace=trace)]
        else:
            results = spread(
                options.hours,
                first_seed=options.first_seed,
                workers=options.workers,
                progress=True,
            )
    except SimulationFailed as failure:
        print(failure, file=sys.stderr)
        print(json.dumps({"ok": False, "failure": str(failure)}))
        return 1
    print(json.dumps(summary(results, time.perf_counter() - started)))
    return 0


def spread(
    hours: float,
    *,
    hours_per_seed: float = HOURS_PER_SEED,
    first_seed: int = 0,
    workers: int = 1,
    progress: bool = False,
) -> list[Result]:
    """Simulate ``hours`` over as many seeds as they fill; raises `SimulationFailed`."""
    seeds = range(first_seed, first_seed + max(1, round(hours / hours_per_seed)))
    per_seed = hours / len(seeds)
    results: list[Result] = []
    said = time.monotonic()
    with ProcessPoolExecutor(max_workers=max(1, workers)) as pool:
        futures = [pool.submit(simulate, seed, per_seed) for seed in seeds]
        try:
            for future in futures:
                results.append(future.result())
                if progress and time.monotonic() - said > PROGRESS_S:
                    said = time.monotonic()
                    done = sum(result.hours for result in results)
                    print(f"{done:.0f} of {hours:.0f} simulated hours", file=sys.stderr)
        except SimulationFailed:
            pool.shutdown(cancel_futures=True)
            raise
    return results


def summary(results: list[Result], seconds: float) -> dict[str, object]:
    """Return the JSON line."""
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    line: dict[str, object] = {
        "ok": True,
        "hours": round(sum(result.hours for result in results), 3),
        "steps": sum(result.steps for result in results),
        "seeds": len(results),
        "seconds": round(seconds, 2),
        "counts": dict(sorted(counts.items())),
    }
    if len(results) == 1 and results[0].digest is not None:
        line["digest"] = results[0].digest
    return line


if __name__ == "__main__":
    sys.exit(main())
