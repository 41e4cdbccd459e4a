"""Proves the shape of the log, and that personal data does not get into it even by mistake."""

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ccserver import log as room_log
from ccserver.config import LogSettings
from ccserver.log import DENIED_KEYS, DENIED_PARTS, DEPTH_MAX, ITEMS_MAX, REDACTED, configure

NUMBER = "+37120000001"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """The process-wide set-up of both log systems is the test's own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


class Lines:
    """What was written since the set-up."""

    def __init__(self, **settings: str) -> None:
        self.stream = io.StringIO()
        configure(LogSettings(**settings), stream=self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def one(self) -> dict[str, Any]:
        (line,) = self.text.splitlines()
        value: dict[str, Any] = json.loads(line)
        return value


def test_an_event_is_one_line_of_json_with_its_time_in_utc() -> None:
    lines = Lines()
    structlog.get_logger("ccserver.runtime").info("offer_timed_out", contact_id="c1", wait_s=1.5)
    line = lines.one()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert line == {
        "event": "offer_timed_out",
        "level": "info",
        "logger": "ccserver.runtime",
        "contact_id": "c1",
        "wait_s": 1.5,
    }


def test_what_is_bound_stands_on_every_line_of_both_systems() -> None:
    lines = Lines()
    with structlog.contextvars.bound_contextvars(contact_id="c1", request_id="r1"):
        structlog.get_logger().info("one")
        logging.getLogger("sqlalchemy").warning("two %s", "things")
    structlog.get_logger().info("three")
    one, two, three = (json.loads(line) for line in lines.text.splitlines())
    assert (one["contact_id"], one["request_id"]) == ("c1", "r1")
    assert (two["contact_id"], two["request_id"]) == ("c1", "r1")
    assert (two["event"], two["logger"], two["level"]) == ("two things", "sqlalchemy", "warning")
    assert "contact_id" not in three


def test_a_logger_made_before_the_set_up_follows_it() -> None:
    early = structlog.get_logger()
    lines = Lines()
    early.info("event")
    assert lines.one()["event"] == "event"


@pytest.mark.parametrize(
    ("level", "seen"),
    [("debug", "diwe"), ("info", "iwe"), ("warning", "we"), ("error", "e")],
)
def test_the_level_holds_for_both_systems(level: str, seen: str) -> None:
    lines = Lines(level=level)
    for logger in (structlog.get_logger(), logging.getLogger("library")):
        logger.debug("d")
        logger.info("i")
        logger.warning("w")
        logger.error("e")
    assert "".join(json.loads(line)["event"] for line in lines.text.splitlines()) == seen * 2


@pytest.mark.parametrize("key", sorted(DENIED_KEYS))
def test_denied_keys_are_redacted_however_they_are_written(key: str) -> None:
    lines = Lines()
    logger = structlog.get_logger()
    for spelling in (key, key.upper(), key.replace("_", "-")):
        logger.info("event", **{spelling: "personal"})
        logger.info("event", data={"deep": [{spelling: "personal"}]})
        logging.getLogger("library").info("event", extra={"x": {spelling: "personal"}})
    assert "personal" not in lines.text
    assert lines.text.count(REDACTED) == 9


@pytest.mark.parametrize("part", DENIED_PARTS)
def test_a_key_that_sounds_like_a_secret_is_redacted(part: str) -> None:
    lines = Lines()
    structlog.get_logger().info("event", **{f"sip_{part}_x": "open sesame", part: 12345})
    assert "sesame" not in lines.text
    assert "12345" not in lines.text


def test_ids_and_the_absence_of_a_value_stay_readable() -> None:
    lines = Lines()
    ids = {
        "contact_id": "7a4e2c10-94f2-4b0e-8f6c-2b8f0c9d2e02",
        "agent_id": "agent-101",
        "card_number": "2026-000001",
        "caller_number": None,
        "caller_number_hidden": True,
        "port": 5060,
        "at": "2026-03-01T08:00:00+02:00",
    }
    structlog.get_logger().info("event", **ids)
    line = lines.one()
    assert {key: line[key] for key in ids} == ids


@pytest.mark.parametrize(
    "sentence",
    [
        f"cannot call {NUMBER}",
        f"INVITE sip:{NUMBER}@127.0.0.1",
        "From: <sip:anna.ozola@example.lv;user=phone>",
        "tel:112233445",
        f"('{NUMBER}', 1)",
    ],
)
def test_numbers_inside_sentences_and_tracebacks_are_masked(sentence: str) -> None:
    lines = Lines()
    structlog.get_logger().info("event", reason=sentence)
    logging.getLogger("library").info("it said: %s", sentence)
    try:
        raise ValueError(sentence)
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed")
    assert not re.search(r"371200|anna|112233", lines.text)
    assert lines.text.count("Traceback") == 2
    assert len(lines.text.splitlines()) == 4


@pytest.mark.parametrize("form", ["json", "console"])
def test_local_variables_never_get_into_a_traceback(form: str) -> None:
    lines = Lines(format=form)
    note = "".join(["the child ", "is in the well"])
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    assert note
    assert "RuntimeError: broken" in lines.text
    assert "in the well" not in lines.text


def test_data_without_end_is_cut() -> None:
    lines = Lines()
    cycle: dict[str, Any] = {}
    cycle["again"] = cycle
    structlog.get_logger().info("event", cycle=cycle, many=list(range(10_000)), raw=b"\0" * 99)
    line = lines.one()
    depth, inner = 0, line["cycle"]
    while isinstance(inner, dict):
        depth, inner = depth + 1, inner["again"]
    assert (depth, inner) == (DEPTH_MAX, REDACTED)
    assert len(line["many"]) == ITEMS_MAX
    assert line["raw"] == "99 bytes"


def test_objects_are_written_as_text_and_masked() -> None:
    class Number:
        def __str__(self) -> str:
            return NUMBER

    lines = Lines()
    structlog.get_logger().info("event", value=Number(), values=(Number(),))
    line = lines.one()
    assert (line["value"], line["values"]) == (REDACTED, [REDACTED])


def test_warnings_come_out_as_lines() -> None:
    lines = Lines()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    assert "old thing" in lines.one()["event"]


def test_the_console_is_for_people_and_redacted_as_well() -> None:
    lines = Lines(format="console")
    structlog.get_logger().info("event", contact_id="c1", caller_number=NUMBER)
    assert "contact_id=c1" in lines.text
    assert NUMBER not in lines.text
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines.text)


def test_setting_up_twice_does_not_double_the_lines() -> None:
    Lines()
    lines = Lines()
    structlog.get_logger().info("event")
    assert lines.one()["event"] == "event"


def test_without_a_stream_it_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    room_log.configure(LogSettings())
    structlog.get_logger().info("event")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "event"
