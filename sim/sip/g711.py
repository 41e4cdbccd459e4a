"""A-law and mu-law (ITU-T G.711) as tables."""

import numpy as np
import numpy.typing as npt

from sim.audio import Samples

ALAW_SILENCE = 0xD5
ULAW_SILENCE = 0xFF


def _alaw() -> npt.NDArray[np.float32]:
    codes = np.arange(256) ^ 0x55
    exponent = (codes >> 4) & 7
    mantissa = ((codes & 0x0F) << 4) + 8
    raised = (mantissa + 0x100) << np.maximum(exponent - 1, 0)
    level = np.where(exponent == 0, mantissa, raised)
    return np.asarray(np.where(codes & 0x80, level, -level) / 32768.0, dtype=np.float32)


def _ulaw() -> npt.NDArray[np.float32]:
    codes = ~np.arange(256) & 0xFF
    level = ((((codes & 0x0F) << 3) + 0x84) << ((codes >> 4) & 7)) - 0x84
    return np.asarray(np.where(codes & 0x80, -level, level) / 32768.0, dtype=np.float32)


ALAW_LEVELS = _alaw()
ULAW_LEVELS = _ulaw()
_ORDER = np.argsort(ALAW_LEVELS, kind="stable")
_MIDDLES = (ALAW_LEVELS[_ORDER][1:] + ALAW_LEVELS[_ORDER][:-1]) / 2


def to_alaw(samples: Samples) -> bytes:
    """Write samples of full scale 1.0 in A-law, each as the nearest level."""
    return bytes(_ORDER[np.searchsorted(_MIDDLES, samples)].astype(np.uint8))


def from_alaw(octets: bytes | bytearray) -> Samples:
    """Read A-law."""
    return np.asarray(ALAW_LEVELS[np.frombuffer(octets, dtype=np.uint8)], dtype=np.float32)


def from_ulaw(octets: bytes | bytearray) -> Samples:
    """Read mu-law."""
    return np.asarray(ULAW_LEVELS[np.frombuffer(octets, dtype=np.uint8)], dtype=np.float32)
