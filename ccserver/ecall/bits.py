"""Bits as the unaligned packed encoding rules (UPER, ITU-T X.691) lay them: one after another."""

from typing import Final

FRAGMENT: Final = 3 << 6
"""Begins a length that is told in pieces (X.691 §11.9.3.8); no MSD is that long."""

LONG: Final = 2 << 6
LONG_LENGTH_MAX: Final = (1 << 14) - 1
SHORT_LENGTH_MAX: Final = (1 << 7) - 1

_MASKS: Final = tuple((1 << width) - 1 for width in range(257))


class EndOfBits(Exception):
    """More bits were asked for than there are, or a length that no message of this size has."""


class BitReader:
    """Takes bits off octets, the highest of each first."""

    __slots__ = ("_size", "_value", "left")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._size = self.left = len(data) * 8
        """How many bits there still are; fewer may be set, which skips."""

    @property
    def at(self) -> int:
        """How many bits were taken."""
        return self._size - self.left

    def take(self, width: int) -> int:
        """Return the next ``width`` bits, up to 256; raises `EndOfBits` and then takes none."""
        left = self.left - width
        if left < 0:
            raise EndOfBits
        self.left = left
        return self._value >> left & _MASKS[width]

    def octets(self, count: int) -> bytes:
        """Return the next octets, which may begin within an octet; raises `EndOfBits`."""
        left = self.left - count * 8
        if left < 0:
            raise EndOfBits
        self.left = left
        return (self._value >> left & (1 << count * 8) - 1).to_bytes(count, "big")

    def octets_there(self, count: int) -> bytes:
        """Return as many of the next octets as there are."""
        return self.octets(min(count, self.left // 8))

    def length(self) -> int:
        """Return a length in octets (X.691 §11.9); raises `EndOfBits`, also where it has pieces."""
        first = self.take(8)
        if first < LONG:
            return first
        if first >= FRAGMENT:
            raise EndOfBits
        return (first - LONG) << 8 | self.take(8)

    def small_number(self) -> int:
        """Return a normally small whole number (X.691 §11.6); raises `EndOfBits`."""
        if not self.take(1):
            return self.take(6)
        return int.from_bytes(self.octets(self.length()), "big")

    def skip_additions(self) -> int:
        """Pass over what later versions added to a sequence (X.691 §19.7); return how many of it.

        Raises `EndOfBits`.
        """
        count = self.length() if self.take(1) else self.take(6) + 1
        if count > self.left:
            raise EndOfBits
        there = sum(self.take(1) for _ in range(count))
        for _ in range(there):
            self.octets(self.length())
        return there


class BitWriter:
    """Puts bits one after another."""

    __slots__ = ("_value", "_width")

    def __init__(self) -> None:
        self._value = 0
        self._width = 0

    def put(self, value: int, width: int) -> None:
        """Add ``value`` in ``width`` bits; one that does not fit is our own mistake."""
        assert 0 <= value < 1 << width
        self._value = self._value << width | value
        self._width += width

    def octets(self, data: bytes) -> None:
        """Add a length and these octets."""
        assert len(data) <= LONG_LENGTH_MAX
        if len(data) <= SHORT_LENGTH_MAX:
            self.put(len(data), 8)
        else:
            self.put(LONG << 8 | len(data), 16)
        self._value = self._value << len(data) * 8 | int.from_bytes(data, "big")
        self._width += len(data) * 8

    def done(self) -> bytes:
        """Return what was put, with zeros up to the next octet."""
        padding = -self._width % 8
        return (self._value << padding).to_bytes((self._width + padding) // 8, "big")
