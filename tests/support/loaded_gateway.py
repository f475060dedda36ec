"""All that a daemon loads at its start; imported by the fork server of forked_processes.py."""

from __future__ import annotations

import gc

from gateway.adapter_registry import load_adapters
from gateway.cli import daemon_commands

__all__ = ["daemon_commands"]

load_adapters()
gc.collect()
gc.freeze()  # its copies needn't look through all this again
