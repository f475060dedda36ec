"""What `illgate conformance` reports of systems that behave as real ones do, and of `illgate mock`: compared with a
table, finding by finding, each with the sentence that it is against. The installation is as it was before."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.world import Site, make_installation
from tests.support.conformance_tables import Line, dump_store, try_system
from tests.support.daemon import Installation, free_port, stopped_at_end, wait_for
from tests.support.forked_processes import ForkedProcess, run_illgate
from tests.support.peers import RealisticPeer
from tests.support.scripted_supplier import ScriptedSupplier
from tests.support.yaml_files import read_yaml_file, write_yaml_file

TABLE = Path(__file__).with_name("conformance_of_peers.yml")
HERE = [{"kind": "network", "networks": ["127.0.0.0/8"]}]
PROFILES: Mapping[str, Mapping[str, Any]] = {
    "broker": {"extends": "crosslink-18626", "auth": HERE, "partner": {"symbols": ["ISIL:BROKER"]}},
    "cedar": {
        "extends": "crosslink-18626",
        "auth": HERE,
        "partner": {"symbols": ["ISIL:CLX"]},
        "iso18626": {"symbols": {"theirs": "ISIL:BROKER"}},
    },
    "koha": {"extends": "koha-ncip", "ncip": {"header": {"partner_agency": "MPL", "our_agency": "ILL"}}},
    "fjordby": {
        "extends": "iso18626-2017",
        "partner": {"symbols": ["ISIL:NO-0030101"], "name": "Fjordby bibliotek"},
    },
    "nordby": {
        "auth": HERE,
        "partner": {"symbols": ["ISIL:NO-0030103"], "channel": "iso-ill"},
        "iso_ill": {"transport": {"reply_seconds": 2}},
    },
    "our-library": {"ncip": {"xml": {"version": "2.02"}}},
    "folio": {
        "ncip": {"xml": {"version": "2.02", "namespace_style": "prefix"}, "header": {"our_agency": "ILL"}},
    },
}
"""The partners as `docs/crosslink.md` and the guides of the library systems would have them."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = Site("OAK", "Oak Library", PROFILES)
    return make_installation(tmp_path_factory.mktemp("conformance"), site, mail_port=25)


@contextlib.contextmanager
def unchanged_store(config: Path) -> Iterator[None]:
    database = config.parent / "data" / "illgate.db"
    before = dump_store(database)
    yield
    assert dump_store(database) == before


def compare_with_table(system: str, found: list[Line]) -> None:
    wanted = read_yaml_file(TABLE)[system]
    assert found == wanted, yaml.safe_dump({system: found}, allow_unicode=True, sort_keys=False, width=110)


@pytest.mark.parametrize("mode", ["opaque", "transparent", "translucent"])
def test_crosslinks_broker(mode: str, config: Path, peers_folder: Path, tmp_path: Path) -> None:
    listen = free_port()
    with ScriptedSupplier() as elm, unchanged_store(config):
        directory = [
            {"symbol": "ISIL:OAK", "url": f"http://127.0.0.1:{listen}/iso18626", "mode": mode, "name": "Oak Library"},
            {"symbol": "ISIL:ELM", "url": elm.url, "mode": mode, "name": "Elm Library"},
        ]
        (tmp_path / "peers.json").write_text(json.dumps(directory), "utf-8")
        options = ("--peers", str(tmp_path / "peers.json"))
        with RealisticPeer(peers_folder, "crosslink-broker", tmp_path / "logs", *options) as broker:
            elm.answers_to = f"http://127.0.0.1:{broker.port}/iso18626"
            found, report = try_system(
                config,
                tmp_path / "report.json",
                "broker",
                *("--against", elm.answers_to, "--listen", str(listen), "--wait", "3"),
                *("--value", "record=return-ISIL:ELM::b1"),
            )

    compare_with_table(f"crosslink-broker, {mode}", found)
    assert len(elm.received) > 5, "the broker has asked somebody"
    assert sum(one["came"] for part in report["conversations"] for one in part["exchanges"]) > 5


def ask_peer(port: int, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, 30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def test_a_partner_that_answers_the_daemon(peers_folder: Path, tmp_path: Path) -> None:
    """Nobody listens for the trial: what the broker says of its requests comes to the daemon, which confirms it. Its
    requests, lists, outbox and figures are as before."""
    made = Installation.make(tmp_path / "installation")
    profile = {**PROFILES["broker"], "iso18626": {"http": {"url": "http://127.0.0.1:9/iso18626"}}}
    write_yaml_file(made.folder / "profiles" / "broker.yml", profile)
    with ScriptedSupplier() as elm, made.serve():
        ours = f"http://127.0.0.1:{made.port}/iso18626/broker"
        directory = [
            {"symbol": "ISIL:DEMO", "url": ours, "mode": "opaque", "name": "Oak Library"},
            {"symbol": "ISIL:ELM", "url": elm.url, "mode": "opaque", "name": "Elm Library"},
        ]
        (tmp_path / "peers.json").write_text(json.dumps(directory), "utf-8")
        options = ("--peers", str(tmp_path / "peers.json"))
        before = dump_store(made.database)
        with RealisticPeer(peers_folder, "crosslink-broker", tmp_path / "logs", *options) as broker:
            elm.answers_to = f"http://127.0.0.1:{broker.port}/iso18626"
            file = tmp_path / "report.json"
            asked = ("--against", elm.answers_to, "--value", "record=return-ISIL:ELM::b1")
            found, _ = try_system(made.config, file, "broker", *asked)
        after = dump_store(made.database)

    broken = {one["clause"] for one in found if "(broken)" in one["found"]}
    assert broken - {EARLY} == {"the XML schema of version 1.2"}
    assert len(after["message"]) > len(before["message"]), "the broker has answered"
    assert {name for name in after if after[name] != before[name]} <= KEPT_MESSAGES
    assert not any(after[name] for name in ("request", "outbox", "request_figure"))


EARLY = "ISO 18626:2021, 4.10: BadlyFormedMessage is for what isn't as the schema wants it"
"""What the broker answers while it has no supplier for a request yet. Nobody tells the trial when it has one."""

KEPT_MESSAGES = {"message", "partner_message"}
"""The message log, and what a repeated message is known by."""


def test_a_crosslink_library(config: Path, peers_folder: Path, tmp_path: Path) -> None:
    """With a request that it has made to us, so that a supplier's messages are about one that exists. Each request of
    ours is at its lender's before more is said about it: the trial has heard so."""
    listen = free_port()
    far = f"ISIL:OAK,http://127.0.0.1:{listen}/iso18626,Unknown,opaque,Oak Library"
    options = ("--symbol", "ISIL:CLX", "--name", "Cedar Library", "--far", far)
    with (
        RealisticPeer(peers_folder, "crosslink-library", tmp_path / "logs", *options) as cedar,
        unchanged_store(config),
    ):
        with ScriptedSupplier(port=listen) as oak:
            wanted = {
                "bibliographicInfo": {"supplierUniqueRecordId": "return-ISIL:OAK::b1", "title": "Conformance trial"},
                "serviceInfo": {"serviceType": "Loan"},
            }
            ask_peer(cedar.port, "/new", {"patron": "CL-7", "illRequest": wanted, "id": "CLX-1"})
            ask_peer(cedar.port, "/settle")
        assert oak.received == ["request"]
        found, _ = try_system(
            config,
            tmp_path / "report.json",
            "cedar",
            *("--against", f"http://127.0.0.1:{cedar.port}/iso18626", "--listen", str(listen), "--wait", "2"),
            *("--value", "record=return-ISIL:CLX::b1", "--value", "request=CLX-1"),
        )
    compare_with_table("crosslink-library", found)


NCIP_VALUES = {
    "koha": ("patron=21000000000017", "item=K1", "record=SYSNUMBER:11", "pickup=MPL"),
    "folio": ("patron=8377630", "item=10103", "record=SYSNUMBER:it00000000003", "pickup=FAIRCHILD"),
}


@pytest.mark.parametrize(
    ("name", "profile", "options"),
    [("koha-ncip-server", "koha", ()), ("folio-mod-ncip", "folio", ("--checkout-delay", "0"))],
)
def test_a_librarys_system(
    name: str, profile: str, options: tuple[str, ...], config: Path, peers_folder: Path, tmp_path: Path
) -> None:
    values = [word for value in NCIP_VALUES[profile] for word in ("--value", value)]
    with RealisticPeer(peers_folder, name, tmp_path / "logs", *options) as peer, unchanged_store(config):
        against = f"http://127.0.0.1:{peer.port}/ncip"
        found, _ = try_system(config, tmp_path / "report.json", profile, "--against", against, *values)
    compare_with_table(name, found)


def test_each_peer_is_tried_and_each_finding_has_its_sentence(peers_folder: Path) -> None:
    """None of them is left untried. What no sentence forbids is advice."""
    table = read_yaml_file(TABLE)
    peers = {one.name for one in peers_folder.iterdir() if (one / "start").is_file()}
    assert {name.partition(",")[0] for name in table} - {"illgate mock"} == peers - NOT_TRIED
    for found in (one for lines in table.values() for one in lines):
        assert "untried" not in found
        assert found["clause"]
        assert not ("(broken)" in found["found"] and found["clause"].startswith("no sentence")), found


NOT_TRIED = {"sip2-evergreen"}
"""There is no trial of SIP2."""


@pytest.mark.parametrize("profile", ["fjordby", "nordby", "our-library"])
def test_illgate_mock(profile: str, config: Path, tmp_path: Path) -> None:
    """Of ISO 18626, whose messages are heard, ISO ILL and NCIP."""
    mock, page, listen = free_port(), free_port(), free_port()
    over_http = profile != "nordby"
    own = ("--against", f"http://127.0.0.1:{listen}/iso18626") if profile == "fjordby" else ()
    own = ("--against", f"127.0.0.1:{listen}") if profile == "nordby" else own
    command = ("--config", str(config), "mock", profile, "--port", str(mock), "--page-port", str(page), *own)
    extra = {
        "fjordby": ("--listen", str(listen), "--wait", "3"),
        "nordby": ("--listen", str(listen), "--wait", "3"),
        "our-library": ("--value", "patron=21000000000017"),
    }
    with stopped_at_end(ForkedProcess(run_illgate, command, tmp_path / "log")), unchanged_store(config):
        wait_for(mock if over_http else page)
        against = f"http://127.0.0.1:{mock}/x" if over_http else f"127.0.0.1:{mock}"
        found, _ = try_system(config, tmp_path / "report.json", profile, "--against", against, *extra[profile])
    compare_with_table(f"illgate mock, {profile}", found)
