"""What goes through Asterisk's manager interface: phones' states, reloads, and calls taken back.

The rest goes through ARI; these are what ARI cannot do, or cannot do safely.
"""

import asyncio
from collections.abc import Coroutine

import structlog

from ccserver.telephony.ami import AMIClient
from ccserver.telephony.devices import Devices
from ccserver.telephony.errors import TelephonyError
from ccserver.types import LegId

log = structlog.get_logger(__name__)

DEVICES_INTERVAL_S = 15.0
"""The states are asked anew, should an event have been lost."""

MODULES_OF_PHONES = ("res_pjsip.so", "app_queue.so", "pbx_config.so")


class Manager:
    """One for the process; keeps ``devices`` up to date."""

    def __init__(self, ami: AMIClient, devices: Devices) -> None:
        self._ami = ami
        self._devices = devices

    def services(self) -> dict[str, Coroutine[None, None, None]]:
        """The tasks, by name; none ends by itself."""
        return {
            "ami": self._ami.run(self._ask_devices, lambda: None),
            "ami_events": self._take_events(),
            "devices": self._ask_devices_for_ever(),
        }

    async def reload_phones(self) -> None:
        """Asterisk reads the rendered files again; calls go on. Raises `TelephonyError`."""
        for module in MODULES_OF_PHONES:
            await self._ami.request("ModuleLoad", {"Module": module, "LoadType": "reload"})

    async def redirect_to_claim(self, channel: str) -> None:
        """Have a caller leave the parachute queue for us."""
        try:
            await self._ami.request(
                "Redirect",
                {"Channel": channel, "Context": "contact", "Exten": "claim", "Priority": "1"},
            )
        except TelephonyError as error:
            # The dialplan asks us again by itself when the queue's time is over.
            log.warning("caller_not_taken_back", reason=type(error).__name__)

    async def answer_phone(self, leg_id: LegId) -> None:
        """Have a call taker's ringing phone answer by itself. Raises `TelephonyError`."""
        await self._ami.request("PJSIPNotify", {"Channel": leg_id, "Variable": "Event=talk"})

    async def _ask_devices(self) -> None:
        asked_at = self._devices.events_seen
        states = await self._ami.request("DeviceStateList")
        self._devices.handle_list(states.events, asked_at=asked_at)

    async def _ask_devices_for_ever(self) -> None:
        while True:
            await asyncio.sleep(DEVICES_INTERVAL_S)
            if self._ami.ready:
                try:
                    await self._ask_devices()
                except TelephonyError as error:
                    log.warning("devices_not_asked", reason=type(error).__name__)

    async def _take_events(self) -> None:
        async for message in self._ami:
            if message.get("Event") == "DeviceStateChange":
                self._devices.handle(message)
