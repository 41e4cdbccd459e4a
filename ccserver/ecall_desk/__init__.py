"""Puts the data of cars and telephones before cards, panels and the live view."""

from ccserver.ecall_desk.api import EmergencyData
from ccserver.ecall_desk.composition import ECalls
from ccserver.ecall_desk.desk import ECallDesk
from ccserver.ecall_desk.hand_over import HandOverDesk
from ccserver.web.emergency_data import CannotAsk

__all__ = ["CannotAsk", "ECallDesk", "ECalls", "EmergencyData", "HandOverDesk"]
