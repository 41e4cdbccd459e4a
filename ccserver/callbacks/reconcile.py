"""Holds the tasks against the cards, so that nobody who gave up is forgotten.

The cards learn of abandoned contacts that this process never saw (from Asterisk's own journal), and
of answers that it never saw (by the parachute). A crash between card and task leaves a card without
a task. All of it is put right here, at the start and every half minute; doing it again changes
nothing.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from ccserver.callbacks.store import CallbackStore
from ccserver.callbacks.values import (
    DIGITS_ASKED_MAX,
    AbandonedContact,
    AnsweredContact,
    AttemptOutcome,
    CallbackTask,
    ContactSource,
    digits_of,
)
from ccserver.db import DatabaseUnavailable
from ccserver.types import ContactId

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(hours=24)
"""Who gave up before that has been helped or has called again; longer is for a person with the
cards. It must exceed every outage of ours that nobody noticed."""

Alive = Callable[[ContactId], bool]


class Reconciler:
    """Reads the cards and mends the tasks; may raise `ccserver.db.DatabaseUnavailable`."""

    def __init__(self, store: CallbackStore, source: ContactSource) -> None:
        self._store = store
        self._source = source

    async def reconcile(self, now: datetime, alive: Alive) -> None:
        """Open what is missing, close what has been settled.

        ``alive``: whether a contact goes on; an attempt that does is left to the desk.
        """
        found = await self._source.abandoned_contacts(now - LOOK_BACK)
        missing = await self._store.unfiled(found)
        tasks = await self._store.open_tasks()
        answers = await self._answers(missing, tasks)
        for contact in missing:
            if not _spoken(contact, answers.get(contact.digits, ())):
                await _one(self._store.open_task(contact), contact.contact_id)
        for task in tasks:
            await _one(self._settle(task, answers.get(task.digits, ()), alive), task.task_id)

    async def _answers(
        self, missing: Sequence[AbandonedContact], tasks: Sequence[CallbackTask]
    ) -> dict[str, list[AnsweredContact]]:
        """Conversations since, by the number's digits, earliest first."""
        since = [contact.abandoned_at for contact in missing]
        since += [task.last_abandoned_at for task in tasks]
        wanted = _wanted(missing, tasks)
        answers: dict[str, list[AnsweredContact]] = {}
        for start in range(0, len(wanted), DIGITS_ASKED_MAX):
            some = wanted[start : start + DIGITS_ASKED_MAX]
            for answer in await self._source.answered_contacts(some, min(since)):
                answers.setdefault(digits_of(answer.number), []).append(answer)
        for of_number in answers.values():
            of_number.sort(key=lambda answer: answer.answered_at)
        return answers

    async def _settle(
        self, task: CallbackTask, answers: Iterable[AnsweredContact], alive: Alive
    ) -> None:
        for answer in answers:
            attempt = next(
                (one for one in task.attempts if one.contact_id == answer.contact_id), None
            )
            if answer.answered_at <= task.last_abandoned_at:
                continue
            if attempt is not None and alive(answer.contact_id):
                continue  # they still talk; the desk is told when it is over
            if attempt is not None:
                await self._store.finish_attempt(
                    task.task_id,
                    AttemptOutcome.REACHED,
                    answer.answered_at,
                    attempt_id=attempt.attempt_id,
                )
            else:
                await self._store.called_again(
                    task.number or "",
                    answer.contact_id,
                    answer.answered_at,
                    outbound=answer.outbound,
                )
            log.info("callback_settled", task_id=task.task_id, contact_id=answer.contact_id)
            return


async def _one(work: Awaitable[object], about: str) -> None:
    """One card or task that we cannot digest must not keep us from all others."""
    try:
        await work
    except DatabaseUnavailable:
        raise
    except Exception:
        log.exception("callback_not_reconciled", about=about)


def _wanted(missing: Sequence[AbandonedContact], tasks: Sequence[CallbackTask]) -> list[str]:
    digits = {contact.digits for contact in missing}
    digits |= {task.digits for task in tasks}
    return sorted(digits - {""})


def _spoken(contact: AbandonedContact, answers: Iterable[AnsweredContact]) -> bool:
    """Whether somebody has talked with the citizen since."""
    return any(answer.answered_at > contact.abandoned_at for answer in answers)
