"""Recordings: sealed from what Asterisk wrote, proved, kept and found again."""

from ccserver.recording.sealing import SealingFiles, Unsealable
from ccserver.recording.store import RecordingStore
from ccserver.recording.values import (
    InvalidContactId,
    InvalidRecordingName,
    RecordedParty,
    Recording,
    RecordingName,
    RecordingState,
    UnknownRecording,
)

__all__ = [
    "InvalidContactId",
    "InvalidRecordingName",
    "RecordedParty",
    "Recording",
    "RecordingName",
    "RecordingState",
    "RecordingStore",
    "SealingFiles",
    "UnknownRecording",
    "Unsealable",
]
