"""Decisions per second of the distributor's core with 100 call takers and 1 000 waiting.

Run as ``python -m bench.acd``; prints one JSON line. A decision is one step that the runtime asks
for. The cycle is that of a busy centre: an offer is accepted, a conversation ends, its wrap-up is
ended, which offers the next contact, and a new contact arrives, so that 1 000 always wait.
"""

import json
import statistics
import time

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.core import ACDCore
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, OfferId

AGENTS = 100
WAITING = 1_000
CYCLES = 5_000
RUNS = 7


def prepared() -> tuple[ACDCore, list[c.OfferContact]]:
    """Return a core with every agent ringing and the line full, and the open offers."""
    core = ACDCore(DistributorSettings(offer_timeout_s=1e6, wrap_up_s=1e6), instance="bench")
    for number in range(AGENTS + WAITING):
        core.handle_event(arrival(number), now=float(number))
    offers = []
    now = float(AGENTS + WAITING)
    for number in range(AGENTS):
        agent_id = AgentId(f"agent-{number}")
        core.handle_event(e.AgentAdded(agent_id), now=now)
        core.handle_event(e.AgentDeviceChanged(agent_id, True, False), now=now)
        ready = e.AgentPresence(e.PresenceKind.READY)
        answer = core.handle_event(e.AgentPresenceChanged(agent_id, ready), now=now)
        offers.append(next(x for x in answer if isinstance(x, c.OfferContact)))
    return core, offers


def arrival(number: int) -> e.ContactArrived:
    """Return a contact of one of three priorities."""
    contact_id = ContactId(f"contact-{number}")
    return e.ContactArrived(contact_id, "emergency", (1, 5, 10)[number % 3], float(number))


def cycle(core: ACDCore, offers: list[c.OfferContact], times_s: list[float]) -> None:
    """Turn the wheel ``CYCLES`` times; add the time of each step to ``times_s``."""
    clock = time.perf_counter
    number = AGENTS + WAITING
    for turn in range(CYCLES):
        now = float(number + 1)
        offer = offers[turn % AGENTS]
        events: tuple[e.Event, ...] = (
            e.OfferAccepted(OfferId(offer.offer_id)),
            e.ContactEnded(offer.contact_id),
            arrival(number),
            e.WrapUpEnded(offer.agent_id),
        )
        number += 1
        for event in events:
            started = clock()
            answer = core.handle_event(event, now=now)
            core.next_deadline()
            times_s.append(clock() - started)
        offers[turn % AGENTS] = next(x for x in answer if isinstance(x, c.OfferContact))


def main() -> None:
    """Measure and print."""
    per_second, times_s = [], []
    for _ in range(RUNS):
        core, offers = prepared()
        run_s: list[float] = []
        cycle(core, offers, run_s)
        core.check_invariants()
        if core.ignored or len(core.contact_views()) != AGENTS + WAITING:
            raise SystemExit("the cycle did not run as it must")
        per_second.append(len(run_s) / sum(run_s))
        times_s += run_s
    times_s.sort()
    print(
        json.dumps(
            {
                "bench": "acd",
                "agents": AGENTS,
                "waiting": WAITING,
                "runs": RUNS,
                "decisions_per_run": CYCLES * 4,
                "decisions_per_s": {
                    "min": round(min(per_second)),
                    "median": round(statistics.median(per_second)),
                    "max": round(max(per_second)),
                },
                "decision_us": {
                    "p50": round(times_s[len(times_s) // 2] * 1e6, 1),
                    "p99": round(times_s[len(times_s) * 99 // 100] * 1e6, 1),
                    "max": round(times_s[-1] * 1e6, 1),
                },
            }
        )
    )


if __name__ == "__main__":
    main()
