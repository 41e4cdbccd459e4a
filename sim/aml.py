"""A phone that tells its place by itself during an emergency call (AML), in every form there is.

What it says is made from a position and the moment of the call; how it gets there is somebody
else's: text and data messages go by a simulated operator, forms are posted by `post`.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import aiohttp

POST_TIMEOUT_S = 10.0

METHODS = {"G": "gps", "W": "wifi", "C": "cell", "F": "fused", "N": "unknown", "U": "unknown"}
"""What forms call the methods of text messages."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What the phone's receiver says; without a ``method`` (``N``) it says nothing."""

    latitude: float
    longitude: float
    radius_m: float = 20.0
    confidence: float = 0.68
    method: str = "G"
    age_s: float = 0.0
    """How long ago it was true when it is sent."""
    altitude_m: float | None = None


NO_FIX = Fix(0.0, 0.0, confidence=0.0, method="N")


@dataclass(frozen=True, slots=True)
class AMLPhone:
    """One telephone of one citizen, whose call began at ``call_began_at`` (aware)."""

    number: str
    call_began_at: datetime
    imei: str = "354773072099116"
    imsi: str = "247010000000000"
    dialled: str = "112"
    language: str = "lv-LV"

    def text(self, fix: Fix, at_s: float) -> str:
        """The message of version 1, sent that many seconds after the call began."""
        seen = self._seen(fix, at_s)
        found = fix.method != "N"
        body = (
            f'A"ML=1;lt={fix.latitude:+09.5f};lg={fix.longitude:+010.5f};'
            f"rd={f'{fix.radius_m:.0f}' if found else 'N'};top={seen:%Y%m%d%H%M%S};"
            f"lc={fix.confidence * 100:.0f};pm={fix.method};si={self.imsi};ei={self.imei};"
            f"mcc=247;mnc=01;ml="
        )
        return f"{body}{len(body) + 3}"

    def text_2(self, fix: Fix, at_s: float) -> str:
        """The message of Android's version 2."""
        began = int(self.call_began_at.timestamp())
        offset_s = round((self._seen(fix, at_s) - self.call_began_at).total_seconds())
        told = [f'A"ML=2;en={self.dialled};et={began}']
        if fix.method != "N":
            told.append(f"lo={fix.latitude:.5f},{fix.longitude:.5f},{fix.radius_m:.1f}")
            told.append(f"lt={offset_s};lc={fix.confidence * 100:.0f}")
            if fix.altitude_m is not None:
                told.append(f"lz={fix.altitude_m:.1f},3.0")
            told.append(f"ls={fix.method}")
        told.append(f"ei={self.imei};nc=24701;hc=24701;lg={self.language}")
        return ";".join(told)

    def form(
        self, fix: Fix, at_s: float, *, key: str | None = None, raw_plus: bool = False
    ) -> bytes:
        """The form that is posted, signed with ``key``; ``raw_plus``: as some phones send it."""
        told: dict[str, object] = {
            "v": 3,
            "emergency_number": self.dialled,
            "source": "CALL",
            "time": _milliseconds(self.call_began_at),
            "device_number": self.number,
            "device_imei": self.imei,
            "device_imsi": self.imsi,
            "device_languages": self.language,
            "cell_network_mcc": 247,
            "cell_network_mnc": "01",
        }
        if fix.method != "N":
            told |= {
                "location_latitude": f"{fix.latitude:.7f}",
                "location_longitude": f"{fix.longitude:.7f}",
                "location_time": _milliseconds(self._seen(fix, at_s)),
                "location_accuracy": fix.radius_m,
                "location_confidence": fix.confidence,
                "location_source": METHODS[fix.method],
            }
        if fix.altitude_m is not None:
            told["location_altitude"] = fix.altitude_m
        safe = "+" if raw_plus else ""
        pairs = (f"{name}={quote_plus(str(value), safe=safe)}" for name, value in told.items())
        body = "&".join(pairs).encode()
        if key is None:
            return body
        return body + b"&hmac=" + hmac.new(key.encode(), body, hashlib.sha1).hexdigest().encode()

    def calls_again(self, at: datetime) -> "AMLPhone":
        """The same phone in another call."""
        return replace(self, call_began_at=at)

    def _seen(self, fix: Fix, at_s: float) -> datetime:
        seen = self.call_began_at + timedelta(seconds=at_s - fix.age_s)
        return seen.astimezone(UTC)


async def post(url: str, body: bytes) -> int:
    """Post a form as a phone does; gives the status of the answer."""
    timeout = aiohttp.ClientTimeout(total=POST_TIMEOUT_S)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with (
        aiohttp.ClientSession(timeout=timeout) as http,
        http.post(url, data=body, headers=headers) as answer,
    ):
        await answer.read()
        return answer.status


def packed(text: str, *, port: int = 9_999) -> bytes:
    """The user data of a data message: a header with ports, and septets from a septet's border."""
    header = bytes([6, 5, 4, *port.to_bytes(2, "big"), *port.to_bytes(2, "big")])
    fill = -len(header) * 8 % 7
    bits = sum(ord(character) << 7 * place for place, character in enumerate(text)) << fill
    return header + bits.to_bytes((7 * len(text) + fill + 7) // 8, "little")


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000)
