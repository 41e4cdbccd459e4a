"""Call-backs: who gave up is called, until the citizen is reached or has called again."""

from ccserver.callbacks.desk import CallbackDesk, CallbackPage
from ccserver.callbacks.store import CallbackStore
from ccserver.callbacks.story import CallbackStep, StepKind
from ccserver.callbacks.values import (
    AbandonedContact,
    AnsweredContact,
    AttemptOutcome,
    CallbackAttempt,
    CallbackClosed,
    CallbackId,
    CallbackKind,
    CallbackNotDialable,
    CallbackOutcome,
    CallbackOutcomeInvalid,
    CallbackRefused,
    CallbackSettings,
    CallbackState,
    CallbackTaken,
    CallbackTask,
    CallbackUnknown,
    ContactSource,
    PlaceCall,
    RecentAbandon,
    digits_of,
)
from ccserver.callbacks.views import as_json

__all__ = [
    "AbandonedContact",
    "AnsweredContact",
    "AttemptOutcome",
    "CallbackAttempt",
    "CallbackClosed",
    "CallbackDesk",
    "CallbackId",
    "CallbackKind",
    "CallbackNotDialable",
    "CallbackOutcome",
    "CallbackOutcomeInvalid",
    "CallbackPage",
    "CallbackRefused",
    "CallbackSettings",
    "CallbackState",
    "CallbackStep",
    "CallbackStore",
    "CallbackTaken",
    "CallbackTask",
    "CallbackUnknown",
    "ContactSource",
    "PlaceCall",
    "RecentAbandon",
    "StepKind",
    "as_json",
    "digits_of",
]
