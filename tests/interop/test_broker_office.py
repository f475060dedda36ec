"""The broker's office of tests/worked_examples/broker: its members are those of a directory, its rota is who holds the
item by a union catalogue (Zebra)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from pymarc import Field, Indicators, Record, Subfield

from gateway.adapter_registry import load_adapters
from gateway.domain.requests.request import Request, RotaLineStatus
from gateway.domain.requests.views import RequestFilter
from gateway.runtime.daemon import Daemon
from gateway.settings import load_settings
from tests.interop.test_worked_examples import LACKS, check, copy_example
from tests.support.daemon import Installation
from tests.support.directory_server import TOKEN, DirectoryServer, describe_library
from tests.support.installed import NotInstalled
from tests.support.running_servers import running
from tests.support.scripted_supplier import ROOT, TIME, ScriptedSupplier
from tests.support.zebra import Zebra

BROKER, ISBN = "ISIL:US-BROKER", "9789100001018"


def test_of_an_office_before_its_first_pull_only_the_token_is_missed(tmp_path: Path) -> None:
    office = copy_example("broker", tmp_path / "broker")

    assert check(office) == [
        "installation:",
        f"gateway.yml:11: directory.sources.0.token: {LACKS.format('env:DIR')}",
        "note: directory state: not pulled yet; `illgate directory pull state` does it now",
        "1 problem; 1 profile, 0 examples run, 0 of them with their answer",
    ]


def test_a_rota_from_a_profile_without_a_catalogue_is_a_problem(tmp_path: Path) -> None:
    office = copy_example("broker", tmp_path / "broker")
    entries = office.folder / "directory" / "state"
    entries.mkdir(parents=True)
    (entries / "us-oak.yml").write_text("extends: iso18626-2017\npartner: {symbols: ['ISIL:US-OAK']}\n")
    (office.folder / "partners" / "union.yml").write_text("description: to be filled in\n")

    (said,) = [line for line in check(office) if line.startswith("requests.yml")]

    problem = "rotas.union.lines.0.from: Profile 'union' has no searchable catalogue"
    assert said.startswith(f"requests.yml:2: {problem}")


@pytest.fixture(scope="module")
def union() -> Iterator[Zebra]:
    """It has one book, at four places: one doesn't know us, and one is who asks."""
    record = Record(force_utf8=True)
    record.leader[5:9] = "nam "
    fields = [("020", {"a": ISBN}), ("100", {"a": "Martinson, Harry,"}), ("245", {"a": "Aniara"})]
    fields += [("852", {"a": code}) for code in ("US-FIR", "US-OAK", "US-YEW", "US-ELM")]
    record.add_field(Field("001", data="u1"), Field("008", data=f"260101s1956    xx {' ' * 17}swe d"))
    for tag, subfields in fields:
        parts = [Subfield(code, value) for code, value in subfields.items()]
        record.add_field(Field(tag, indicators=Indicators(" ", " "), subfields=parts))
    try:
        server = Zebra([record])
    except NotInstalled as lacking:
        pytest.skip(str(lacking))
    yield server
    server.stop()


class Office:
    """The gateway; Elm asks, Oak holds. Fir holds, too, and is closed."""

    def __init__(self, gateway: Daemon, elm: ScriptedSupplier, oak: ScriptedSupplier) -> None:
        self.gateway, self.elm, self.oak = gateway, elm, oak

    async def send(self, member: str, message: str) -> str:
        """What a member says, with its key; what the gateway answers."""
        url, signed = (
            f"{self.gateway.url}/iso18626/{member}",
            {"Content-Type": "application/xml", "Authorization": f"Bearer key-of-{member}"},
        )
        async with aiohttp.ClientSession() as session, session.post(url, data=message, headers=signed) as answer:
            return await answer.text()

    async def wait_for(self, lending: str, borrowing: str) -> tuple[Request, Request]:
        requests = self.gateway.managed.libraries[BROKER].requests
        states: dict[str, str] = {}
        for _ in range(40):
            await self.gateway.managed.drain_due_work()
            found = {one.role.value: one for one in (await requests.list_requests(RequestFilter(), 9, "")).items}
            states = {role: one.state.value for role, one in found.items()}
            if states == {"lending": lending, "borrowing": borrowing}:
                return found["lending"], found["borrowing"]
            await asyncio.sleep(0.05)
        pytest.fail(f"{states} after 2 s, not {lending}, {borrowing}")


@pytest.fixture
async def office(tmp_path: Path, union: Zebra, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setenv("DIR", TOKEN)
    made: Installation = await asyncio.to_thread(copy_example, "broker", tmp_path / "broker")
    keys = made.folder / "secrets" / "members"
    keys.mkdir(parents=True)
    for name in ("us-elm", "us-oak", "us-fir", "us-ash"):
        (keys / name).write_text(f"key-of-{name}")
    with ScriptedSupplier() as elm, ScriptedSupplier() as oak:
        closed = {"closures": [{"startDate": "2026-01-01", "endDate": "2099-12-31", "reason": "Renovation"}]}
        entries = [
            describe_library("US-ELM", elm.url),
            describe_library("US-OAK", oak.url),
            describe_library("US-FIR", "https://fir.example/", **closed),
            describe_library("US-ASH", "https://ash.example/"),
        ]
        async with running(DirectoryServer(entries, page=3)) as directory:
            for file, old, new in (
                (made.config, "https://dir.state.example", directory.url),
                (made.folder / "partners" / "union.yml", "union.example:210", union.address),
            ):
                assert old in file.read_text()
                file.write_text(file.read_text().replace(old, new))
            with made.config.open("a") as settings:
                settings.write("http: {port: 0}\n")
            said = await asyncio.to_thread(made.run, "directory", "pull")
            assert said.stdout == "state: 4 entries\n"
            gateway = Daemon(load_settings(made.config, load_adapters()), load_adapters())
            await gateway.start()
            try:
                yield Office(gateway, elm, oak)
            finally:
                await gateway.stop()


ELM_ASKS = f"""{ROOT}<request><header>
<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-BROKER</agencyIdValue></supplyingAgencyId>
<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-ELM</agencyIdValue></requestingAgencyId>
<timestamp>{TIME}</timestamp><requestingAgencyRequestId>ELM-7</requestingAgencyRequestId></header>
<bibliographicInfo><title>Aniara</title><author>Martinson, Harry</author><bibliographicItemId>
<bibliographicItemIdentifier>{ISBN}</bibliographicItemIdentifier>
<bibliographicItemIdentifierCode>ISBN</bibliographicItemIdentifierCode></bibliographicItemId></bibliographicInfo>
<serviceInfo><serviceType>Loan</serviceType></serviceInfo></request></ISO18626Message>"""


def write_supplied(number: str, status: str) -> str:
    """Oak's message about the broker's request."""
    return f"""{ROOT}<supplyingAgencyMessage><header>
<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-OAK</agencyIdValue></supplyingAgencyId>
<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-BROKER</agencyIdValue></requestingAgencyId>
<timestamp>{TIME}</timestamp><requestingAgencyRequestId>{number}</requestingAgencyRequestId></header>
<messageInfo><reasonForMessage>StatusChange</reasonForMessage></messageInfo>
<statusInfo><status>{status}</status><lastChange>{TIME}</lastChange></statusInfo>
</supplyingAgencyMessage></ISO18626Message>"""


def write_action(action: str) -> str:
    """Elm's message about its own request."""
    return f"""{ROOT}<requestingAgencyMessage><header>
<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-BROKER</agencyIdValue></supplyingAgencyId>
<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-ELM</agencyIdValue></requestingAgencyId>
<timestamp>{TIME}</timestamp><requestingAgencyRequestId>ELM-7</requestingAgencyRequestId></header>
<action>{action}</action></requestingAgencyMessage></ISO18626Message>"""


async def test_what_a_member_asks_for_is_asked_of_the_member_that_holds_it(office: Office) -> None:
    assert "<messageStatus>OK</messageStatus>" in await office.send("us-elm", ELM_ASKS)

    _, asked = await office.wait_for("new", "requested")

    assert asked.attempt is not None
    assert (asked.attempt.partner, asked.attempt.symbol) == ("us-oak", "ISIL:US-OAK")
    assert asked.attempt.holdings.startswith("union: isbn 9789100001018: US-OAK")
    lines = [(line.partner, line.standing, str(line.why)) for line in asked.rota]
    assert lines == [
        ("us-elm", RotaLineStatus.SKIPPED, "asks for it"),
        ("us-fir", RotaLineStatus.WAITING, "closed until 2099-12-31: Renovation"),
        ("us-oak", RotaLineStatus.ASKED, "5 points (5 days assumed +5)"),
        ("US-YEW", RotaLineStatus.SKIPPED, "union shows holdings there, but it is not a partner"),
    ], "Ash holds nothing, so it has no line"

    await office.send("us-oak", write_supplied(asked.attempt.transaction, "Loaned"))
    await office.wait_for("shipped", "shipped")
    await office.send("us-elm", write_action("Received"))
    await office.wait_for("shipped", "received")
    await office.send("us-elm", write_action("ShippedReturn"))
    await office.wait_for("returned", "returned")
    await office.send("us-oak", write_supplied(asked.attempt.transaction, "LoanCompleted"))
    await office.wait_for("completed", "completed")

    assert office.oak.received == [
        "request",
        "requestingAgencyMessage Received",
        "requestingAgencyMessage ShippedReturn",
    ]
    assert office.elm.received == ["supplyingAgencyMessage", "supplyingAgencyMessage"], "Loaned and LoanCompleted"
    assert all(b"US-OAK" in body for body in office.elm.bodies), "`brokered: transparent`"
