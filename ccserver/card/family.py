"""Which cards have become one: a card, and all that were merged into it.

After A has absorbed B, B's contacts are A's. What else B said stays where it is, and is read
along. A card that absorbed others may itself be absorbed, so both directions are walked; a walk
ends even over rows that somebody has bent into a ring.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ccserver.card.models import IncidentRow
from ccserver.card.values import CardHead
from ccserver.types import IncidentId


def family_of(session: Session, incident_id: str) -> Sequence[str]:
    """Return the keys of the card and of every card merged into it.

    Keys, to be looked up with: where a query walks by itself, databases read whole tables.
    """
    walk = (
        select(IncidentRow.incident_id)
        .where(IncidentRow.incident_id == incident_id)
        .cte("family", recursive=True)
    )
    child = aliased(IncidentRow)
    walk = walk.union(select(child.incident_id).join(walk, child.merged_into == walk.c.incident_id))
    return session.scalars(select(walk.c.incident_id)).all()


def absorber_of(session: Session, incident: IncidentRow) -> CardHead | None:
    """Return the card that says all that this one said, if it was merged into another."""
    met = {incident.incident_id}
    last = incident
    while last.merged_into is not None and last.merged_into not in met:
        following = session.get(IncidentRow, last.merged_into)
        if following is None:
            break
        met.add(following.incident_id)
        last = following
    if last is incident:
        return None
    return CardHead(IncidentId(last.incident_id), last.number)
