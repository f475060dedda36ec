"""A small installation for tests of the composition: real store, journal, profiles and sockets; a protocol and a
library system that only say that they are there. As a program, it serves like `illgate serve`:

    python -m tests.unit.runtime.house FOLDER
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.clock import SystemClock
from gateway.domain.commands import Result
from gateway.domain.problems import MalformedMessage, Refusal, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext, ProtocolAdapter
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    RawMessage,
    ResponderAnswer,
    StreamFraming,
)
from gateway.runtime.assembly import Assembly
from gateway.runtime.daemon import Daemon
from gateway.settings import Settings, load_settings
from tests.support.databases import make_database

SETTINGS = """
libraries:
  - symbol: CLK
    name: Bibliothèque de Clarens
    system: {type: shelf}
store: {url: "sqlite:///data/illgate.db"}
http: {port: 0}
tcp:
  - {port: 0, protocol: plain, profile: anyone}
shutdown_seconds: 5
log: {format: json}
"""

PROFILE = """
match: [{network: 127.0.0.0/8}]
auth: [{kind: network, networks: [127.0.0.0/8]}]
plain: {greeting: hello}
"""


class Dialect(ProfileSection):
    greeting: str = "hello"


class PlainResponder:
    """Answers each message with the greeting of its profile."""

    protocol = "plain"
    services = frozenset({"Greet"})

    def framing(self, profile: Profile) -> StreamFraming:
        return StreamFraming(end="newline", idle_seconds=5)

    def open(self, arrival: RawMessage, limit: int) -> MessageEnvelope:
        return MessageEnvelope(service="Greet", parsed=arrival.body)

    def decode(self, envelope: MessageEnvelope, talk: ExchangeContext) -> DecodedMessage:
        return DecodedMessage(service="Greet", command=None)

    def encode(
        self,
        envelope: MessageEnvelope,
        incoming: DecodedMessage,
        outcome: Result | Refusal | None,
        talk: ExchangeContext,
    ) -> ResponderAnswer:
        dialect = cast(Dialect, talk.profile.dialects["plain"])
        return ResponderAnswer(dialect.greeting.encode(), "text/plain; charset=utf-8")

    def refuse(
        self, envelope: MessageEnvelope, refusal: Refusal | MalformedMessage, talk: ExchangeContext | None
    ) -> ResponderAnswer:
        return ResponderAnswer(b"no", "text/plain; charset=utf-8")

    def conceal_secrets(self, body: bytes) -> bytes:
        return body

    def describe_concealed(self, envelope: MessageEnvelope, profile: Profile) -> str:
        return ""


class Shelf:
    """A library system of which only `ping` is asked here. `seconds`: so long it takes to answer."""

    def __init__(self) -> None:
        self.problem = ""
        self.seconds = 0.0
        self.asked: list[float] = []

    async def ping(self) -> None:
        self.asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        if self.problem:
            raise Unavailable(self.problem)


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelves: defaultdict[str, Shelf] = defaultdict(Shelf)
        """By symbol of the library."""
        self.shelf = self.shelves["CLK"]
        self.adapters = AdapterRegistry.from_adapters(
            ProtocolAdapter("plain", Dialect, PlainResponder), LibraryAdapter("shelf", NoOptions, self._open)
        )
        self.profile = folder / "profiles" / "anyone.yml"

    def build(self, settings: str = SETTINGS) -> None:
        (self.folder / "profiles").mkdir(exist_ok=True)
        (self.folder / "gateway.yml").write_text(SETTINGS)
        self.profile.write_text(PROFILE)
        make_database(Assembly(self.settings, self.adapters, SystemClock(), str))
        (self.folder / "gateway.yml").write_text(settings)

    @property
    def settings(self) -> Settings:
        return load_settings(self.folder / "gateway.yml", self.adapters)

    def gateway(self) -> Daemon:
        return Daemon(self.settings, self.adapters)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Daemon]:
        gateway = self.gateway()
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()

    async def _open(self, context: LibraryAdapterContext, _options: Any) -> LibrarySystem:
        return cast(LibrarySystem, self.shelves[context.library])


class NoOptions(BaseModel):
    pass


if __name__ == "__main__":
    from gateway.cli.daemon_process import serve_until_stopped
    from gateway.runtime.logs import set_up_logging

    set_up_logging("json", "info")
    serve_until_stopped(House(Path(sys.argv[1])).gateway())
