"""How texts are handled: snippets, acknowledgement, layouts of apps."""

import msgspec

from ccserver.documents import Problem, Texts
from ccserver.documents.difference import Change
from ccserver.messaging.document import Messaging, Snippet
from ccserver.web.describe import Operation, Operations, Shape
from ccserver.web.messaging import Trial
from ccserver.web.shapes.documents import Comment, Kind, StoredShape, operations


class MessagingSave(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of the messaging document."""

    document: Messaging
    comment: Comment = ""


class MessagingCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A messaging document that is to be checked."""

    document: Messaging


class MessagingInForce(Shape, frozen=True):
    """What call takers work with; `acknowledges`: the centre answers first texts by itself."""

    version: int
    snippets: list[Snippet]
    acknowledges: bool
    languages: list[str]
    unanswered_after_s: float
    keep_open_h: float


class ReadField(Shape, frozen=True):
    """A value in an app's text."""

    name: str
    value: str
    titles: Texts


class ReadText(Shape, frozen=True):
    """What a layout finds in a text; `rest` is what is left over."""

    template: str
    fields: list[ReadField]
    latitude: float | None
    longitude: float | None
    radius_m: float | None
    rest: str


class TrialRead(Shape, frozen=True):
    """Null where the text is of none of the layouts."""

    found: ReadText | None


class StoredMessaging(StoredShape, frozen=True):
    """A version of the messaging document."""

    document: Messaging


class MessagingVersion(StoredMessaging, frozen=True):
    """One version of the messaging document, with what it changed."""

    changes: list[Change] | None


class MessagingChecked(Shape, frozen=True):
    """Everything that is wrong with a messaging document; null where it is none."""

    problems: list[Problem]
    document: Messaging | None


OPERATIONS: Operations = {
    ("GET", "/api/messaging"): Operation(
        MessagingInForce, summary="Snippets, and what else call takers work with."
    ),
    ("POST", "/api/messaging/read"): Operation(
        TrialRead, bodies=(Trial,), summary="What layouts find in a text; nothing is kept."
    ),
    **operations(
        Kind(
            name="messaging",
            current_path="/api/messaging/current",
            invalid="invalid_messaging",
            saving=MessagingSave,
            checking=MessagingCheck,
            in_use=StoredMessaging,
            version=MessagingVersion,
            checked=MessagingChecked,
        )
    ),
}
