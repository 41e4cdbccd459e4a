"""Databases of both kinds, and AML messages to put into them."""

from datetime import UTC, datetime, timedelta

from ccserver.aml import values
from ccserver.aml.values import Sighting
from ccserver.location.aml_form import Trust
from tests.databases import (  # noqa: F401
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

T0 = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
NUMBER = "+37120000001"
IMEI = "354773072099116"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def text(
    seconds: float = 0.0,
    *,
    lat: str = "+56.94960",
    lon: str = "+024.10520",
    radius: int = 14,
    fix: float | None = None,
    imei: str = IMEI,
) -> str:
    """As a phone sends it at that time, by default with a fix of then."""
    top = at(seconds if fix is None else fix).strftime("%Y%m%d%H%M%S")
    return (
        f'A"ML=1;lt={lat};lg={lon};rd={radius};top={top};lc=68;pm=G;'
        f"si=247010000000000;ei={imei};mcc=247;mnc=01;ml=128"
    )


def by_sms(seconds: float, sender: str = NUMBER, *, body: str | None = None) -> Sighting:
    return values.of_text(body or text(seconds), b"", sender=sender, received_at=at(seconds))


def by_https(seconds: float, number: str | None = NUMBER, *, imei: str = IMEI) -> Sighting:
    body = (
        f"location_latitude=56.9497&location_longitude=24.1053&location_accuracy=9&time={seconds}"
    )
    body += f"&device_imei={imei}" + (f"&device_number={number}" if number else "")
    return values.of_form(body.encode(), Trust.UNJUDGED, received_at=at(seconds))
