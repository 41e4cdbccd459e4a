"""Named end-to-end scenarios against the whole real stack; ``bin/sim --list`` shows them."""

from sim.scenarios import (  # noqa: F401 - importing registers them
    aml,
    asterisk_dies,
    bad_input,
    browser,
    callers,
    cards,
    chaos,
    crash,
    ecall,
    ecall_pictures,
    first_call,
    hang_ups,
    latency,
    phones,
    pictures,
    queueing,
    sms,
    talk_crash,
    talking,
    text_pictures,
    wishes,
)
from sim.scenarios.base import SCENARIOS, Run, ScenarioFailed, run_scenario

__all__ = ["SCENARIOS", "Run", "ScenarioFailed", "run_scenario"]
