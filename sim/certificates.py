"""An authority of the simulator's own, and certificates that it signs, made by openssl."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DAYS: Final = "2"
CURVE: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
OPENSSL_S: Final = 20.0


class OpenSSLFailed(Exception):
    """openssl did not make what it should; the text is its last words."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM."""

    path: Path
    key: Path


async def authority(folder: Path) -> Certificate:
    """Make a certificate authority; raises `OpenSSLFailed`."""
    made = Certificate(folder / "ca.pem", folder / "ca.key")
    subject = ("-subj", "/CN=Simulator CA", "-days", DAYS)
    files = ("-keyout", str(made.key), "-out", str(made.path))
    await _openssl("req", "-x509", *CURVE, *subject, *files)
    return made


async def certificate(
    signer: Certificate, folder: Path, name: str, alternatives: tuple[str, ...]
) -> Certificate:
    """Make a server's certificate; ``alternatives`` as ``DNS:localhost``. `OpenSSLFailed`."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    subject = ("-subj", f"/CN={name}", "-days", DAYS)
    more = (
        *("-addext", f"subjectAltName={','.join(alternatives)}"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
    )
    signed = ("-CA", str(signer.path), "-CAkey", str(signer.key))
    files = ("-keyout", str(made.key), "-out", str(made.path))
    await _openssl("req", "-x509", *CURVE, *subject, *more, *signed, *files)
    return made


async def _openssl(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "openssl",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(OPENSSL_S):
        _, said = await process.communicate()
    if process.returncode:
        raise OpenSSLFailed(said.decode("utf-8", "replace")[-500:])
