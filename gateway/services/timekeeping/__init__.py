"""Timers of requests: what is due is handed over, one node at a time."""

from gateway.services.timekeeping.loop import Fire, Timekeeper, TimeOptions

__all__ = ["Fire", "TimeOptions", "Timekeeper"]
