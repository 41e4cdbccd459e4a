"""Settings of links to the tests' Asterisk; times are long unless a test wants short ones."""

from ccserver.config import AMISettings, ARISettings
from ccserver.telephony.ari import ARIClient
from tests.faults.asterisk import AMI_USERNAME, ARI_USERNAME, PASSWORD

SLACK_S = 30.0
"""What a busy machine may add to a time-out before a test calls it missed."""


def ari_settings(
    port: int,
    *,
    application: str = "acd_main",
    password: str = PASSWORD,
    heartbeat_s: float = 30.0,
    pending_max: int = 1000,
) -> ARISettings:
    return ARISettings(
        url=f"http://127.0.0.1:{port}/ari",
        username=ARI_USERNAME,
        password=password,
        application=application,
        request_timeout_s=10.0,
        heartbeat_interval_s=heartbeat_s / 3,
        heartbeat_timeout_s=heartbeat_s,
        events_pending_max=pending_max,
    )


def ami_settings(
    port: int, *, password: str = PASSWORD, heartbeat_s: float = 30.0, pending_max: int = 1000
) -> AMISettings:
    return AMISettings(
        host="127.0.0.1",
        port=port,
        username=AMI_USERNAME,
        password=password,
        request_timeout_s=10.0,
        heartbeat_interval_s=heartbeat_s / 3,
        heartbeat_timeout_s=heartbeat_s,
        events_pending_max=pending_max,
    )


def fresh(name: str) -> str:
    """An application of the test's own: tests of one worker share an Asterisk."""
    return f"acd_{name}"


async def tell(client: ARIClient, name: str, *, application: str | None = None) -> None:
    """Make Asterisk send one event of our own naming to the (client's) application."""
    params = {"application": application or client.application}
    await client.request("POST", ("events", "user", name), params=params)
