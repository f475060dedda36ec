"""A tiny protocol and a tiny library, so that profiles can be tested without the real ones.

The protocol `plain` carries `SERVICE item patron` in one line and answers in one line of XML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Literal

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.commands import CheckOut, Named, PatronRef, Result
from gateway.domain.library import Patron, PersonName, PickupLocation
from gateway.domain.problems import MalformationKind, MalformedMessage, Refusal, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext, ProtocolAdapter
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability, LibraryCodes, PatronKey
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    RawMessage,
    ResponderAnswer,
    StreamFraming,
)
from gateway.settings import LibrarySettings, Settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class PlainDialect(ProfileSection):
    greeting: Literal["curt", "kind"] = "kind"
    address: str = ""


class PlainResponder:
    protocol = "plain"
    services = frozenset({"LEND", "REFUSE"})

    def framing(self, profile: Profile) -> StreamFraming:
        return StreamFraming(end="newline")

    def open(self, arrival: RawMessage, limit: int) -> MessageEnvelope:
        words = arrival.body.decode().split()
        if len(words) != 3:
            return MessageEnvelope(malformed=MalformedMessage("line 1", "not three words", MalformationKind.SYNTAX))
        return MessageEnvelope(service=words[0], parsed=words)

    def decode(self, envelope: MessageEnvelope, talk: ExchangeContext) -> DecodedMessage:
        assert isinstance(envelope.parsed, list)
        service, item, patron = envelope.parsed
        if service == "REFUSE":
            raise Refused(RefusalReason.UNSUPPORTED_SERVICE, "This service is not offered.")
        return DecodedMessage(service, CheckOut(PatronRef(Named(patron)), Named(item)), item_id=item)

    def encode(
        self,
        envelope: MessageEnvelope,
        incoming: DecodedMessage,
        outcome: Result | Refusal | None,
        talk: ExchangeContext,
    ) -> ResponderAnswer:
        raise AssertionError("answers come from the exchange")

    def refuse(
        self, envelope: MessageEnvelope, refusal: Refusal | MalformedMessage, talk: ExchangeContext | None
    ) -> ResponderAnswer:
        raise AssertionError("answers come from the exchange")

    def conceal_secrets(self, body: bytes) -> bytes:
        return body

    def describe_concealed(self, envelope: MessageEnvelope, profile: Profile) -> str:
        return ""


@dataclass
class SmallLibrary:
    """Pickup places, codes and patrons; nothing else is asked for."""

    down: bool = False
    pickups: tuple[str, ...] = ("main", "north")
    patrons: tuple[str, ...] = ("INST-NVD",)
    capabilities: frozenset[Capability] = frozenset(Capability)
    known: LibraryCodes = field(
        default_factory=lambda: LibraryCodes(
            branches=frozenset({"main", "north"}),
            shelves=frozenset({("main", "ill"), ("north", "stack")}),
            item_policies=frozenset({"ill", "ill-library-use", "standard"}),
            patron_categories=frozenset({"visitor"}),
        )
    )

    async def ping(self) -> None:
        if self.down:
            raise Unavailable("no route to the library")

    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        await self.ping()
        return tuple(PickupLocation(code, code.title(), code) for code in self.pickups)

    async def codes(self) -> LibraryCodes:
        return self.known

    async def find_patron(self, key: PatronKey) -> Patron:
        if key.value not in self.patrons:
            raise Refused(RefusalReason.UNKNOWN_PATRON, "No such patron.")
        return Patron(key.value, (), PersonName("Nordviken", is_organisation=True), "institution", "main")


async def open_small(context: LibraryAdapterContext, options: ProfileSection) -> LibrarySystem:
    return SmallLibrary()  # type: ignore[return-value]


async def small_sample(context: LibraryAdapterContext) -> str:
    return f"{context.library}: try patron INST-NVD"


ADAPTERS = AdapterRegistry.from_adapters(
    LibraryAdapter("embedded", ProfileSection, open_small, sample=small_sample),
    ProtocolAdapter(
        "plain",
        PlainDialect,
        PlainResponder,
        addresses=lambda dialect: {"address": dialect.address} if dialect.address else {},
    ),
    ProtocolAdapter("other", PlainDialect, PlainResponder),
)

SETTINGS = Settings()
TWO_LIBRARIES = Settings(libraries=(LibrarySettings(symbol="NVD"), LibrarySettings(symbol="SUD")))


def write(folder: Path, **profiles: str) -> Path:
    """Profiles by name (with - for _), indentation taken off."""
    for name, text in profiles.items():
        (folder / f"{name.replace('_', '-')}.yml").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return folder
