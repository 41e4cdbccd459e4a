"""A call-back task in JSON, as the API's reference describes it."""

from datetime import UTC, datetime

from ccserver.callbacks.values import CallbackAttempt, CallbackSettings, CallbackTask


def as_json(task: CallbackTask, settings: CallbackSettings) -> dict[str, object]:
    """The task as the panel shows it."""
    return {
        "task_id": task.task_id,
        "kind": task.kind.value,
        "number": task.number,
        "dialable": task.dialable,
        "incident_id": task.incident_id,
        "card_number": task.card_number,
        "contact_id": task.contacts[-1] if task.contacts else None,
        "contacts": list(task.contacts),
        "created_at": _iso(task.created_at),
        "last_abandoned_at": _iso(task.last_abandoned_at),
        "queue": task.queue,
        "priority": task.priority,
        "state": task.state.value,
        "attempts": [_attempt(one) for one in task.attempts],
        "next_attempt_at": _iso(task.next_attempt_at(settings)),
        "exhausted": task.exhausted(settings),
        "outcome": task.outcome.value if task.outcome else None,
        "closed_at": _iso(task.closed_at),
        "closed_by": task.closed_by,
        "note": task.note,
    }


def _attempt(attempt: CallbackAttempt) -> dict[str, object]:
    return {
        "at": _iso(attempt.begun_at),
        "agent_id": attempt.agent_id,
        "agent_name": attempt.agent_name,
        "outcome": attempt.outcome.value if attempt.outcome else None,
        "reason": attempt.reason,
        "contact_id": attempt.contact_id,
    }


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
