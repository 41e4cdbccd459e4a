"""The voice contacts of this process, by contact and by leg, and the tasks that work on them."""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

import structlog

from ccserver.acd.errors import InvariantBroken
from ccserver.telephony.call import Call, CallFacts, CallPhase, outbound_leg_id
from ccserver.telephony.errors import TelephonyError
from ccserver.types import ContactId, LegId

log = structlog.get_logger(__name__)

OVER_REMEMBERED_MAX = 10_000  # an event that its caller's end has overtaken comes seconds later


class CallTable:
    """What is known now; Asterisk holds the truth."""

    def __init__(self) -> None:
        self._calls: dict[ContactId, Call] = {}
        self._contact_of_leg: dict[str, ContactId] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._over: OrderedDict[ContactId, None] = OrderedDict()
        self.broken: InvariantBroken | None = None
        """Raised in a task that nobody waits for; the process must end."""

    def get(self, contact_id: ContactId) -> Call | None:
        """The call of a contact, if it lives."""
        return self._calls.get(contact_id)

    def all(self) -> list[Call]:
        """Every live call, in the order in which this process came to know them."""
        return list(self._calls.values())

    def contacts(self) -> set[ContactId]:
        """Contacts whose channel, and so whose recording, is still open."""
        return set(self._calls)

    def of_leg(self, leg_id: str) -> Call | None:
        """The call that a channel belongs to."""
        contact_id = self._contact_of_leg.get(leg_id)
        return None if contact_id is None else self._calls.get(contact_id)

    def bind(self, leg_id: LegId, contact_id: ContactId) -> None:
        """From now on this channel belongs to that contact."""
        self._contact_of_leg[leg_id] = contact_id

    def unbind(self, leg_id: LegId) -> None:
        """This channel is of no interest any more."""
        self._contact_of_leg.pop(leg_id, None)

    def remember(self, facts: CallFacts, leg_id: LegId, channel: str) -> Call:
        """The contact's call; a new one begins as being in the dialplan's hands."""
        call = self._calls.get(facts.contact_id)
        if call is None:
            call = Call(facts, leg_id, channel, CallPhase.PARACHUTE)
            self._calls[facts.contact_id] = call
        elif call.caller_leg != leg_id:
            self.unbind(call.caller_leg)
            call.caller_leg, call.caller_channel = leg_id, channel
        self.bind(leg_id, facts.contact_id)
        return call

    def open(self, facts: CallFacts) -> Call:
        """A contact whose citizen we are going to call: there is no channel yet."""
        leg_id = outbound_leg_id(facts.contact_id)
        # The dialplan finds a channel by its id as well as by its name.
        call = Call(facts, leg_id, leg_id, CallPhase.DIALLED)
        self._calls[facts.contact_id] = call
        self.bind(leg_id, facts.contact_id)
        return call

    def forget(self, call: Call) -> None:
        """The caller's channel is gone."""
        self._calls.pop(call.contact_id, None)
        self.unbind(call.caller_leg)
        for leg_id in call.legs:
            self.unbind(leg_id)
        self._over[call.contact_id] = None
        if len(self._over) > OVER_REMEMBERED_MAX:
            self._over.popitem(last=False)

    def is_over(self, contact_id: ContactId) -> bool:
        """Whether the contact's channel was here and is gone: it can never come back."""
        return contact_id in self._over

    def spawn(self, call: Call | None, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background; the work on one call is done one after the other."""

        async def guarded() -> None:
            try:
                if call is None:
                    await work
                else:
                    async with call.lock:
                        await work
            except TelephonyError as error:
                log.warning(
                    "call_command_failed",
                    contact_id=call.contact_id if call else None,
                    reason=type(error).__name__,
                )

        task = asyncio.get_running_loop().create_task(guarded(), name="call_command")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        task.add_done_callback(lambda _: work.close())  # cancelled before its turn came

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, InvariantBroken):
            self.broken = error
        if error is not None:
            log.error("call_task_broken", exc_info=error)
