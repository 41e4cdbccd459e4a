"""Attempts whose end nobody saw: a restart, or news that never came, has lost it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ccserver.callbacks.reconcile import Alive
from ccserver.callbacks.values import CallbackAttempt, CallbackId, CallbackTask, ContactSource


@dataclass(frozen=True, slots=True)
class LostAttempt:
    """An attempt that is over; ``dialled``: the cards tell that the citizen's phone rang."""

    task_id: CallbackId
    attempt_id: str
    dialled: bool


class LostAttempts:
    """Looks for them; of those of this process one may only just have begun, so it must be missing
    twice."""

    def __init__(self, source: ContactSource, alive: Alive) -> None:
        self._source = source
        self._alive = alive
        self._suspects: set[str] = set()

    async def find(self, tasks: Iterable[CallbackTask], own: Collection[str]) -> list[LostAttempt]:
        """Attempts whose contact no longer lives; may raise `DatabaseUnavailable`.

        ``own``: the attempts that this process began.
        """
        missing: set[str] = set()
        lost: list[tuple[CallbackId, CallbackAttempt]] = []
        for task in tasks:
            attempt = task.current
            if attempt is None or (attempt.contact_id and self._alive(attempt.contact_id)):
                continue
            ours = attempt.attempt_id in own
            if ours and attempt.contact_id is None:
                continue  # telephony is about to name it
            missing.add(attempt.attempt_id)
            if not ours or attempt.attempt_id in self._suspects:
                lost.append((task.task_id, attempt))
        self._suspects = missing
        contacts = [attempt.contact_id for _, attempt in lost if attempt.contact_id is not None]
        dialled = await self._source.dialled_contacts(contacts) if contacts else ()
        return [
            LostAttempt(task_id, attempt.attempt_id, attempt.contact_id in dialled)
            for task_id, attempt in lost
        ]
