"""A partner that is played against a recording: it hears what the other side said to the real system, and what it says
and answers is compared with what that system said and answered (`compared_messages`)."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import unified_diff
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.ports.responder import RawMessage, TransportKind
from rehearsal.mock.mock_answers import MockReply
from rehearsal.partners.mock_partner import MockPartner
from rehearsal.partners.mock_reception import MessageReception
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.scenarios.scenario import MockScenario, PlayedRole
from tests.rehearsal.world import PreparedWorld
from tests.support.compared_messages import describe_message
from tests.support.paths import ROOT
from tests.support.recorded_conversations import (
    RecordedConversation,
    RecordedMessage,
    SpokenMessage,
    load_conversation,
    read_message,
    replace_numbers,
)

PROFILES: Mapping[str, str] = {
    "illmock": "iso18626-2017",
    "crosslink-broker": "crosslink-18626",
    "crosslink-library": "crosslink-18626",
    "oclc-responder": "worldshare-18626",
}
"""That which stands for the system, as its guide says."""


def load_recording(samples: Path, folder: str, role: PlayedRole) -> RecordedConversation:
    """`is_ours`: said by the side that isn't played. `role`: who is. Behind an @ the symbol of the supplier whose part
    it is, where several have one."""
    name, _, supplier = folder.partition("@")
    whole = load_conversation(samples, name, "borrower" if role is PlayedRole.LENDING else "lender")
    return replace(whole, messages=tuple(one for one in whole.messages if supplier in ("", one.spoken.supplier)))


@dataclass
class OtherSide:
    """Takes what the partner says, and confirms it as the recorded other side did."""

    expected: Sequence[RecordedMessage]
    said: list[bytes] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    """Of the recording, to those of the rehearsal."""

    async def handle(self, arrival: web.Request) -> web.Response:
        octets = await arrival.read()
        self.said.append(octets)
        if len(self.said) > len(self.expected):
            return web.Response(status=404)
        recorded = self.expected[len(self.said) - 1]
        self._learn_numbers(recorded.spoken, read_message(octets))
        answer = replace_numbers(recorded.answer.body, self.numbers)
        return web.Response(body=answer, status=recorded.answer.status, content_type="application/xml")

    def _learn_numbers(self, recorded: SpokenMessage, said: SpokenMessage) -> None:
        self.numbers.setdefault(recorded.number, said.number)
        self.numbers.setdefault(recorded.supplier_number, said.supplier_number)


@dataclass
class Rehearsal:
    """`differences`: what the partner did otherwise than the recorded system, as lines of a diff."""

    partner: MockPartner
    reception: MessageReception
    other: OtherSide
    known: frozenset[str]
    """Symbols of both sides."""
    differences: list[str] = field(default_factory=list)
    compared: int = 0
    """Messages of the partner that have been looked at."""

    async def play(self, conversation: RecordedConversation, scenario: MockScenario) -> list[str]:
        """The differences."""
        if scenario.role is PlayedRole.BORROWING:
            self.partner.begin_scenario(scenario)
        for message in conversation.messages:
            await self.partner.finish_speaking()
            await (self._hear(message) if message.is_ours else self._compare_message(message))
        await self.partner.finish_speaking()
        for octets in self.other.said[self.compared :]:
            self.differences.append(f"said besides: {read_message(octets).word}")
        return self.differences

    async def _hear(self, message: RecordedMessage) -> None:
        if len(self.other.said) > self.compared:
            self.differences.append(f"{message.name}: too early, it says {len(self.other.said)} before")
        reply = await self.hear(message.octets, message.at)
        status, body = (reply.answer.status, reply.answer.body) if reply.answer is not None else (0, b"")
        recorded = 0 if message.answer.is_lost else message.answer.status
        if status != recorded:
            self.differences.append(f"{message.name}: HTTP {status} instead of {recorded}")
        if recorded == 200:  # what comes with an error of HTTP is words
            self._compare(f"{message.name}, answered", message.answer.body, body)
        reply.speak()

    async def hear(self, octets: bytes, at: datetime) -> MockReply:
        """What comes: of a recording, with the numbers of the rehearsal."""
        return await self.reception.receive_message(
            RawMessage(
                body=replace_numbers(octets, self.other.numbers),
                received=at,
                transport=TransportKind.HTTP,
                protocol="iso18626",
                headers={"content-type": "application/xml"},
            )
        )

    async def _compare_message(self, message: RecordedMessage) -> None:
        if self.compared >= len(self.other.said):
            self.differences.append(f"{message.name}: not said")
            return
        self._compare(message.name, message.octets, self.other.said[self.compared])
        self.compared += 1

    def _compare(self, name: str, recorded: bytes, said: bytes) -> None:
        real, played = (describe_message(one, self.known) for one in (recorded, said))
        lines = unified_diff(real, played, lineterm="", n=0)
        self.differences += [f"{name}: {line}" for line in lines if not line.startswith(("@@", "---", "+++"))]


@contextlib.asynccontextmanager
async def open_rehearsal(
    template: Path,
    folder: Path,
    conversation: RecordedConversation,
    scenarios: Mapping[str, MockScenario],
    scenario: MockScenario,
) -> AsyncIterator[Rehearsal]:
    """The partner of the recording, who has this scenario in mind."""
    other = OtherSide([one for one in conversation.messages if not one.is_ours])
    app = web.Application()
    app.router.add_post("/{path:.*}", other.handle)
    server = TestServer(app)
    await server.start_server()
    prepared = PreparedWorld(template, folder)
    for shipped in ("iso18626-2017.yml", f"{PROFILES[conversation.system]}.yml"):
        shutil.copy(ROOT / "profiles" / shipped, folder / "profiles" / shipped)
    prepared.write_profile(_write_profile(conversation, scenario))
    options = MockOptions(address=str(server.make_url("/")), scenarios=scenarios, chosen=[scenario])
    try:
        partner = prepared.build_partner(options)
        partner.play = replace(partner.play, currency="USD")  # illmock's
        prepared.clock.at = conversation.messages[0].at
        said = conversation.messages[0].spoken
        known = frozenset({said.supplier, said.requester})
        yield Rehearsal(partner, prepared.make_reception("iso18626", partner), other, known)
    finally:
        prepared.close()
        await server.close()


def _write_profile(conversation: RecordedConversation, scenario: MockScenario) -> dict[str, Any]:
    """As of the library that the real system spoke with."""
    said = conversation.messages[0].spoken
    supplier, requester = f"ISIL:{said.supplier}", f"ISIL:{said.requester}"
    theirs, ours = (supplier, requester) if scenario.role is PlayedRole.LENDING else (requester, supplier)
    return {
        "extends": PROFILES[conversation.system],
        "partner": {"symbols": [theirs], "channel": "iso18626"},
        "iso18626": {"symbols": {"ours": ours, "theirs": theirs}},
    }
