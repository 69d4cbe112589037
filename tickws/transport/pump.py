"""Chooses the pump: one source, and later a second build of it (docs in `_pump_py`)."""

from tickws.transport._pump_py import Pump

__all__ = ["Pump"]
