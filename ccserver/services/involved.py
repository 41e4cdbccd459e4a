"""Which services are involved in which incidents, for whoever tells others of incidents."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from ccserver.services.models import InvolvementRow
from ccserver.types import IncidentId, ServiceCode


def involved_services(
    session: Session, incident_ids: Collection[IncidentId]
) -> Mapping[IncidentId, Collection[ServiceCode]]:
    """The services that were ever sent to each incident: those that may read its card.

    Incidents without any are missing.
    """
    found: dict[IncidentId, set[ServiceCode]] = defaultdict(set)
    query = select(InvolvementRow.incident_id, InvolvementRow.service).where(
        InvolvementRow.incident_id.in_(sorted(incident_ids))
    )
    for incident_id, service in session.execute(query):
        found[IncidentId(incident_id)].add(ServiceCode(service))
    return found
