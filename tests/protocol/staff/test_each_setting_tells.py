"""Keys of gateway.yml that no story tries: with another value than the default, a browser sees something else."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway.domain.problems import Refused
from gateway.runtime import page_assembly
from gateway.web.pages.sign_in import PatronSessions
from tests.protocol.pages.support import PATRON, running, visitor
from tests.protocol.staff.request_scenes import RULES, add_partners
from tests.protocol.staff.support import colleague, make_user
from tests.protocol.staff.test_copy_pages import make_copy_request, send_files
from tests.protocol.staff.test_oidc import START, signing_in
from tests.support.daemon import Installation

PROXY = {"port": 0, "trusted_proxies": ["127.0.0.1"]}


async def test_what_all_pages_say(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    minutes: list[int] = []

    def make_sessions(store: Any, clock: Any, length: int, symbols: Any) -> PatronSessions:
        minutes.append(length)
        return PatronSessions(store, clock, length, symbols)

    monkeypatch.setattr(page_assembly, "PatronSessions", make_sessions)
    sections = {"metrics": False, "http": {**PROXY, "hsts_days": 7}, "pages": {"session_minutes": 5}}
    async with running(installation, **sections) as gateway, visitor(gateway) as anna:
        page = await anna.get("/openurl/DEMO/sign-in", X_Forwarded_Proto="https")
        metrics = await anna.get("/metrics")

    assert page.headers["Strict-Transport-Security"].partition(";")[0] == "max-age=604800"
    assert metrics.status == 404
    assert minutes == [5]


async def test_how_long_what_is_kept(installation: Installation) -> None:
    journal, staff = {"keep_bodies_days": 12, "keep_rows_days": 13}, {"audit_days": 14}
    rules = {"intake": {}, "retention": {"outbox_days": 15}}
    async with (
        running(installation, journal=journal, staff=staff, rules=rules) as gateway,
        colleague(gateway, "a.lindqvist", "manager") as anna,
    ):
        page = await anna.get("/privacy")

    rows = [" ".join(" ".join(row.itertext()).split()) for row in page.tree.xpath("//tbody/tr")]
    kept = {row.rpartition(" days")[0].rpartition(" ")[2] for row in rows}
    assert {"12", "13", "14", "15"} <= kept, rows


@pytest.mark.parametrize(
    ("settings", "claims", "status", "asked"),
    [
        ({"claim": "login"}, {"login": "R.Okafor", "preferred_username": "somebody"}, 200, ("scope", "openid profile")),
        ({"scopes": ["openid", "staff"]}, {}, 200, ("scope", "openid staff")),
        ({"acr": ["gold"]}, {"acr": "silver"}, 403, ("acr_values", "gold")),
    ],
)
async def test_what_a_provider_of_staff_is_asked(
    installation: Installation,
    settings: dict[str, Any],
    claims: dict[str, str],
    status: int,
    asked: tuple[str, str],
) -> None:
    async with signing_in(installation, **settings) as (gateway, idp, ruth):
        idp.claims |= claims
        await make_user(gateway, "r.okafor", "staff", password="")
        page = await ruth.get(START)

    assert page.status == status
    assert idp.asked[asked[0]] == asked[1]


@pytest.mark.parametrize(("types", "title"), [([], "My account"), (["username"], "Sign in")])
async def test_of_which_type_a_number_in_a_header_is(installation: Installation, types: list[str], title: str) -> None:
    header = {"name": "X-Patron", "proxies": ["127.0.0.1"], "identifier_types": types}
    async with running(installation, library={"sign_in": {"header": header}}) as gateway, visitor(gateway) as anna:
        page = await anna.get("/openurl/DEMO/requests", X_Patron=PATRON)

    assert page.title == title


async def test_a_file_may_be_so_large(installation: Installation) -> None:
    add_partners(installation)
    async with (
        running(installation, rules=RULES, api={"max_attachment_bytes": 1_000}) as gateway,
        colleague(gateway, "r.okafor", "staff", "clearance") as ruth,
    ):
        request = await make_copy_request(gateway)
        fields = {"request": request.id}
        small = await send_files(ruth, {"a.pdf": b"%PDF-" + b"." * 900}, fields)
        large = await send_files(ruth, {"a.pdf": b"%PDF-" + b"." * 1_100}, fields)

    assert small.status < 400 < large.status == 413


BEGUN = b"POST /ncip HTTP/1.1\r\nHost: ill\r\nContent-Type: application/xml\r\nContent-Length: 99\r\n\r\n<"
"""A message that never comes whole."""


async def test_for_how_long_a_message_may_come(installation: Installation) -> None:
    async with running(installation, http={"port": 0, "body_seconds": 0.2}) as gateway, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.gateway.http_port)
        writer.write(BEGUN)
        answer = await reader.readline()
        writer.close()

    assert answer == b"HTTP/1.1 200 OK\r\n", "it is over, so it is answered"


async def test_for_how_long_a_stop_waits_for_messages(installation: Installation) -> None:
    async with running(installation, shutdown_seconds=0.2) as gateway:
        _reader, writer = await asyncio.open_connection("127.0.0.1", gateway.gateway.http_port)
        writer.write(BEGUN)
        await asyncio.sleep(0.1)
        begun = time.monotonic()
    writer.close()

    assert time.monotonic() - begun < 5


async def test_private_networks_that_may_be_called(installation: Installation) -> None:
    async with running(installation, api={"webhook_networks": ["127.0.0.0/8"]}) as gateway:
        hooks = gateway.gateway.managed.libraries["DEMO"].webhooks
        made = await hooks.create_subscription("portal", "http://127.0.0.1:8080/", [])
        with pytest.raises(Refused):
            await hooks.create_subscription("portal", "http://10.0.0.1:8080/", [])

    assert made
