"""sd_notify(3) without a library."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from gateway.runtime.monitoring import notify_systemd, read_watchdog_seconds


def test_states_reach_the_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        notify_systemd("READY=1\nSTATUS=serving", {"NOTIFY_SOCKET": path})
        assert listening.recv(100) == b"READY=1\nSTATUS=serving"


def test_abstract_sockets() -> None:
    name = f"illgate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        notify_systemd("STOPPING=1", {"NOTIFY_SOCKET": f"@{name}"})
        assert listening.recv(100) == b"STOPPING=1"


def test_nothing_happens_without_systemd() -> None:
    notify_systemd("READY=1", {})


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog(environment: dict[str, str], seconds: float | None) -> None:
    assert read_watchdog_seconds(environment) == seconds
