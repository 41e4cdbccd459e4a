"""Puts the data of cars and telephones before cards, panels and the live view."""
