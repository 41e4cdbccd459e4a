"""Structured logs of the whole process: one line per event on standard error.

Rooms log an event's name with keyword data (`structlog.get_logger()`); libraries that use the
standard library's logging come out in the same shape. Rooms give ids, never personal data. The
redaction here is the second line of defence for the day when one forgets.
"""

import itertools
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import TextIO

import structlog

from ccserver.config import LogSettings

REDACTED = "[redacted]"

DENIED_KEYS = frozenset(
    {
        "agent_name",
        "body",
        "called_number",
        "caller_id",
        "caller_name",
        "caller_number",
        "connected_number",
        "current_text",
        "name",
        "notes",
        "notes_excerpt",
        "number",
        "phone",
        "phone_number",
        "text",
    }
)
"""Keys whose values are about people, compared in lower case with ``-`` read as ``_``."""

DENIED_PARTS = ("authorization", "cookie", "passphrase", "password", "secret", "token")
"""A key that contains one of these holds something that opens a door."""

DEPTH_MAX = 6
"""Deeper data is replaced as a whole: no event needs it, and a cycle must not hang a logger."""

ITEMS_MAX = 100
"""Of one list or mapping in an event, so that a large answer logged by mistake stays a line."""

_DIALLABLE = re.compile(r"(?<![\w.])\+\d{7,15}\b|\b(tel|sips?):[^\s@;>'\"]+", re.IGNORECASE)
"""International numbers and the user part of SIP and tel URIs, inside sentences and tracebacks."""

_PROTECTED_KEYS = frozenset({"level", "timestamp", "logger"})

EventDict = MutableMapping[str, object]
Container = (
    Mapping[object, object] | list[object] | tuple[object, ...] | set[object] | frozenset[object]
)


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: replace denied values at any depth and numbers inside sentences."""
    return {
        key: value if key in _PROTECTED_KEYS else _clean_item(key, value, 0)
        for key, value in event.items()
    }


def _denied(key: object) -> bool:
    name = str(key).lower().replace("-", "_")
    return name in DENIED_KEYS or any(part in name for part in DENIED_PARTS)


def _clean_item(key: object, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    return REDACTED if _denied(key) else _clean(value, depth)


def _clean(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_container(value, depth + 1) if depth < DEPTH_MAX else REDACTED
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return _DIALLABLE.sub(_mask, str(value))


def _clean_container(value: Container, depth: int) -> object:
    if isinstance(value, Mapping):
        items = itertools.islice(value.items(), ITEMS_MAX)
        return {str(key): _clean_item(key, inner, depth) for key, inner in items}
    return [_clean(inner, depth) for inner in itertools.islice(value, ITEMS_MAX)]


def _mask(found: re.Match[str]) -> str:
    scheme = found.group(1)
    return f"{scheme}:{REDACTED}" if scheme else REDACTED


def configure(settings: LogSettings, *, stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's root logger; may be called again.

    Times are ISO 8601 in UTC. ``contact_id``, ``request_id`` and whatever else is bound with
    `structlog.contextvars` stand on every line. ``stream`` is standard error unless given.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Loggers are made when modules are imported, before this runs; a cached one would keep
        # the set-up of that moment.
        cache_logger_on_first_use=False,
    )
    renderer: structlog.types.Processor
    if settings.format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # The traceback becomes text before the redaction, which then reads it too. Local
                # variables are never printed: they hold numbers and notes.
                structlog.processors.format_exc_info,
                redact,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=True)
