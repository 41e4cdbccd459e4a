"""The demo starts the whole centre, says where it is, takes texts, and leaves nothing running."""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from sim.ports import PortBlock

ROOT = Path(__file__).resolve().parents[1]
UP_TIMEOUT_S = 90.0
DOWN_TIMEOUT_S = 45.0
TYPED_NUMBER = "+37129990001"


async def demo(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sim.demo",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        start_new_session=True,
    )


def processes_of(data_dir: Path) -> list[str]:
    """Command lines of everything that runs with files of this demo."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode("utf-8", "replace").replace("\0", " ")
        except OSError:
            continue
        if str(data_dir) in words:
            found.append(words)
    return found


async def lines_until(process: asyncio.subprocess.Process, wanted: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    async with asyncio.timeout(UP_TIMEOUT_S):
        while line := (await process.stdout.readline()).decode():
            lines.append(line.rstrip())
            if wanted in line:
                return lines
    raise AssertionError(f"the demo ended without {wanted!r}: {lines}")


@pytest.mark.stack
async def test_demo_takes_a_call_and_ctrl_c_leaves_nothing_running(tmp_path: Path) -> None:
    block = PortBlock()
    ports = ("--http-port", str(block.ports.web), "--sip-port", str(block.ports.sip))
    process = await demo("--data-dir", str(tmp_path / "demo"), *ports)
    try:
        lines = await lines_until(process, "talking")
        instance = json.loads((tmp_path / "demo" / "instance.json").read_text())
        assert any(instance["panel"] in line for line in lines)
        for account in instance["accounts"]:
            assert any(account["login"] in line and account["password"] in line for line in lines)
        assert instance["ports"]["edge"] == block.ports.sip
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{instance['panel']}/readyz") as response,
        ):
            assert response.status == 200
        assert processes_of(tmp_path), "Asterisk and ccserver run with files of this demo"
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DOWN_TIMEOUT_S):
            await process.communicate()
        assert process.returncode == 0
        assert processes_of(tmp_path) == []
    finally:
        block.release()
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()


@pytest.mark.stack
async def test_a_text_that_somebody_types_is_answered_by_a_simulated_call_taker(
    tmp_path: Path,
) -> None:
    block = PortBlock()
    ports = ("--http-port", str(block.ports.web), "--sip-port", str(block.ports.sip))
    process = await demo("--data-dir", str(tmp_path / "demo"), *ports)
    assert process.stdin is not None
    try:
        await lines_until(process, "talking")
        process.stdin.write(f"nonsense\n{TYPED_NUMBER} Palīgā, deg šķūnis\n".encode())
        lines = await lines_until(process, f"{TYPED_NUMBER} reads: 112:")
        assert any("nonsense" in line and "try: help" in line for line in lines)
        assert any(f"{TYPED_NUMBER}: talking" in line and "(text)" in line for line in lines)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DOWN_TIMEOUT_S):
            await process.communicate()
        assert process.returncode == 0
        assert processes_of(tmp_path) == []
    finally:
        block.release()
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()


@pytest.mark.stack
async def test_a_car_that_somebody_types_calls_and_its_data_is_acknowledged(tmp_path: Path) -> None:
    block = PortBlock()
    ports = ("--http-port", str(block.ports.web), "--sip-port", str(block.ports.sip))
    process = await demo("--data-dir", str(tmp_path / "demo"), *ports)
    assert process.stdin is not None
    try:
        await lines_until(process, "talking")
        process.stdin.write(b"car flying\ncar automatic 56.9515 24.1132 electric\n")
        lines = await lines_until(process, "the centre says that it has the data: [True]")
        assert any("'flying' means nothing here" in line for line in lines)
        assert any("automatic eCall, electric" in line for line in lines)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DOWN_TIMEOUT_S):
            await process.communicate()
        assert process.returncode == 0
        assert processes_of(tmp_path) == []
    finally:
        block.release()
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()


@pytest.mark.stack
async def test_without_the_edge_calls_reach_asterisk_itself(tmp_path: Path) -> None:
    block = PortBlock()
    ports = ("--http-port", str(block.ports.web), "--sip-port", str(block.ports.sip))
    process = await demo("--no-edge", "--data-dir", str(tmp_path / "demo"), *ports)
    try:
        await lines_until(process, "talking")
        instance = json.loads((tmp_path / "demo" / "instance.json").read_text())
        assert instance["ports"]["sip"] == block.ports.sip
        assert not [line for line in processes_of(tmp_path) if "kamailio" in line]
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DOWN_TIMEOUT_S):
            await process.communicate()
        assert process.returncode == 0
    finally:
        block.release()
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()


async def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await demo("--data-dir", str(tmp_path), "--http-port", str(port))
        async with asyncio.timeout(UP_TIMEOUT_S):
            output, _ = await process.communicate()
    assert process.returncode == 1
    said = output.decode().splitlines()
    assert len(said) == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in said[0]
    assert "--http-port" in said[0]
