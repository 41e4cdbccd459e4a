"""One kind of document: how it is called, read and written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

from ccserver.documents.parts import Part, ShapeWrong, Told, wrong_shape
from ccserver.documents.plain_yaml import read_plain, write_plain

D = TypeVar("D", bound=Part)


def _whole(data: object, _: Told) -> object:
    return data


def _same(data: dict[str, object]) -> dict[str, object]:
    return data


@dataclass(frozen=True)
class DocumentKind(Generic[D]):
    """``name`` stands in addresses, commands, events and files: ``routing``.

    ``without_meaningless`` leaves out keys that older documents hold and that mean nothing any
    more; ``layout`` marks lists that a YAML file holds on one line.
    """

    name: str
    shape: type[D]
    bytes_max: int
    without_meaningless: Callable[[object, Told], object] = _whole
    layout: Callable[[dict[str, object]], dict[str, object]] = _same

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[D]:
        return msgspec.json.Decoder(self.shape)

    def decode(self, raw: bytes | str, *, ignored: Told = lambda _: None) -> D:
        """Read JSON; raises `ShapeWrong`."""
        try:
            try:
                return self._decoder.decode(raw)
            except msgspec.ValidationError:
                # Slower, but says the same, and knows what older documents hold.
                return self.from_builtins(msgspec.json.decode(raw), ignored=ignored)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise ShapeWrong("", "This is not JSON in UTF-8.") from None

    def from_builtins(self, data: object, *, ignored: Told = lambda _: None) -> D:
        """Read what a YAML file held; raises `ShapeWrong`."""
        try:
            return msgspec.convert(self.without_meaningless(data, ignored), self.shape)
        except msgspec.ValidationError as error:
            raise wrong_shape(error) from None
        except RecursionError:
            raise ShapeWrong("", "The document is nested too deeply.") from None

    def encode(self, document: D) -> bytes:
        """Write JSON: the same document always gives the same bytes."""
        return msgspec.json.encode(document)

    def from_yaml(self, raw: bytes, *, ignored: Told = lambda _: None) -> D:
        """Read a file; raises `YAMLInvalid`, or `ShapeWrong` with the path in the document."""
        return self.from_builtins(read_plain(raw, bytes_max=self.bytes_max), ignored=ignored)

    def to_yaml(self, document: D, *, version: int, author: str, saved_at: datetime | None) -> str:
        """Write a file with comments at the top that say which version it is, and whose."""
        utc = None if saved_at is None else saved_at.astimezone(UTC)
        when = "never saved" if utc is None else f"{utc:%Y-%m-%d %H:%M:%SZ}"
        head = (
            f"# {self.name.capitalize()} of ccserver: version {version}, {when}, "
            f"by {_one_line(author)}.\n"
            f"# All keys: docs/reference/{self.name}.md. "
            f"Import: ccserver {self.name} import FILE\n"
        )
        return head + write_plain(self.layout(to_builtins(document)))


def to_builtins(document: Part) -> dict[str, object]:
    """The document as plain values in the shape of the JSON."""
    data: dict[str, object] = msgspec.to_builtins(document)
    return data


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
