"""The page of a message follows each value: as it came, decoded, understood, and after the profile, which is what the
store has."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping

import pytest

from gateway.ports.responder import OutcomeClass
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import PATRON, Answer, Running, running
from tests.protocol.staff.request_scenes import hear_program, list_heard_messages
from tests.protocol.staff.support import Colleague
from tests.protocol.staff.test_operation_pages import write_exchange
from tests.support.daemon import Installation
from tests.support.shipped_profiles import copy_shipped_profiles

HABITS = """circulation:
  patrons:
    rewrite:
      strip_prefix: [RVS-]
  requests:
    rewrite:
      case: upper
  pickup:
    map:
      SCIENCE: {place}
  due_dates:
    transit_days: 3
  accept:
    barcode:
      prefix: X-
    title_prefix: '[ILL] '
"""


@pytest.fixture
def place() -> str:
    """The code that the profile makes of SCIENCE."""
    return "MAIN"


@pytest.fixture
async def gateway(installation: Installation, place: str) -> AsyncIterator[Running]:
    copy_shipped_profiles(installation.folder, "crosslink-18626")
    file = installation.folder / "profiles" / "ncip2.yml"
    text = file.read_text(encoding="utf-8")
    assert "circulation: {}" in text
    before, _, after = text.partition("circulation: {}")
    file.write_text(before + HABITS.format(place=place) + after.partition("\n")[2], encoding="utf-8")
    async with running(installation, rules=RULES) as one:
        yield one


def list_rows(page: Answer) -> Mapping[str, list[str]]:
    """The rows by the path of the decoded value; of what the profile alone has set by its path."""
    rows = {}
    for row in page.tree.xpath("//table[contains(@class, 'became')]/tbody/tr"):
        cells = [" ".join(" ".join(cell.itertext()).split()) for cell in row.xpath("./td")]
        rows[(cells[1] if cells[1] != "–" else cells[3]).split(" ")[0]] = cells
    return rows


async def read_message(olga: Colleague, message_id: str) -> Answer:
    return await olga.post(f"/operation/journal/{message_id}", {})


async def test_each_value_is_followed_to_what_the_library_has(
    gateway: Running, installation: Installation, olga: Colleague
) -> None:
    asked = await hear_program(
        gateway,
        "accept-item",
        patron=f"RVS-{PATRON}",
        request="tn-7",
        item="4711",
        title="Шум дождя & снега",
        due="2027-06-30",
        pickup="Science",
    )
    assert asked.outcome is OutcomeClass.OK, asked.note

    rows = list_rows(await read_message(olga, asked.id))
    with contextlib.closing(sqlite3.connect(installation.database)) as store:
        stored = store.execute(
            "SELECT i.barcode, i.request_id, i.lender_due, b.title, h.pickup, p.value FROM embedded_items i"
            " JOIN embedded_bibs b ON b.id = i.bib_id JOIN embedded_holds h ON h.bib_id = i.bib_id"
            " JOIN embedded_patron_identifiers p ON p.patron_id = h.patron_id AND p.type = 'barcode'"
            " WHERE b.title LIKE '%Шум%'"
        ).fetchall()
    assert len({row[:5] for row in stored}) == 1
    barcode, number, due, title, pickup, _ = stored[0]
    (patron,) = {row[5] for row in stored} & {PATRON}

    after = {path: cells[3] for path, cells in rows.items()}
    assert rows["body.item_id.value"][:3] == [
        "<ns1:ItemIdentifierValue>4711</ns1:ItemIdentifierValue>",
        "body.item_id.value 4711",
        "item.value 4711",
    ]
    assert (barcode, number, title, pickup, patron) == ("X-4711", "TN-7", "[ILL] Шум дождя & снега", "MAIN", PATRON)
    assert after["body.item_id.value"].startswith(f"item.value 4711 {barcode} profiles/ncip2.yml:")
    assert after["body.request_id.value"].startswith(f"request.value tn-7 {number} profiles/ncip2.yml:")
    assert after["body.user_id.value"].startswith(f"patron.id.value RVS-{PATRON} {patron} profiles/ncip2.yml:")
    assert after["body.pickup_location.value"].startswith(f"pickup Science {pickup} profiles/ncip2.yml:")
    title_row = rows["body.item_optional_fields.bibliographic_description.title"]
    assert title_row[0] == "<ns1:Title>Шум дождя &amp; снега</ns1:Title>"
    assert title_row[3].startswith(f"citation.title Шум дождя & снега {title} profiles/ncip2.yml:")
    assert f"{due}"[:19].replace(" ", "T") in after["body.date_for_return"]
    assert after["body.date_for_return"].endswith("circulation.due_dates.transit_days")
    assert after["body.requested_action_type.value"] == "unchanged"


async def test_a_changed_value_leads_to_its_line(gateway: Running, installation: Installation, olga: Colleague) -> None:
    asked = await hear_program(gateway, "accept-item", patron=PATRON, request="TN-8", item="1", pickup="SCIENCE")

    page = await read_message(olga, asked.id)
    (link,) = page.tree.xpath("//tr[td[contains(., 'body.pickup_location.value')]]/td[4]//a")
    file = await olga.get(link.get("href").partition("#")[0].removeprefix("/staff"))

    (line,) = file.tree.xpath(f"//*[@id='{link.get('href').partition('#')[2]}']")
    assert "SCIENCE: MAIN" in line.text_content()


@pytest.mark.parametrize("place", ["MOON"])
async def test_the_value_that_was_refused_is_marked(gateway: Running, olga: Colleague) -> None:
    asked = await hear_program(gateway, "accept-item", patron=PATRON, request="TN-9", item="2", pickup="SCIENCE")
    assert asked.reason == "bad-pickup-location"

    page = await read_message(olga, asked.id)

    (refused,) = page.tree.xpath("//tr[contains(@class, 'wrong-value')]")
    assert "SCIENCE" in refused.text_content()
    assert "MOON" in refused.text_content()


async def test_values_are_content_and_shown_to_those_alone_who_ask_for_it(gateway: Running, olga: Colleague) -> None:
    asked = await hear_program(gateway, "lookup-user", patron=PATRON)

    page = await olga.get(f"/operation/journal/{asked.id}")

    assert not list_rows(page)
    assert PATRON not in page.text


@pytest.mark.parametrize("profile", ["crosslink-18626"])
async def test_what_a_dialect_takes_off_a_note_has_its_line(gateway: Running, olga: Colleague, profile: str) -> None:
    """A broker's note names the supplier behind it."""
    loaded = gateway.gateway._profiles.current.loaded[profile].profile
    sent = next(example.send for example in loaded.examples if "Supplier: US-FJORD" in example.send)
    asked = await write_exchange(gateway, protocol="iso18626", profile=profile, body=sent.encode())

    rows = list_rows(await read_message(olga, asked))

    raw, _decoded, _understood, after = rows["message_info.note"]
    assert raw == "<note>Supplier: US-FJORD, missing</note>"
    assert after.startswith(f"details.note Supplier: US-FJORD, missing missing profiles/{profile}.yml:")
    assert after.endswith("iso18626.notes.supplier_prefix")
    assert rows["details.supplier.symbol"][3].startswith(f"details.supplier.symbol US-FJORD profiles/{profile}.yml:")
    assert rows["status_info.status"][2].startswith("kind forwarded")


@pytest.mark.parametrize("place", ["MOON"])
async def test_a_draft_is_tried_with_messages_that_were_refused(
    gateway: Running, installation: Installation, olga: Colleague
) -> None:
    for item in ("7", "8"):
        await hear_program(gateway, "accept-item", patron=PATRON, request=item, item=item, pickup="SCIENCE")
    heard = await list_heard_messages(gateway)
    text = (installation.folder / "profiles" / "ncip2.yml").read_text(encoding="utf-8")
    draft = {"text": text.replace("SCIENCE: MOON", "SCIENCE: MAIN").replace("prefix: X-", "prefix: Y-"), "base": text}

    page = await olga.post("/operation/profiles/ncip2/edit", {**draft, "step": "try"})

    (row,) = page.tree.xpath("//table[@aria-labelledby='tries']/tbody/tr")
    cells = [" ".join(cell.text_content().split()) for cell in row.xpath("./td")]
    assert cells[0] == "AcceptItem"
    assert cells[1] == "it cannot be picked up at this location"
    assert cells[2] == "would call the library system for AcceptItem"
    assert row.xpath("./td[4]/span/text()") == ["item.value", "pickup: MOON → MAIN"]
    assert cells[4] == "2"
    assert await list_heard_messages(gateway) == heard, "nothing was replayed"
    assert (installation.folder / "profiles" / "ncip2.yml").read_text(encoding="utf-8") == text
