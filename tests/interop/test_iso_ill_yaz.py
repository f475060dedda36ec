"""yaz-illclient, the ISO ILL client of Index Data's YAZ, asks a running gateway (facts/iso-ill-10161.md section 14)."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from sqlalchemy import Select, select

from gateway.domain.requests.request import LendingState, Request, ServiceType
from gateway.store.engine import open_store
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.tables import request
from gateway.store.schema import message
from tests.support.daemon import Installation
from tests.support.looking import tracebacks
from tests.support.yaml_files import write_yaml_file

CLIENT = shutil.which("yaz-illclient")
pytestmark = pytest.mark.skipif(
    CLIENT is None and not os.environ.get("CI"), reason="yaz-illclient is not installed (apt-get install yaz-illclient)"
)

ANSWERED, REFUSED = 0, 7
"""Exit codes: a report without an error, and with one."""

ANSWER_SECONDS = 5.0
"""Longest that an answer may take, of which yaz's own start is a part, alone here 0.1 s."""

SECONDS = 10.0
"""Longest that yaz may run before we call it hanging: it knows no time-out of its own."""

IKM = {
    "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
    "partner": {"symbols": ["NUC:IKM"], "name": "Isländisches Kulturmuseum", "roles": ["requester"]},
    "iso_ill": {
        "answers": "requests",
        "transport": {"mode": "same-connection"},
        "symbols": {"ours": "OZZ", "default_authority": "NUC"},
    },
}
WITH_PASSWORD = {
    **IKM,
    "partner": {"symbols": ["NUC:PWD"], "name": "Пароль", "roles": ["requester"]},
    "auth": [{"kind": "system-secret", "secret": "file:yaz.secret"}],
}
BOOK = {
    "ill,transaction-id,initial-requester-id,person-or-institution-symbol,institution": "IKM",
    "ill,requester-id,person-or-institution-symbol,institution": "IKM",
    "ill,requester-id,name-of-person-or-institution,name-of-institution": "Isländisches Kulturmuseum",
    "ill,responder-id,person-or-institution-symbol,institution": "OZZ",
    "ill,service-date-time,this,date": "20260302",
    "ill,service-date-time,this,time": "101500",
    "ill,ill-service-type": "1",
    "ill,item-id,title": "Brennu-Njáls saga",
    "ill,item-id,author": "Ókunnur höfundur",
    "ill,item-id,publisher": "Hið íslenzka fornritafélag",
    "ill,item-id,publication-date": "1954",
    "ill,item-id,ISBN": "9979893017",
    "ill,search-type,need-before-date": "20991231",
    "ill,search-type,expiry-flag": "1",
    "ill,requester-optional-messages,can-send-RECEIVED": "1",
    "ill,requester-optional-messages,can-send-RETURNED": "1",
    "ill,requester-optional-messages,requester-SHIPPED": "2",
    "ill,requester-optional-messages,requester-CHECKED-IN": "2",
    "ill,delivery-address,postal-address,street-and-number": "Austurvegur 1",
    "ill,delivery-address,postal-address,city": "Húsavík",
    "ill,requester-note": "Fyrir lestrarsalinn",
}
"""A file as yaz's own example is: bare symbols, one request."""


@dataclass(frozen=True)
class Yaz:
    folder: Path
    port: int

    def ask(self, values: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[bytes]:
        """`values` go by a file of parameters, as yaz's example does it."""
        assert CLIENT is not None
        file = self.folder / "params.txt"
        file.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
        command = [CLIENT, *options, "-f", str(file), f"127.0.0.1:{self.port}"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, timeout=SECONDS, check=False)


@pytest.fixture(scope="module")
def house(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A daemon with one listener for all partners."""
    made = fresh_installation.copy(tmp_path_factory.mktemp("yaz") / "illgate")
    made.change(tcp=[{"host": "0.0.0.0", "port": made.tcp_port, "protocol": "iso_ill"}])
    for name, profile in {"ikm": IKM, "pwd": WITH_PASSWORD}.items():
        write_yaml_file(made.folder / "profiles" / f"{name}.yml", profile)
    (made.folder / "yaz.secret").write_text("100-200-300:ekki giska\n")
    with made.serve():
        yield made
    assert tracebacks(made) == []


@pytest.fixture
def yaz(house: Installation, tmp_path: Path) -> Yaz:
    return Yaz(tmp_path, house.tcp_port)


def numbered(group: str, **more: str) -> dict[str, str]:
    """The book, as the transaction of this name."""
    names = {
        "ill,transaction-id,transaction-group-qualifier": group,
        "ill,transaction-id,transaction-qualifier": "1",
    }
    return {**BOOK, **names, **more}


def test_a_request_is_answered_and_seen_by_staff(house: Installation, yaz: Yaz) -> None:
    done = yaz.ask(numbered("2026-117"))
    assert (done.returncode, b"Ok" in done.stdout) == (ANSWERED, True), done

    listed = house.run("request", "list", "--role", "lending").stdout
    assert "Brennu-Njáls saga" in listed
    number = next(line for line in listed.splitlines() if "Njáls" in line).split()[0]
    shown = house.run("request", "show", number).stdout
    for text in ("Ókunnur", "NUC:IKM", "Isländisches Kulturmuseum", "2099-12-31", "Fyrir lestrarsalinn", "9979893017"):
        assert text in shown, shown


Look = Callable[[Request], object]

PARAMETERS: Mapping[str, tuple[str, Look, object]] = {
    "ill,item-id,title": ("Þjalar-Jóns saga", lambda one: one.citation.title, "Þjalar-Jóns saga"),
    "ill,item-id,author": ("Snorri", lambda one: one.citation.author, "Snorri"),
    "ill,item-id,ISBN": ("9780140447699", lambda one: one.citation.identifiers[0].value, "9780140447699"),
    "ill,item-id,publisher": ("Mál og menning", lambda one: one.citation.publisher, "Mál og menning"),
    "ill,item-id,edition": ("2. útgáfa", lambda one: one.citation.edition, "2. útgáfa"),
    "ill,ill-service-type": ("2", lambda one: one.service.type, ServiceType.COPY),
    "ill,search-type,need-before-date": ("20991224", lambda one: one.dates.need_by, date(2099, 12, 24)),
    "ill,requester-note": ("Með kveðju", lambda one: one.citation.note, "Með kveðju"),
    "ill,place-on-hold": ("1", lambda one: _extra(one, "place-on-hold"), "yes"),
    "ill,retry-flag": ("1", lambda one: _extra(one, "retry"), "true"),
    "ill,transaction-id,transaction-qualifier": ("7", lambda one: one.transaction.split("/")[1][:1], "7"),
    "ill,delivery-address,postal-address,city": (
        "Ísafjörður",
        lambda one: one.partner.address,
        "Austurvegur 1\nÍsafjörður",
    ),
    "ill,requester-id,name-of-person-or-institution,name-of-institution": (
        "Safnið",
        lambda one: one.partner.name,
        "Safnið",
    ),
    "ill,transaction-id,initial-requester-id,person-or-institution-symbol,person": (
        "P1",
        lambda one: one.transaction.count("@"),
        1,
    ),
    "ill,service-date-time,this,date": ("20251231", lambda one: one.state, LendingState.NEW),
    "ill,service-date-time,this,time": ("235959", lambda one: one.state, LendingState.NEW),
    "ill,service-date-time,original,date": ("20251230", lambda one: one.state, LendingState.NEW),
    "ill,search-type,expiry-flag": ("3", lambda one: _extra(one, "expires"), ""),
    "ill,search-type,expiry-date": ("20991220", lambda one: one.state, LendingState.NEW),
    "ill,requester-optional-messages,can-send-RECEIVED": ("0", lambda one: one.state, LendingState.NEW),
    "ill,copyright-complicance": ("US:CCL", lambda one: _extra(one, "copyright-compliance"), "US:CCL"),
}
"""Each of facts/iso-ill-10161.md section 14, with its own spellings, and where it shows; the original's time can't come
without its day, which yaz makes of another parameter."""


def _extra(request: Request, name: str) -> str:
    return next((one.value for one in request.extras if one.name == name), "")


async def test_each_parameter_is_answered_at_once_and_shows_in_the_request(house: Installation, yaz: Yaz) -> None:
    took = []
    for place, (name, (value, _, _)) in enumerate(PARAMETERS.items()):
        started = time.monotonic()
        done = yaz.ask(numbered(f"P-{place}", **{name: value}))
        took.append(time.monotonic() - started)
        assert done.returncode == ANSWERED, (name, done)
    assert median(took) < ANSWER_SECONDS
    requests = await _lent(house)
    for place, (name, (_, look, expected)) in enumerate(PARAMETERS.items()):
        found = next(one for group, one in requests.items() if group == f"P-{place}")
        assert look(found) == expected, name


async def _lent(house: Installation) -> dict[str, Request]:
    """By the transaction's group-qualifier."""
    documents = await _read(house, select(request.c.document))
    return {one.transaction.partition("/")[0]: one for one in map(parse_request, documents)}


async def _groups(house: Installation) -> list[str]:
    """Of all lending requests."""
    return [parse_request(one).transaction.partition("/")[0] for one in await _read(house, select(request.c.document))]


async def _notes(house: Installation, group: str) -> list[str]:
    """What the journal says of messages of this transaction, in the order in which they came."""
    c = message.c
    return await _read(house, select(c.note).where(c.direction == "in", c.request_id == group).order_by(c.id))


async def _read(house: Installation, query: Select[Any]) -> list[Any]:
    store = open_store(f"sqlite:///{house.database}")
    try:
        return list(await store.read(lambda c: c.execute(query).scalars().all()))
    finally:
        await store.close()


async def test_what_comes_twice_is_answered_twice_and_done_once(house: Installation, yaz: Yaz) -> None:
    """The client waits without end, so that silence would be no answer; its repeats say nothing of themselves."""
    codes = [yaz.ask(numbered("TWICE")).returncode for _ in range(2)]
    assert codes == [ANSWERED, ANSWERED]
    assert len([group for group in await _groups(house) if group == "TWICE"]) == 1
    assert "the transport brought it twice" in (await _notes(house, "TWICE"))[-1]


def test_another_request_under_the_same_transaction_is_a_duplicate(yaz: Yaz) -> None:
    assert yaz.ask(numbered("SAME")).returncode == ANSWERED
    other = yaz.ask(numbered("SAME", **{"ill,item-id,title": "Egils saga"}))
    assert other.returncode == REFUSED, other


def test_who_signs_rightly_is_let_in_and_who_does_not_is_not(yaz: Yaz) -> None:
    signed = numbered("SIGNED", **{"ill,requester-id,person-or-institution-symbol,institution": "PWD"})
    wrong = yaz.ask(signed, "-o", "-u", "100-200-300", "-p", "giska")
    assert wrong.returncode == REFUSED, wrong
    assert b"could not be authenticated" in wrong.stdout + wrong.stderr
    assert yaz.ask(signed).returncode == REFUSED
    right = yaz.ask(signed, "-o", "-u", "100-200-300", "-p", "ekki giska")
    assert right.returncode == ANSWERED, right


def test_an_unknown_library_is_refused(house: Installation, yaz: Yaz) -> None:
    done = yaz.ask(numbered("WHO", **{"ill,requester-id,person-or-institution-symbol,institution": "NIEMAND"}))
    assert done.returncode == REFUSED, done


def test_a_request_for_another_library_is_refused(yaz: Yaz) -> None:
    done = yaz.ask(numbered("WHERE", **{"ill,responder-id,person-or-institution-symbol,institution": "ZZO"}))
    assert done.returncode == REFUSED, done


def test_a_version_that_there_is_not_is_refused(yaz: Yaz) -> None:
    done = yaz.ask(numbered("V3", **{"ill,protocol-version-num": "3"}))
    assert done.returncode == REFUSED, done


def test_a_request_without_a_single_parameter_is_badly_structured(yaz: Yaz) -> None:
    """Every text is empty and every code 0; the provider's problem is number 3."""
    assert CLIENT is not None
    done = subprocess.run(
        [CLIENT, f"127.0.0.1:{yaz.port}"], cwd=yaz.folder, capture_output=True, timeout=SECONDS, check=False
    )
    assert done.returncode == REFUSED, done
    assert b"date is missing" in done.stdout + done.stderr


def test_parameters_without_a_name_of_the_transaction_make_one_request_each(yaz: Yaz) -> None:
    """yaz leaves the transaction's name empty, which the standard doesn't allow: the content tells them apart."""
    for title in ("Hrafnkels saga", "Gísla saga"):
        nameless = {name: value for name, value in BOOK.items() if "transaction-id" not in name}
        done = yaz.ask({**nameless, "ill,item-id,title": title})
        assert done.returncode == ANSWERED, done
