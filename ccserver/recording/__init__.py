"""Recordings: sealed from what Asterisk wrote, proved, kept and found again."""

from ccserver.recording.sealing import SealingFiles, Unsealable
from ccserver.recording.store import RecordingStore
from ccserver.recording.values import (
    InvalidContactId,
    Recording,
    RecordingState,
    UnknownRecording,
)

__all__ = [
    "InvalidContactId",
    "Recording",
    "RecordingState",
    "RecordingStore",
    "SealingFiles",
    "UnknownRecording",
    "Unsealable",
]
