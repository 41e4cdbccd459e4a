"""Load and bad input by SIP: SIPp for many calls and for dialogs, plain datagrams for the rest.

* ``runner.run_load``: N calls at R calls/s, each held D seconds, with the times of each call.
* ``runner.run_scenario``: one of ``runner.SCENARIOS`` (files under ``scenarios/``) and its answers.
* ``raw.send_malformed``: one of ``raw.MALFORMED`` (what SIPp cannot say) and its answers.
* ``raw.is_alive``: whether the target still answers OPTIONS.

All of it goes to 127.0.0.1 only and is bounded in count and time.
"""

from sim.sipp.raw import MALFORMED, SIPSocket, is_alive, send_malformed
from sim.sipp.runner import SCENARIOS, CallTimes, LoadResult, ScenarioResult, run_load, run_scenario

__all__ = [
    "MALFORMED",
    "SCENARIOS",
    "CallTimes",
    "LoadResult",
    "SIPSocket",
    "ScenarioResult",
    "is_alive",
    "run_load",
    "run_scenario",
    "send_malformed",
]
