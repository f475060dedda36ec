"""Gateways in one process, each with an embedded library of its own, and a mail server that keeps what it gets. Their
profiles say how they are joined. Time stands still until it is moved."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.prepared_databases import copy_prepared_database, keep_prepared_database
from gateway.adapter_registry import load_adapters
from gateway.cli.app import main
from gateway.configuration.yaml_document import read_yaml
from gateway.domain.clock import FixedClock
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.views import ActionRequest, RequestFilter
from gateway.runtime.daemon import Daemon
from gateway.services.requests.library_context import LibraryContext
from gateway.settings import load_settings
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxStatus

COPY = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>> endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>> endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000053 00000 n \n0000000103 00000 n \ntrailer<</Size 4/Root 1 0 R>>\n"
    b"startxref\n167\n%%EOF\n"
)
"""A copy that is attached: a PDF of one empty page."""

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday."""


class MailServer:
    """Takes all mail and keeps it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=True), "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 kept"

    def subjects(self, to: str = "") -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails if to in str(mail["To"])]


@dataclass
class Site:
    """What one gateway is made of. `profiles`: partner profiles by name; `requests`: the content of requests.yml;
    `settings`: keys of sections of gateway.yml; `address`: of the library, as on an envelope; `secrets`: content of
    files by name, beside gateway.yml."""

    symbol: str
    name: str
    profiles: Mapping[str, Mapping[str, Any]]
    requests: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)


def make_installation(folder: Path, site: Site, mail_port: int, store_url: str = "") -> Path:
    """As `illgate init` does, then made this site's own; the path of its gateway.yml."""
    arguments = ["init", str(folder), *(["--store", store_url] if store_url else []), "--empty"]
    database = folder / "data" / "illgate.db"
    is_prepared = not store_url and copy_prepared_database("empty", database)
    with contextlib.redirect_stdout(io.StringIO()):
        main(arguments, standalone_mode=False)
    if not store_url and not is_prepared:
        keep_prepared_database("empty", database)
    config = folder / "gateway.yml"
    settings: dict[str, Any] = read_yaml(config).data
    settings["libraries"][0] |= {"symbol": site.symbol, "name": site.name, "time_zone": "Europe/Zurich"}
    settings["http"] |= {"port": 0, "public_url": f"https://{site.symbol.lower()}.example"}
    settings["mail"] |= {
        "host": "127.0.0.1",
        "port": mail_port,
        "security": "none",
        "sender": f"ill@{site.symbol.lower()}.example",
    }
    if site.address:
        settings["libraries"][0]["address"] = site.address
    for section, content in site.settings.items():
        settings[section] = {**settings.get(section, {}), **content} if isinstance(content, Mapping) else content
    config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    for name, secret in site.secrets.items():
        (folder / name).write_text(secret, encoding="utf-8")
    for name, content in site.profiles.items():
        target = folder / "profiles" / f"{name}.yml"
        target.write_text(yaml.safe_dump(dict(content), allow_unicode=True), encoding="utf-8")
    (folder / "requests.yml").write_text(yaml.safe_dump(dict(site.requests), allow_unicode=True), encoding="utf-8")
    return config


class Town:
    """One gateway at work, with its library. `library` is the library's system, `context` its managed requests."""

    def __init__(self, config: Path, clock: FixedClock) -> None:
        self._adapters = load_adapters()
        self._clock = clock
        self.settings = load_settings(config, self._adapters)
        self.gateway = Daemon(self.settings, self._adapters, clock)

    @property
    def context(self) -> LibraryContext:
        return next(iter(self.gateway.managed.contexts.values()))

    @property
    def symbol(self) -> str:
        return self.settings.libraries[0].symbol

    async def start(self) -> None:
        await self.gateway.start()

    async def stop(self) -> None:
        await self.gateway.stop()

    # --- what staff do -----------------------------------------------------------------------------------

    async def act(self, request: Request, act: ActionRequest) -> Request:
        return await self.gateway.managed.libraries[self.symbol].requests.apply_action(request.id, act)

    async def see(self, request: Request) -> Request:
        return (await self.gateway.managed.libraries[self.symbol].requests.load_view(request.id)).request

    async def requests(self, role: Role) -> tuple[Request, ...]:
        page = await self.gateway.managed.libraries[self.symbol].requests.list_requests(
            RequestFilter(role=role), 500, ""
        )
        return page.items


class World:
    """The towns, the clock and the mail server."""

    towns: tuple[Town, ...] = ()

    def __init__(self, folder: Path, *sites: Site) -> None:
        self.clock = FixedClock(START)
        self.mail = MailServer()
        self._folder = folder
        self._sites = sites
        self._stack = AsyncExitStack()

    @property
    def borrower(self) -> Town:
        return self.towns[0]

    @property
    def lender(self) -> Town:
        return self.towns[1]

    async def __aenter__(self) -> World:
        async with AsyncExitStack() as opened:
            await self.mail.start()
            opened.push_async_callback(self.mail.stop)
            for site in self._sites:
                folder = self._folder / site.symbol.lower()
                config = await asyncio.to_thread(make_installation, folder, site, self.mail.port)
                town = Town(config, self.clock)
                await fill_library(town)
                await town.start()
                opened.push_async_callback(town.stop)
                self.towns = (*self.towns, town)
            self._stack = opened.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._stack.aclose()

    async def quiet(self) -> None:
        """Until nobody has anything left to do now."""
        for _ in range(1000):
            tries = [await town.gateway.managed.drain_due_work() for town in self.towns]
            if not any(tries) and not await self._in_hand():
                return
            await asyncio.sleep(0.005 if not any(tries) else 0)
        raise AssertionError("the gateways don't come to rest")

    async def _in_hand(self) -> int:
        """Rows that the gateways' own workers are at."""
        counts = [await town.context.store.read(outbox_queries.count_unfinished_rows) for town in self.towns]
        return sum(n for one in counts for (_, status), n in one.items() if status is OutboxStatus.IN_HAND)

    async def pass_days(self, days: float) -> None:
        """Time goes on, day by day, with all that becomes due."""
        while days > 0:
            self.clock.advance(timedelta(days=min(days, 1.0)))
            days -= 1.0
            await self.quiet()


async def fill_library(town: Town) -> None:
    """The sample library, into a database that has nothing yet."""
    from gateway.runtime.assembly import Assembly
    from gateway.runtime.database_setup import create_database
    from gateway.store.migration import migrate_store

    assembly = Assembly(town.settings, town._adapters, town._clock, lambda reference: reference)
    libraries = town.settings.libraries
    sample_key = (town._clock.now(), *((one.symbol, one.system.type, one.time_zone, one.currency) for one in libraries))
    file = assembly.database
    if file is not None and copy_prepared_database(sample_key, file):
        return
    await create_database(assembly)
    store = assembly.open_store()
    try:
        await migrate_store(store, *assembly.migration_histories)  # also of the library's own system
        for library in libraries:
            sample = assembly.adapter_of(library).sample
            assert sample is not None
            await sample(assembly.library_context(library, store))
    finally:
        await store.close()
    if file is not None:
        keep_prepared_database(sample_key, file)
