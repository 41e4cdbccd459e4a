"""Others in the conversation, from the keyboard: consult, swap, merge, complete, transfer."""

import time

import pytest

from sim.browser import Workplace
from sim.scenarios.base import eventually
from sim.scenarios.browser import BROWSER_SEAT, BROWSER_TONE, passed, stops_hearing
from tests.browser.conftest import COLLEAGUE, DESK, DESK_SEATS, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]
GUARDED_S = 1.1  # the key that ends a call does nothing in the second after a change


async def stage(workplace: Workplace, name: str) -> None:
    """Wait until the panel shows who is with whom."""
    await workplace.shows("call", which=f'[data-stage="{name}"]')


async def keys(workplace: Workplace, *names: str) -> None:
    """Press one after the other."""
    for name in names:
        await workplace.page.keyboard.press(name)


async def choose(workplace: Workplace, typed: str, choice: str) -> None:
    """Open the dialog by its key, and search until that choice is the chosen one."""
    await keys(workplace, "F10")
    await workplace.shows("target-dialog")
    await workplace.page.keyboard.type(typed)
    await workplace.shows("choice", which=f'[data-choice="{choice}"][aria-selected="true"]')


async def consulted(centre: Centre, workplace: Workplace) -> str:
    """Consult the colleague at a desk phone, who answers there; gives the colleague's call."""
    asked_at = time.monotonic()
    await choose(workplace, "kalnins", f"agent:agent-{DESK.extension}")
    await keys(workplace, "Enter")
    await workplace.hides("target-dialog")
    await stage(workplace, "consult_ringing")
    ringing = await centre.run.bank.wait_for("incoming", phone=DESK.login, after=asked_at)
    await centre.run.bank.answer(ringing["call"])
    await stage(workplace, "consult")
    await centre.run.bank.wait_for("heard", call=ringing["call"], party=BROWSER_TONE)
    return str(ringing["call"])


async def test_a_colleague_is_consulted_swapped_and_given_the_caller(centre: Centre) -> None:
    workplace, colleague = await centre.enter(BROWSER_SEAT), await centre.enter(DESK)
    call, _ = await centre.answered_call(workplace)
    await colleague.ready()
    tone = DESK_SEATS.index(DESK)
    await consulted(centre, workplace)
    await workplace.shows("hold-time")
    await stops_hearing(centre.run, call, BROWSER_TONE)
    await colleague.shows("call")
    swapped_at = time.monotonic()
    await keys(workplace, "F4")
    await workplace.hides("hold-time")
    await centre.run.bank.wait_for("heard", call=call, party=BROWSER_TONE, after=swapped_at)
    await stage(workplace, "consult")
    await keys(workplace, "F4")
    await workplace.shows("hold-time")
    completed_at = time.monotonic()
    await keys(workplace, "F9")
    await centre.run.bank.wait_for("heard", call=call, party=tone, after=completed_at)
    await workplace.shows("wrap-up")
    await colleague.shows("call-hold")
    await stage(colleague, "talk")
    for tag in ("consult_started", "consult_ended", "handed_over"):
        await workplace.shows("timeline-entry", text="Kalniņš", which=f'[data-tag="{tag}"]')
    assert not centre.run.bank.history("disconnected", call=call)
    assert [*workplace.faults, *colleague.faults] == []


async def test_a_conference_goes_on_when_the_first_call_taker_leaves(centre: Centre) -> None:
    workplace, colleague = await centre.enter(BROWSER_SEAT), await centre.enter(DESK)
    call, _ = await centre.answered_call(workplace)
    await colleague.ready()
    await consulted(centre, workplace)
    merged_at = time.monotonic()
    await keys(workplace, "F10")
    await stage(workplace, "conference")
    for tone in (DESK_SEATS.index(DESK), BROWSER_TONE):
        await centre.run.bank.wait_for("heard", call=call, party=tone, after=merged_at)
    await workplace.shows("party", state="talking")
    await keys(workplace, "F9")
    await workplace.shows("wrap-up")
    await stage(colleague, "talk")
    await colleague.shows("call-hold")
    assert not centre.run.bank.history("disconnected", call=call)
    assert [*workplace.faults, *colleague.faults] == []


async def test_a_consultation_is_ended_and_the_caller_is_back(centre: Centre) -> None:
    workplace, colleague = await centre.enter(BROWSER_SEAT), await centre.enter(DESK)
    call, _ = await centre.answered_call(workplace)
    await colleague.ready()
    consulted_call = await consulted(centre, workplace)
    guarded_until = time.monotonic() + GUARDED_S
    await eventually("the key works again", lambda: passed(guarded_until))
    back_at = time.monotonic()
    await keys(workplace, "F8")
    await stage(workplace, "talk")
    await centre.run.bank.wait_for("heard", call=call, party=BROWSER_TONE, after=back_at)
    await centre.run.bank.wait_for("disconnected", call=consulted_call)
    await colleague.shows("own-state", state="idle")
    assert [*workplace.faults, *colleague.faults] == []


async def test_a_caller_sent_to_a_queue_is_offered_to_the_next(centre: Centre) -> None:
    workplace, colleague = await centre.enter(BROWSER_SEAT), await centre.enter(COLLEAGUE)
    call, _ = await centre.answered_call(workplace)
    await colleague.ready()
    sent_at = time.monotonic()
    await choose(workplace, "emerg", "queue:emergency")
    await keys(workplace, "Shift+Enter")
    await workplace.shows("wrap-up")
    await colleague.shows("offer")
    await centre.run.bank.wait_for("incoming", phone=COLLEAGUE.login, after=sent_at)
    await colleague.at("offer-answer").click()
    tone = DESK_SEATS.index(COLLEAGUE)
    await centre.run.bank.wait_for("heard", call=call, party=tone, after=sent_at)
    await colleague.shows("timeline-entry", text="Emergency", which='[data-tag="transferred"]')
    assert [*workplace.faults, *colleague.faults] == []
