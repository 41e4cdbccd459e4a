"""How a command is written for ARI's HTTP, and a refusal is read; no I/O."""

import re
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote

import msgspec

JSONValue: TypeAlias = "dict[str, JSONValue] | list[JSONValue] | str | int | float | bool | None"
Path: TypeAlias = str | tuple[str, ...]
"""Segments, or a literal of letters and slashes; see `encode_path`."""
Params: TypeAlias = Mapping[str, str | int | float | bool | None]
"""Query parameters; those that are ``None`` are left out."""

_LITERAL_PATH = re.compile(r"(/[A-Za-z]+)+")


def encode_path(path: Path) -> str:
    """``/a/b`` of segments, each percent-encoded, so that no id can reach another resource."""
    if isinstance(path, str):
        if not _LITERAL_PATH.fullmatch(path):
            raise ValueError("a path with ids in it is given as a tuple of segments")
        return path
    if not path or not all(path):
        raise ValueError("a path has at least one segment, and none is empty")
    if any(segment in (".", "..") or "\0" in segment for segment in path):
        raise ValueError("a path segment is neither dots nor holds a NUL")
    return "".join(f"/{quote(segment, safe='')}" for segment in path)


def encode_params(params: Params) -> dict[str, str]:
    """As they go into the query; raises `ValueError` for what Asterisk would cut short."""
    encoded: dict[str, str] = {}
    for key, value in params.items():
        if value is None:
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if "\0" in text:
            # Asterisk's strings end there: the rest would vanish unnoticed.
            raise ValueError(f"parameter {key} holds a NUL")
        encoded[key] = text
    return encoded


def refuse_device_state(params: Params | None, json: JSONValue) -> None:
    """Raise `ValueError` for a subscription that can deadlock Asterisk 22 (open upstream)."""
    body = json.get("eventSource") if isinstance(json, dict) else None
    query = params.get("eventSource") if params is not None else None
    if "devicestate:" in f"{query},{body}".lower():
        raise ValueError("device states must never be subscribed")


def refusal_text(content: bytes, reason: str) -> str:
    """Asterisk's own text, ``{"message": …}``, else the HTTP reason."""
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return reason
    if isinstance(answer, dict):
        return str(answer.get("message") or answer.get("error") or reason)
    return reason
