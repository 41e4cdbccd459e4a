"""Incidents in the formats of others: EIDO both ways, CAP outwards."""
