"""Starts what is measured, in processes of their own on free ports, in temporary folders."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import yaml

ILLGATE = str(Path(sys.executable).with_name("illgate"))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def process(arguments: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(arguments, **options)  # type: ignore[call-overload]
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def wait_for(port: int, path: str = "/", seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
            except urllib.error.HTTPError:
                return
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing answers on port {port}")


def init(folder: Path, port: int) -> Path:
    """A new installation with sample data; returns its gateway.yml."""
    subprocess.run([ILLGATE, "init", str(folder)], check=True, stdout=subprocess.DEVNULL)
    file = folder / "gateway.yml"
    settings = yaml.safe_load(file.read_text()) or {}
    settings.setdefault("http", {})["port"] = port
    settings["tcp"] = []
    file.write_text(yaml.safe_dump(settings, allow_unicode=True))
    return file


@contextlib.contextmanager
def daemon(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    file = init(folder, port) if not (folder / "gateway.yml").exists() else _moved(folder, port)
    log = (folder / "log").open("ab")
    with process([ILLGATE, "--config", str(file), "serve"], stdout=log, stderr=log, env={**os.environ}) as started:
        wait_for(port, "/healthz")
        yield port, started


def _moved(folder: Path, port: int) -> Path:
    file = folder / "gateway.yml"
    settings = yaml.safe_load(file.read_text())
    settings["http"]["port"] = port
    file.write_text(yaml.safe_dump(settings, allow_unicode=True))
    return file
