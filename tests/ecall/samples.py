"""The public messages, with what each says."""

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "ecall"

VECTORS: dict[str, dict[str, Any]] = {
    one["id"]: one for one in json.loads((DATA / "msd.json").read_text())["vectors"]
}
MESSAGES: dict[str, bytes] = {
    name: bytes.fromhex(one["hex"]) for name, one in VECTORS.items() if one["kind"] == "msd"
}
"""All that are whole messages, also the one that is none."""

READABLE: dict[str, bytes] = {
    name: octets for name, octets in MESSAGES.items() if name != "legato-v1-junk-140"
}
EXPECTED: dict[str, dict[str, Any]] = {
    name: VECTORS[name]["expected"] for name in READABLE if "expected" in VECTORS[name]
}
