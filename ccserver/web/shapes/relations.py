"""Which cards belong together."""

from ccserver.web.describe import Operation, Operations, Shape
from ccserver.web.relations import Linking, Merging, Splitting
from ccserver.web.shapes.cards import CardSummary, Head


class Parent(Shape, frozen=True):
    """The larger incident that the card belongs to."""

    parent_id: str | None


class Proposal(Shape, frozen=True):
    """A card that may be of the same incident."""

    card: CardSummary
    distance_m: float | None
    minutes: float
    same_type: bool
    same_number: bool


class Related(Shape, frozen=True):
    """What is shown beside a card."""

    proposals: list[Proposal]
    same_number: list[CardSummary]
    same_place: list[CardSummary]


OPERATIONS: Operations = {
    ("POST", "/api/cards/{incident_id}/merge"): Operation(
        Head,
        bodies=(Merging,),
        summary="Make the card a part of another; the answer says which it is now.",
        errors={409: ("same_card", "already_merged")},
    ),
    ("POST", "/api/cards/{incident_id}/split"): Operation(
        Head,
        bodies=(Splitting,),
        errors={409: ("not_on_card", "last_contact", "already_merged")},
    ),
    ("PUT", "/api/cards/{incident_id}/parent"): Operation(
        Parent, bodies=(Linking,), errors={409: ("loop", "too_deep", "already_merged")}
    ),
    ("GET", "/api/cards/{incident_id}/related"): Operation(
        Related,
        summary="What may be the same incident, and what was before at its number and place.",
    ),
}
