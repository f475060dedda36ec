"""ISO ILL over TCP: a thousand connections open at once, each of which has asked for something and been answered."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

from adapters.iso_ill.codec import ApduSplitter, encode_apdu
from tests.bench.growth import resident
from tests.protocol.iso_ill.house import FJORDBY, HOST, asked
from tests.support.daemon import Installation
from tests.support.yaml_files import write_yaml_file

Row = tuple[str, float, str, bool]

CONNECTIONS = 1_000
MB = 1e6
GOAL = 200.0
"""Megabytes of resident memory of the whole daemon."""


def row(folder: Path) -> Row:
    made = Installation.make(folder / "lines")
    room = CONNECTIONS + 10
    listener = {"port": made.tcp_port, "protocol": "iso_ill", "connections": room, "per_peer": room}
    made.change(tcp=[listener])
    write_yaml_file(made.folder / "profiles" / "fjordby.yml", FJORDBY)
    _allow_files(3 * CONNECTIONS)
    with made.serve_by_command() as running:
        before = resident(running.pid) / MB
        used = asyncio.run(_hold(made.tcp_port, running.pid))
    print(f"{CONNECTIONS:,} connections of ISO ILL: {before:.0f} MB before, {used:.0f} MB while they are open")
    return f"{CONNECTIONS:,} ISO ILL connections open, MB of memory", used, f"≤ {GOAL:.0f}", used <= GOAL


def _allow_files(count: int) -> None:
    """The daemon inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


async def _hold(port: int, process: int) -> float:
    """Memory while all are open and answered."""
    writers = []
    for number in range(CONNECTIONS):
        reader, writer = await asyncio.open_connection(HOST, port)
        writers.append(writer)
        writer.write(encode_apdu(asked(f"G-{number}", to="")))
        frames = ApduSplitter()
        while frames.take_message() is None:
            data = await reader.read(65_536)
            if not data:
                raise RuntimeError(f"connection {number} was closed without an answer")
            frames.add_octets(data)
    used = resident(process) / MB
    for writer in writers:
        writer.close()
    return used
