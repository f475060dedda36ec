"""Library × library over pages and API: whoever works for one library reads and changes nothing of another's, whatever
address is tried.

The other library's world has something behind each page. What is compared is everything that it has in the database.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from sqlalchemy import MetaData, select

from gateway.domain.clock import SystemClock
from gateway.services.api_keys import ApiKeyService, KeyScope
from gateway.web.api.operations import ALL
from gateway.web.staff.app import PAGES, page_name
from tests.protocol.pages.support import PATRON, PIN, Answer, Running, running, visitor
from tests.protocol.staff.page_world import RULES, WorldSize, fill_world, make_batches, prepare_installation
from tests.protocol.staff.request_scenes import library_context
from tests.protocol.staff.support import ALL_ROLES, Colleague, colleague, make_user
from tests.support.daemon import Installation

FJORD = {"symbol": "FJORD", "name": "Bibliothèque du Fjord", "requests": "requests-fjord.yml"}

NAMED_BY: dict[str, tuple[tuple[str, str], ...]] = {
    "number": (("request", "number"), ("request", "id"), ("print_batch", "number"), ("request_event", "id")),
    "id": (("request", "id"), ("outbox", "id"), ("mail", "id"), ("request_event", "id")),
    "letter": (("outbox", "id"),),
    "mail": (("mail", "id"),),
    "message": (("message", "id"), ("request_event", "id")),
    "file": (("request_file", "id"), ("request", "id")),
    "request": (("request", "id"),),
    "name": (("staff_user", "name"), ("profile_version", "profile")),
    "version": (("profile_version", "id"),),
}
"""What stands in addresses, and where the other library's rows have it; anything else is a word."""

STREAMS = {"GET /staff/live", "GET /staff/live/counts"}
OWN_ACCOUNT = {"POST /staff/sign-out", "POST /staff/account/sessions", "POST /staff/account/password"}

TITLE_WORDS = ("Vaumarin", "Шум дождя", "مدن الملح", "北の港", "harbour bars")
"""Of what the other library's readers have asked for."""


def share_installation(installation: Installation) -> None:
    """All profiles belong to DEMO; FJORD has none."""
    for file in (installation.folder / "profiles").glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        if not re.search(r"^(abstract|library):", text, re.MULTILINE):
            file.write_text(f"library: DEMO\n{text}", encoding="utf-8")
    (installation.folder / "requests-fjord.yml").write_text("{}\n", encoding="utf-8")


async def read_rows(gateway: Running, library: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of one library, by table; without counts of tries to sign in, which are those of an address."""

    def read_all(connection: Any) -> dict[str, list[dict[str, Any]]]:
        tables = MetaData()
        tables.reflect(connection)
        return {
            name: sorted(
                (dict(row) for row in connection.execute(select(table).where(table.c.library == library)).mappings()),
                key=repr,
            )
            for name, table in tables.tables.items()
            if "library" in table.c and name != "page_failure"
        }

    found: dict[str, list[dict[str, Any]]] = await library_context(gateway).store.read(read_all)
    return found


def iter_addresses(path: str, rows: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """The path with things of the other library in the place of what varies: two of each kind."""
    places = re.findall(r"\{([^}]*)\}", path)
    wanted = [
        list(
            dict.fromkeys(
                str(row[column])
                for table, column in NAMED_BY.get(place, ())
                for row in rows[table][:: max(1, len(rows[table]) - 1)]
            )
        )
        or ["cancel"]
        for place in places
    ]
    for names in itertools.product(*wanted):
        address = path
        for place, name in zip(places, names, strict=True):
            address = address.replace(f"{{{place}}}", name, 1)
        yield address


def find_leaks(text: str) -> list[str]:
    return [word for word in TITLE_WORDS if word in text]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_staff_of_one_library_meet_nothing_of_another(installation: Installation, method: str) -> None:
    prepare_installation(installation, WorldSize.FEW)
    share_installation(installation)
    async with running(installation, rules=RULES, other_libraries=[FJORD]) as gateway:
        await fill_world(gateway, WorldSize.FEW)
        async with colleague(gateway, "r.okafor", *ALL_ROLES) as ruth:
            await make_batches(ruth)
        await make_user(gateway, "n.foss", *ALL_ROLES, library="FJORD")
        before = await read_rows(gateway, "DEMO")
        wrong = []
        async with visitor(gateway) as browser:
            nina = Colleague(browser)
            assert (await nina.sign_in("n.foss")).status == 200
            token = await nina.read_token()
            for page in PAGES:
                if page.method != method or page_name(page) in STREAMS | OWN_ACCOUNT or page.right is None:
                    continue
                for address in iter_addresses(page.path, before):
                    answer = await _open_page(nina, method, address, token)
                    if find_leaks(answer.text) or answer.status >= 500:
                        wrong.append((page_name(page), address, answer.status, find_leaks(answer.text)))
        assert not wrong
        after = await read_rows(gateway, "DEMO")
        assert [name for name in before if before[name] != after[name]] == []


async def _open_page(nina: Colleague, method: str, address: str, token: str) -> Answer:
    if method == "GET":
        return await nina.get(address, follow=False)
    return await nina.post(address, {"step": "save", "reason": "x"}, follow=False, token=token)


async def test_a_key_of_one_library_reaches_nothing_of_another(installation: Installation) -> None:
    prepare_installation(installation, WorldSize.FEW)
    share_installation(installation)
    async with running(installation, rules=RULES, other_libraries=[FJORD]) as gateway:
        await fill_world(gateway, WorldSize.FEW)
        keys = ApiKeyService(library_context(gateway).store, SystemClock())
        key = (await keys.create_key("FJORD", "Nina", tuple(KeyScope))).key
        before = await read_rows(gateway, "DEMO")
        wrong = []
        async with aiohttp.ClientSession() as session:
            for operation in ALL:
                if operation.id == "streamEvents" or ("{" not in operation.path and operation.method != "GET"):
                    continue
                for address in iter_addresses(operation.path, before):
                    url = f"{gateway.url}/api/v1{address}"
                    headers = {"Authorization": f"Bearer {key}"}
                    sent = None if operation.method == "GET" else {"patron": PATRON}
                    async with session.request(operation.method, url, json=sent, headers=headers) as answer:
                        text = await answer.text()
                    if find_leaks(text) or answer.status >= 500 or ("{" in operation.path and answer.status == 200):
                        wrong.append((operation.method, address, answer.status, find_leaks(text)))
        assert not wrong
        after = await read_rows(gateway, "DEMO")
        assert [name for name in before if before[name] != after[name]] == []


async def test_a_reader_of_one_library_is_a_stranger_at_another(installation: Installation) -> None:
    prepare_installation(installation, WorldSize.FEW)
    share_installation(installation)
    async with running(installation, rules=RULES, other_libraries=[FJORD]) as gateway, visitor(gateway) as anna:
        await fill_world(gateway, WorldSize.FEW)
        assert (await anna.sign_in(PATRON, PIN)).status == 200
        for place in ("requests", "privacy"):
            answer = await anna.get(f"/openurl/FJORD/{place}")
            assert answer.title == "Sign in"
            assert not find_leaks(answer.text)
