"""Whose journal has what nobody let in: that of the library that the address names, or the office's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from gateway.adapter_registry import load_adapters
from gateway.domain.clock import SystemClock
from gateway.runtime.assembly import Assembly
from gateway.runtime.daemon import Daemon
from gateway.settings import load_settings
from gateway.store.engine import open_store
from gateway.store.schema import message
from tests.support.databases import make_database
from tests.support.yaml_files import write_yaml_file

SPEECH: dict[str, Any] = {"ncip": {}, "iso18626": {}, "openrs": {}, "iso_ill": {}}
ELSEWHERE = [{"kind": "network", "networks": ["192.0.2.0/24"]}]
HERE = [{"kind": "network", "networks": ["127.0.0.0/8"]}]
PASSWORD = [{"kind": "basic", "user": "lib2", "secret": "file:password"}]
SMALL = 1_000
LARGE = 5_000

HTTP_PROTOCOLS = ("ncip", "iso18626", "openrs")
PORTS = (("ncip", "closed"), ("iso_ill", "closed"), ("iso_ill", "small"), ("iso_ill", ""))


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Daemon]:
    """Two libraries: FIRST with one profile, SECOND with the others."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "password").write_text("right")
    profiles: dict[str, dict[str, Any]] = {
        "first": {"library": "FIRST", "auth": PASSWORD},
        "second": {"library": "SECOND", "auth": PASSWORD, "max_bytes": SMALL},
        "closed": {"library": "SECOND", "auth": ELSEWHERE, "match": [{"path": "other-name", "from_agency": "X"}]},
        "small": {"library": "SECOND", "auth": HERE, "max_bytes": SMALL},
    }
    for name, profile in profiles.items():
        write_yaml_file(tmp_path / "profiles" / f"{name}.yml", {**profile, **SPEECH})
    libraries = [{"symbol": symbol, "secrets": ["file:*"]} for symbol in ("FIRST", "SECOND")]
    tcp = [
        {"port": 0, "protocol": protocol, **({"profile": profile} if profile else {})} for protocol, profile in PORTS
    ]
    settings = {"libraries": libraries, "http": {"port": 0}, "tcp": tcp}
    write_yaml_file(tmp_path / "gateway.yml", settings)
    adapters = load_adapters()
    loaded = load_settings(tmp_path / "gateway.yml", adapters)
    make_database(Assembly(loaded, adapters, SystemClock(), str))
    daemon = Daemon(loaded, adapters)
    await daemon.start()
    yield daemon
    await daemon.stop()


async def post(gateway: Daemon, path: str, body: bytes, password: str) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth("lib2", password)}
    async with aiohttp.ClientSession(gateway.url, headers=headers) as session:
        await (await session.post(path, data=body)).read()


async def read_journal(gateway: Daemon) -> list[tuple[str, str]]:
    """Library and outcome of what came in."""
    store = open_store(gateway.settings.resolve_store_url().render_as_string(hide_password=False))
    query = select(message.c.library, message.c.outcome).where(message.c.direction == "in").order_by(message.c.id)
    rows = await store.read(lambda c: c.execute(query).all())
    await store.close()
    return [(library, outcome) for library, outcome in rows]


HTTP_CASES = (
    ("/second", "wrong", 10, "SECOND", "rejected"),
    ("/SECOND/key", "wrong", 10, "SECOND", "rejected"),
    ("/second", "right", 10, "SECOND", "malformed"),
    ("/second", "right", LARGE, "SECOND", "malformed"),
    ("/first", "wrong", 10, "FIRST", "rejected"),
    ("/other-name", "wrong", 10, "SECOND", "rejected"),
    ("/nobody", "wrong", 10, "", "rejected"),
    ("", "wrong", 10, "", "rejected"),
)
"""Path behind the protocol's, password, bytes; library and outcome. Fewer rejected ones than are kept of an address."""


async def test_over_http(gateway: Daemon) -> None:
    for protocol in HTTP_PROTOCOLS:
        for path, password, size, _, _ in HTTP_CASES:
            await post(gateway, f"/{protocol}{path}", b"<card>21000000000017</card>".ljust(size), password)

    assert await read_journal(gateway) == [case[-2:] for case in HTTP_CASES] * len(HTTP_PROTOCOLS)


TCP_CASES = (
    (0, b"<NCIPMessage>?</NCIPMessage>", "SECOND", "rejected"),
    (1, b"\x60\x03\x80\x01\x02", "SECOND", "rejected"),
    (2, b"\x60\x03\x80\x01\x02", "SECOND", "malformed"),
    (2, b"\x60\x82\x10\x00".ljust(0x1004, b"\x00"), "SECOND", "malformed"),
    (3, b"\x60\x03\x80\x01\x02", "", "rejected"),
)


async def test_over_tcp(gateway: Daemon) -> None:
    for port, body, _, _ in TCP_CASES:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.tcp_ports[port])
        writer.write(body)
        writer.write_eof()
        await reader.read()
        writer.close()

    assert await read_journal(gateway) == [case[-2:] for case in TCP_CASES]
