"""A source of the directory is pulled: what of its entries becomes files, and what of a bad pull doesn't."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration.yaml_document import parse_yaml
from gateway.domain.clock import FixedClock
from gateway.domain.problems import Unavailable
from gateway.services.directory.pull import DirectoryPull, PullReport, read_report
from gateway.settings import Settings, settings_of_document
from gateway.settings.directory import DirectorySource
from tests.support.directory_server import TOKEN, DirectoryServer, describe_library
from tests.support.running_servers import running
from tests.unit.profiles.support import ADAPTERS

SETTINGS = """
libraries: [{{symbol: "ISIL:US-BROKER", name: State Broker, currency: USD}}]
directory: {{sources: [{{name: state, url: "{url}", format: crosslink, token: env:DIR, takes: [{takes}]}}]}}
"""
ALL = "names, addresses, closures, terms, endpoints"
OAK = describe_library(
    "US-OAK",
    "https://oak.example/iso18626",
    email="ill@oak.example",
    phoneNumber="+1 555 0100",
    illConfig={"iso18626Url": "https://oak.example/iso18626", "iso18626Vendor": "Alma"},
    addresses=[
        {"id": "1", "entry": "1", "type": "Billing", "addressComponents": []},
        {
            "id": "2",
            "entry": "1",
            "type": "Shipping",
            "addressComponents": [
                {"seq": 2, "type": "Locality", "value": "Oakville"},
                {"seq": 1, "type": "Thoroughfare", "value": "1 Acorn Way"},
                {"seq": 3, "type": "PostalCode", "value": "00042"},
            ],
        },
    ],
    closures=[{"id": "3", "entry": "1", "startDate": "2026-12-24", "endDate": "2027-01-02", "reason": "Holidays"}],
    tiers=[
        {"id": "4", "consortium": "9", "name": "Core", "level": "standard", "type": "loan", "cost": 0},
        {"id": "5", "consortium": "9", "name": "Rush", "level": "rush", "type": "copy", "cost": 12.5},
    ],
)
ELM = describe_library("US-ELM", "", endpoints=[{"name": "ILL", "type": "ISO18626", "address": "https://elm.example/"}])
OTHERS: list[dict[str, Any]] = [
    describe_library("US-BROKER", "https://ourselves.example/"),
    {"id": "7", "name": "State consortium", "type": "Consortium", "symbols": [{"authority": "ISIL", "symbol": "US-S"}]},
    {"id": "8", "name": "Oak, branch", "type": "Branch", "symbols": []},
]


@pytest.fixture
async def server() -> AsyncIterator[DirectoryServer]:
    async with running(DirectoryServer([OAK, ELM, *OTHERS])) as made:
        yield made


class Puller:
    """One source in a folder of its own."""

    def __init__(self, folder: Path, url: str, takes: str = ALL) -> None:
        document = parse_yaml(SETTINGS.format(url=url, takes=takes), "gateway.yml")
        self.settings: Settings = settings_of_document(document, folder / "gateway.yml", ADAPTERS)
        self.source: DirectorySource = self.settings.directory.sources[0]
        clock = FixedClock(datetime(2026, 12, 1, 10, tzinfo=UTC))
        self._pull = DirectoryPull(self.settings, {"env:DIR": TOKEN}.__getitem__, clock)

    async def pull(self, *accepted: str) -> PullReport:
        self._pull.make_folders()
        return await self._pull.pull(self.source, accepted)

    def read_files(self) -> dict[str, str]:
        folder = self.settings.directory_folder / "state"
        return {file.name: file.read_text() for file in sorted(folder.iterdir())}

    @property
    def report(self) -> PullReport:
        return read_report(self.settings, self.source)


async def test_each_library_that_takes_iso_18626_has_a_file(server: DirectoryServer, tmp_path: Path) -> None:
    server.page = 2
    puller = Puller(tmp_path, server.url)

    report = await puller.pull()

    assert [query.get("offset") for query in server.queries] == [None, "2", "4"]
    assert (report.entries, report.problems, report.held) == (2, (), {})
    head = "# From the directory state; each pull writes it anew. Other values go into partners/us-{}.yml.\n"
    assert puller.read_files() == {
        "us-elm.yml": head.format("elm")
        + """\
name: us-elm
extends: iso18626-2017
partner:
  symbols:
  - ISIL:US-ELM
  name: Us-Elm Library
iso18626:
  http:
    url: https://elm.example/
""",
        "us-oak.yml": head.format("oak")
        + """\
name: us-oak
extends: alma-18626
partner:
  symbols:
  - ISIL:US-OAK
  name: Us-Oak Library
  address: '1 Acorn Way

    Oakville 00042'
  email: ill@oak.example
  phone: +1 555 0100
  closures:
  - first: '2026-12-24'
    last: '2027-01-02'
    note: Holidays
  terms:
  - service: copy
    level:
    - rush
    price:
      amount: '12.5'
      currency: USD
  - service: loan
    price: 0
iso18626:
  http:
    url: https://oak.example/iso18626
""",
    }


async def test_a_source_gives_no_more_than_is_taken_from_it(server: DirectoryServer, tmp_path: Path) -> None:
    puller = Puller(tmp_path, server.url, "closures")
    await puller.pull()

    assert puller.read_files()["us-oak.yml"].partition("\n")[2] == (
        "name: us-oak\nextends: alma-18626\npartner:\n  symbols:\n  - ISIL:US-OAK\n  closures:\n"
        "  - first: '2026-12-24'\n    last: '2027-01-02'\n    note: Holidays\n"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda server: server.entries.clear(), "it lists no library any more"),
        (lambda server: setattr(server, "count", 9), "5 entries, but it states 9"),
        (
            lambda server: (setattr(server, "page", 2), setattr(server, "next_host", "https://x.example")),
            "another host",
        ),
        (lambda server: setattr(server, "count", "many"), "the answer is not a page of CrossLink's directory"),
    ],
)
async def test_a_bad_pull_changes_nothing_and_shows(
    server: DirectoryServer, tmp_path: Path, change: Any, said: str
) -> None:
    puller = Puller(tmp_path, server.url)
    await puller.pull()
    before, pulled = puller.read_files(), puller.report.pulled
    change(server)

    with pytest.raises(Unavailable, match=said):
        await puller.pull()

    assert puller.read_files() == before
    assert (puller.report.pulled, puller.report.entries) == (pulled, 2)
    assert said in puller.report.failure


async def test_a_wrong_token_is_said_without_the_token(server: DirectoryServer, tmp_path: Path) -> None:
    puller = Puller(tmp_path, server.url)
    puller._pull = DirectoryPull(puller.settings, {"env:DIR": "wrong"}.__getitem__, puller._pull.clock)

    with pytest.raises(Unavailable):
        await puller.pull()

    assert puller.report.failure == f"{server.url.removesuffix('/directory')}: status 401"


async def test_an_entry_that_is_wrong_leaves_its_file_and_all_that_are_missed(
    server: DirectoryServer, tmp_path: Path
) -> None:
    puller = Puller(tmp_path, server.url)
    await puller.pull()
    before = puller.read_files()
    closure = {**OAK["closures"][0], "endDate": "2026-12-01"}
    server.entries = [{**OAK, "name": "Oak", "closures": [closure]}, describe_library("US-FIR", "https://fir.example/")]

    report = await puller.pull()

    assert report.problems == ("entry 1: closures.0: Value error, endDate is before startDate",)
    after = puller.read_files()
    assert {name: after[name] for name in before} == before
    assert "us-fir.yml" in after

    server.entries = [describe_library("US-FIR", "https://fir.example/")]
    await puller.pull()
    assert list(puller.read_files()) == ["us-fir.yml"], "who is no longer listed goes with a pull that is whole"


async def test_an_endpoint_on_another_host_waits_for_the_office(server: DirectoryServer, tmp_path: Path) -> None:
    puller = Puller(tmp_path, server.url)
    await puller.pull()
    moved = {**OAK["illConfig"], "iso18626Url": "https://oak.attacker.example/iso18626"}
    server.entries[0] = {**OAK, "name": "Oak, renamed", "illConfig": moved}

    held = await puller.pull()

    assert held.held == puller.report.held == {"us-oak": "https://oak.attacker.example/iso18626"}
    assert "https://oak.example/iso18626" in puller.read_files()["us-oak.yml"]
    assert "name: Oak, renamed" in puller.read_files()["us-oak.yml"], "all else is taken"

    assert not (await puller.pull("us-oak")).held
    assert "https://oak.attacker.example/iso18626" in puller.read_files()["us-oak.yml"]
    assert not (await puller.pull()).held


async def test_nobody_takes_the_symbol_of_another(server: DirectoryServer, tmp_path: Path) -> None:
    puller = Puller(tmp_path, server.url)
    await puller.pull()
    before = puller.read_files()
    other = [{"authority": "ISIL", "symbol": "US-AAA"}, {"authority": "isil", "symbol": "us-oak"}]
    server.entries.insert(0, describe_library("US-AAA", "https://aaa.example/", symbols=other))

    report = await puller.pull()

    assert report.problems == ("entry 1: 'ISIL:US-AAA' or its name is that of us-oak, too",)
    assert puller.read_files() == before


@pytest.mark.parametrize("url", ["ftp://oak.example/", "https://user:secret@oak.example/", "env:HOME"])
async def test_an_address_that_we_would_not_use_is_not_taken(url: str, server: DirectoryServer, tmp_path: Path) -> None:
    server.entries = [describe_library("US-OAK", url), ELM]
    puller = Puller(tmp_path, server.url)

    report = await puller.pull()

    assert report.problems == (f"entry 1: url: String should match pattern '{WEB}'",)
    assert list(puller.read_files()) == ["us-elm.yml"]


WEB = r"^https?://[^\s/?#@]+(/\S*)?$"
