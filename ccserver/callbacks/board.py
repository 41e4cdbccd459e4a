"""The tasks that are not done, as the panels see them.

What is shown changes at once; the database follows. What the database answers is taken over only
where nothing of the task waits to be written and nothing newer is shown.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from datetime import datetime

from ccserver.callbacks.values import (
    CallbackId,
    CallbackSettings,
    CallbackState,
    CallbackTask,
)
from ccserver.callbacks.views import as_json
from ccserver.types import ContactId

REMEMBERED_MAX = 1_000
"""Of tasks that have gone, so that an older reading does not bring them back."""

JSONObject = dict[str, object]


class CallbackBoard:
    """Tasks by id; every change goes out as one message.

    ``withdraw`` ends a contact that stands in line for a task which has been settled.
    """

    def __init__(
        self,
        publish: Callable[[JSONObject], None],
        withdraw: Callable[[ContactId], None],
        settings: CallbackSettings,
    ) -> None:
        self._publish = publish
        self._withdraw = withdraw
        self.settings = settings
        self._tasks: dict[CallbackId, CallbackTask] = {}
        self._gone: OrderedDict[CallbackId, int] = OrderedDict()
        self._unwritten: Counter[CallbackId] = Counter()
        self._attempts: dict[ContactId, tuple[CallbackId, str]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def get(self, task_id: CallbackId) -> CallbackTask | None:
        """The task, if it is not done."""
        return self._tasks.get(task_id)

    def tasks(self) -> list[CallbackTask]:
        """All tasks, in no order."""
        return list(self._tasks.values())

    def ordered(self) -> list[CallbackTask]:
        """All tasks, in the order in which they are offered."""
        return sorted(self._tasks.values(), key=lambda task: task.order)

    def has_number(self, digits: str) -> bool:
        """Whether somebody with this number is to be called back."""
        return any(task.digits == digits for task in self._tasks.values())

    def configure(self, settings: CallbackSettings) -> None:
        """Take over changed settings, and tell the panels what they change."""
        before, self.settings = self.settings, settings
        for task in self._tasks.values():
            if as_json(task, before) != as_json(task, settings):
                self._tell(task)

    # -- attempts by their contact ----------------------------------------------------------------

    def attempt_of(self, contact_id: ContactId) -> tuple[CallbackId, str] | None:
        """The task and the attempt that a contact is for, until the contact has ended."""
        return self._attempts.get(contact_id)

    def bind(self, contact_id: ContactId, task_id: CallbackId, attempt_id: str) -> None:
        """The contact is for this attempt."""
        self._attempts[contact_id] = (task_id, attempt_id)

    def unbind(self, contact_id: ContactId) -> tuple[CallbackId, str] | None:
        """The contact has ended."""
        return self._attempts.pop(contact_id, None)

    # -- writes under way -------------------------------------------------------------------------

    def writing(self, task_id: CallbackId) -> bool:
        """Whether something of the task waits to be written."""
        return self._unwritten[task_id] > 0

    def hold(self, task_id: CallbackId) -> None:
        """A write of the task was handed over; what is shown is ahead of the database."""
        self._unwritten[task_id] += 1

    def release(self, task_id: CallbackId, task: CallbackTask | None) -> None:
        """The write is done, with the task as it now is; ``None`` if it will never be done."""
        self._unwritten[task_id] -= 1
        if self._unwritten[task_id] <= 0:
            del self._unwritten[task_id]
        if task is not None:
            self.adopt(task)
        else:
            # What was shown did not come true: the next reading is to be believed.
            self._gone.pop(task_id, None)

    # -- changes ----------------------------------------------------------------------------------

    def adopt(self, task: CallbackTask) -> None:
        """Take over what the database has, unless what is shown is ahead of it."""
        shown = self._tasks.get(task.task_id)
        seen = shown.revision if shown else self._gone.get(task.task_id, -1)
        if self.writing(task.task_id) or task.revision < seen:
            return
        if shown is None and task.revision == seen:
            return
        self.show(task)
        if task.state is CallbackState.DONE:
            self._withdraw_of(shown)

    def keep_only(self, kept: set[CallbackId], shown: set[CallbackId]) -> None:
        """Of those ``shown`` before a reading began, drop what it did not find: they are done."""
        for task_id in shown - kept:
            task = self._tasks.get(task_id)
            if task is not None and not self.writing(task_id):
                self._remove(task)
                self._withdraw_of(task)

    def forget(self, task_id: CallbackId, fresh: CallbackTask | None) -> None:
        """What was shown was wrong: show what the database has, or nothing."""
        wrong = self._tasks.pop(task_id, None)
        if fresh is not None and fresh.state is not CallbackState.DONE:
            self.show(fresh)
        elif wrong is not None:
            self._publish({"type": "callback_gone", "task_id": task_id})

    def show(self, task: CallbackTask) -> None:
        """The task is now like this."""
        if task.state is CallbackState.DONE:
            self._remove(task)
            return
        for attempt in task.attempts:
            if attempt.outcome is None and attempt.contact_id is not None:
                self.bind(attempt.contact_id, task.task_id, attempt.attempt_id)
        shown = self._tasks.get(task.task_id)
        self._tasks[task.task_id] = task
        if shown is None or as_json(shown, self.settings) != as_json(task, self.settings):
            self._tell(task)

    def _remove(self, task: CallbackTask) -> None:
        self._gone[task.task_id] = task.revision
        self._gone.move_to_end(task.task_id)
        if len(self._gone) > REMEMBERED_MAX:
            self._gone.popitem(last=False)
        if self._tasks.pop(task.task_id, None) is not None:
            self._publish({"type": "callback_gone", "task_id": task.task_id})

    def _withdraw_of(self, shown: CallbackTask | None) -> None:
        """The citizen need not be called any more, so the contact in line is in vain."""
        current = shown.current if shown else None
        if current is not None and current.agent_id is None and current.contact_id is not None:
            self._withdraw(current.contact_id)

    def _tell(self, task: CallbackTask) -> None:
        self._publish({"type": "callback", "task": as_json(task, self.settings)})


def following(tasks: list[CallbackTask], before: str | None) -> list[CallbackTask]:
    """The tasks behind the cursor; a cursor never given out begins anew."""
    parts = (before or "").split("~")
    try:
        priority, created_at, task_id = int(parts[0]), datetime.fromisoformat(parts[1]), parts[2]
    except (ValueError, IndexError):
        return tasks
    if created_at.tzinfo is None:
        return tasks
    return [task for task in tasks if task.order > (-priority, created_at, task_id)]
