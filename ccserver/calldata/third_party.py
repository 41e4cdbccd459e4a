"""A car that called its maker's centre, handed over to us (EN 16102): the document. Pure.

The standard says what is handed over, and leaves the form to who agrees on it. Ours is JSON, or XML
with the same names.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ccserver.ecall import json_form, msd
from ccserver.ecall.values import DecodedMSD, MSDInvalid, MSDUnwritable
from ccserver.location.xml import Element, XMLRefused, local_name, read_xml, text_of

JSON_TYPE: Final = "application/json"
XML_TYPES: Final = ("application/xml", "text/xml")
MEDIA_TYPES: Final = (JSON_TYPE, *XML_TYPES)

MSD_FORMS: Final = ("msd_hex", "msd_base64", "msd")
TEXTS: Final = {
    "caller_number": 40,
    "callback_number": 40,
    "provider": 100,
    "reference": 100,
    "text": 2_000,
}
"""What may stand beside the MSD, with how many characters."""

MSD_TEXT_CHARS_MAX: Final = 2_048
DEPTH_MAX: Final = 6
"""Of XML within ``msd``; the standard's structure is four deep."""

STRINGS: Final = frozenset(
    {
        "isowmi",
        "isovds",
        "isovisModelyear",
        "isovisSeqPlant",
        "vehicleIdentificationNumber",
        "vehicleType",
        "oid",
        "data",
    }
)
"""Values of an MSD that are texts, however much they look like numbers."""


class HandOverInvalid(ValueError):
    """The document hands no car over: ``path`` says where, ``reason`` why, for people."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class HandOver:
    """One car. ``octets`` are its MSD, as sent or as its values are written."""

    octets: bytes
    decoded: DecodedMSD
    caller_number: str = ""
    callback_number: str = ""
    provider: str = ""
    reference: str = ""
    text: str = ""

    @classmethod
    def parse(cls, data: bytes, media_type: str) -> "HandOver":
        """Read a document; raises `HandOverInvalid`, and nothing else, whatever ``data`` is."""
        told = _of_xml(data) if media_type in XML_TYPES else _of_json(data)
        known = {*MSD_FORMS, *TEXTS}
        if unknown := sorted(told.keys() - known):
            raise HandOverInvalid(unknown[0][:40], "there is no such name")
        octets, decoded = _msd_of(told)
        return cls(octets, decoded, **{name: _text(told, name) for name in TEXTS})

    def fields(self) -> dict[str, list[str]]:
        """What was told beside the MSD, as Additional Data are."""
        return {name: [value] for name in TEXTS if (value := getattr(self, name))}


def _of_json(data: bytes) -> Mapping[str, object]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise HandOverInvalid("body", "this is not JSON in UTF-8") from None
    if not isinstance(told, dict):
        raise HandOverInvalid("body", "an object is expected")
    return told


def _of_xml(data: bytes) -> Mapping[str, object]:
    try:
        root = read_xml(data)
    except XMLRefused as error:
        raise HandOverInvalid("body", str(error)) from None
    told: dict[str, object] = {}
    for child in root:
        name = _snake(local_name(child))
        if name in told:
            raise HandOverInvalid(name[:40], "it is there twice")
        told[name] = _values(child, 0) if name == "msd" else text_of(child)
    return told


def _snake(name: str) -> str:
    """``callbackNumber`` and ``callback_number`` are the same."""
    spaced = "".join(f"_{one.lower()}" if "A" <= one <= "Z" else one for one in name)
    return spaced.lstrip("_")


def _values(element: Element, depth: int) -> object:
    """The values within ``msd``: elements of elements, numbers, flags and texts."""
    name, text = local_name(element), text_of(element)
    if len(element) and depth < DEPTH_MAX:
        return {local_name(child): _values(child, depth + 1) for child in element}
    if name in STRINGS:
        return text
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text) if len(text) <= 12 else text
    except ValueError:
        return text or None


def _msd_of(told: Mapping[str, object]) -> tuple[bytes, DecodedMSD]:
    forms = [name for name in MSD_FORMS if told.get(name) is not None]
    if len(forms) != 1:
        raise HandOverInvalid("msd", f"exactly one of {', '.join(MSD_FORMS)} is expected")
    (form,) = forms
    octets = _written(told["msd"]) if form == "msd" else _octets(form, told[form])
    try:
        return octets, msd.decode(octets)
    except MSDInvalid as error:
        raise HandOverInvalid(form, str(error)) from None


def _written(values: object) -> bytes:
    try:
        return msd.encode(json_form.from_json(values))
    except MSDUnwritable as error:
        raise HandOverInvalid("msd", str(error)) from None


def _octets(form: str, value: object) -> bytes:
    if not isinstance(value, str) or len(value) > MSD_TEXT_CHARS_MAX:
        raise HandOverInvalid(form, f"a text of at most {MSD_TEXT_CHARS_MAX} characters")
    letters = "".join(value.split())
    try:
        if form == "msd_hex":
            return bytes.fromhex(letters.removeprefix("0x"))
        return base64.b64decode(letters, validate=True)
    except (ValueError, binascii.Error):
        raise HandOverInvalid(form, "this is not what its name says") from None


def _text(told: Mapping[str, object], name: str) -> str:
    value = told.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise HandOverInvalid(name, "a text is expected")
    if len(value) > TEXTS[name]:
        raise HandOverInvalid(name, f"at most {TEXTS[name]} characters are expected")
    if any(one == "\0" or "\ud800" <= one <= "\udfff" for one in value):
        raise HandOverInvalid(name, "it holds a character that is not text")
    return value
