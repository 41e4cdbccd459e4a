"""Incidents in the formats of others."""

from typing import Literal

from ccserver.web.describe import File, Operation, Operations, Parameter, Shape
from ccserver.web.exchange import CAP_TYPE, EIDO_TYPE


class NotTaken(Shape, frozen=True):
    """Something that was told and is not on the card, and why."""

    field: str
    reason: str


class Taken(Shape, frozen=True):
    """The incident is a card."""

    incident_id: str
    number: str
    created: bool
    not_taken: list[NotTaken]
    oddities: list[str]


OPERATIONS: Operations = {
    ("GET", "/api/cards/{incident_id}/eido"): Operation(
        File((EIDO_TYPE,)), summary="The whole card as an EIDO."
    ),
    ("GET", "/api/cards/{incident_id}/cap"): Operation(
        File((CAP_TYPE,)),
        parameters=(
            Parameter("scope", Literal["restricted", "public"], "Who is to read it."),
            Parameter("status", Literal["actual", "exercise", "test"], "How earnest it is."),
        ),
        summary="The incident as a CAP message.",
    ),
    ("POST", "/api/incidents"): Operation(
        Taken,
        bodies=(File((EIDO_TYPE,), text=True),),
        others={201: Taken},
        errors={415: ("unsupported_media_type",), 422: ("invalid_eido",)},
        summary="Take an incident of another system, as an EIDO.",
    ),
}
