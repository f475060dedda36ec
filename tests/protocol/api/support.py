"""A gateway with the JSON API: real store, real sample library, real services of managed requests, real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from gateway.cli.installation import Installation as Opened
from gateway.domain.clock import SystemClock
from gateway.policies import load_policies
from gateway.ports.shared_store import Store
from gateway.runtime.exchange_assembly import make_journal_options
from gateway.runtime.listeners import HttpListener, HttpListenerOptions
from gateway.runtime.managed_requests import ManagedRequests
from gateway.services.people.api_keys import ApiKeyService, KeyScope
from gateway.store.journal import Journal
from gateway.store.library_store import LibraryStore
from gateway.store.migration import migrate_store
from gateway.store.nodes import Node
from gateway.web.api.app import JsonApi, make_api
from gateway.web.api.operation import ApiLimits
from tests.protocol.listeners.support import HOST, Echo, site
from tests.support.daemon import Installation

LIBRARY = "DEMO"
PATRON = "21000000000017"

LIMITS = ApiLimits(body_bytes=20_000, attachment_bytes=60_000, depth=12, idle_seconds=0.6, body_seconds=1.0)

PARTNER = """
partner:
  symbols: [ISIL:NO-02030]
  name: Universitetsbiblioteket i Bergen
  email: fjernlan@ub.bergen.example
  channel: mail
  owns: everything
"""


@dataclass(frozen=True)
class Running:
    """`url` without a slash at its end."""

    url: str
    store: Store
    clock: SystemClock
    keys: ApiKeyService
    api: JsonApi
    managed: ManagedRequests

    async def key(self, *scopes: KeyScope, name: str = "Åse at the desk", library: str = LIBRARY) -> str:
        keys = ApiKeyService(LibraryStore(symbol=library, store=self.store, clock=self.clock))
        return (await keys.create_key(name, scopes or tuple(KeyScope))).key


@dataclass(frozen=True)
class CasePart:
    """How many of the cases of an operation are tried: `examples` made at random, and one in so many of those with a
    value at a bound."""

    examples: int
    one_in: int


@dataclass
class Target:
    """`known`: ids by the beginning of the path that takes them."""

    url: str
    key: str
    known: dict[str, list[str]]


def prepare(folder: Path) -> None:
    """A partner beside the shipped profiles."""
    (folder / "profiles" / "bergen.yml").write_text(PARTNER, encoding="utf-8")


@contextlib.asynccontextmanager
async def running(installation: Installation) -> AsyncIterator[Running]:
    prepare(installation.folder)
    opened = Opened(installation.config)
    settings, parts = opened.settings, opened.parts
    loading = opened.profiles
    assert not loading.problems, [str(problem) for problem in loading.problems]
    policies = load_policies(settings, loading.profiles)
    store = parts.open_store()
    await migrate_store(store, *parts.migration_histories)
    clock = SystemClock()
    options = make_journal_options(parts)
    journal = Journal(store, options)
    managed = ManagedRequests(
        settings=settings,
        adapters=opened.adapters,
        clock=clock,
        secrets=lambda reference: reference,
        store=store,
        journal=journal,
        libraries=await parts.open_libraries(store),
        profiles=lambda: loading.profiles,
        policies=policies.for_library,
        node=Node(store, "test"),
    )
    api = make_api(
        managed.libraries,
        managed.questions,
        store,
        clock,
        LIMITS,
    )
    listener = HttpListener(HttpListenerOptions(HOST, 0), replace(site(Echo()), api=api))
    await listener.start()
    try:
        yield Running(
            f"http://{HOST}:{listener.port}",
            store,
            clock,
            managed.libraries[LIBRARY].keys,
            api,
            managed,
        )
    finally:
        api.end_streams()
        await listener.stop(5)
        await store.close()


@contextlib.contextmanager
def in_a_thread(installation: Installation) -> Iterator[tuple[Running, asyncio.AbstractEventLoop]]:
    """For clients that block."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    found: list[Running] = []
    stop = asyncio.Event()

    async def main() -> None:
        async with running(installation) as one:
            found.append(one)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(main())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run, name="api")
    thread.start()
    ready.wait(60)
    try:
        assert found, "the gateway did not start"
        yield found[0], loop
    finally:
        if found:
            loop.call_soon_threadsafe(stop.set)
        thread.join(30)


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Any
    body: bytes
    json: Any

    @property
    def problem(self) -> str:
        """The word of its type; fails for what is no problem."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self.body
        assert self.json["status"] == self.status
        return str(self.json["type"]).rpartition("#problem-")[2]


@dataclass(frozen=True)
class Client:
    """Speaks to a running API with one key."""

    session: aiohttp.ClientSession
    root: str
    key: str

    async def __call__(
        self, method: str, path: str, json: Any = None, data: bytes | None = None, **headers: str
    ) -> Answered:
        """Header names with underscores for hyphens; a path that begins with / goes as it is."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.key}"
        url = f"{self.root}{path}" if path.startswith("/") else f"{self.root}/api/v1/{path}"
        async with self.session.request(method, url, json=json, data=data, headers=sent) as answer:
            body = await answer.read()
            found = await answer.json(content_type=None) if "json" in answer.content_type and body else None
            return Answered(answer.status, answer.headers, body, found)

    def with_key(self, key: str) -> Client:
        return replace(self, key=key)
