"""No statement of the gateway reads a whole table: the inbox of a bad day has a million rows."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from ccserver.db import make_engine
from ccserver.sms import correlation, landing, parts, retention, sends
from ccserver.sms.arrival import AMLRules, Stored, unread
from ccserver.sms.correlation import Reported
from ccserver.sms.folding import PartState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WHOLE = re.compile(r"(?:SCAN|SEARCH) sms_\w+\b(?! USING)")
NEWEST = "SELECT max(sms_inbox.inbox_id)"
"""The end of the table itself, for which the plan names no index."""
REPORT = Reported(1, "north", ("abc",), "+37120000001", PartState.DELIVERED, None, NOW)
ARRIVAL = unread(Stored(1, "north", "north-1", 5, b"x", NOW), "unreadable")


def test_every_statement_finds_its_rows_by_an_index(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "plans.db")
    engine = make_engine(f"sqlite:///{tmp_path}/plans.db", timeout_s=10)
    plans: dict[str, list[str]] = {}

    @event.listens_for(engine, "before_cursor_execute")
    def explain(
        connection: Connection, _: object, statement: str, values: object, *rest: object
    ) -> None:
        if statement.startswith(("SELECT", "DELETE")) and statement not in plans:
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]
            plans[statement] = [str(row[3]) for row in cursor.fetchall()]

    with Session(engine) as session:
        ask_everything(session)
    engine.dispose()
    assert len(plans) >= 20
    for statement, plan in plans.items():
        if statement.startswith(NEWEST):
            continue
        assert not [line for line in plan if WHOLE.search(line)], statement


def ask_everything(session: Session) -> None:
    landing.pending(session, 20)
    landing.count_pending(session)
    landing.try_failed_again(session, NOW)
    landing._last_seen(session, [ARRIVAL])
    landing._not_done(session, [ARRIVAL])
    parts.next_due(session)
    parts.due_ids(session, NOW)
    rules = AMLRules(lambda _: False, lambda _: False)
    parts.Parts(session, {}, rules)._known("key", NOW)
    sends.queued(session)
    sends.due(session, NOW)
    sends.expire(session, NOW)
    sends.take_up(session, NOW)
    sends._parts(session, "message")
    sends._next_reference(session, "+37120000001")
    correlation.find_send(session, REPORT)
    correlation.take_early(session, "north", "abc", "+37120000001")
    correlation.keep_early(session, REPORT)
    retention.purge(session, NOW)
