"""Partners and rotas as staff see them: how each stands in a sentence, what is open with it, who is asked when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from gateway.domain.requests.views import RequestFilter
from gateway.store.requests.tables import request_supply
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.request_scenes import library_context
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation, free_port
from tests.support.yaml_files import write_yaml_file

TODAY = datetime.now(tz=UTC).date()
VAUMARIN = f"""
partner:
  symbols: [ISIL:CH-VAU]
  name: Bibliothèque de Vaumarin
  email: pret@vaumarin.example
  phone: +41 32 555 01 02
  channel: mail
  cost: {{amount: 12, currency: CHF}}
  closures:
    - {{first: {TODAY}, last: {TODAY + timedelta(days=9)}, note: on déménage}}
    - {{first: {TODAY - timedelta(days=30)}, last: {TODAY - timedelta(days=20)}, note: past}}
"""
SAHIL = """
partner:
  symbols: [SAHIL]
  name: مكتبة جامعة الساحل
  email: ill@sahil.example
  channel: mail
"""
ROTAS = {
    "rotas": {"usual": {"description": "neighbours first", "lines": [{"partner": "vaumarin"}, {"partner": "sahil"}]}}
}


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    for name, text in (("vaumarin", VAUMARIN), ("sahil", SAHIL)):
        (installation.folder / "profiles" / f"{name}.yml").write_text(text, encoding="utf-8")
    async with running(installation, rules={**RULES, **ROTAS, "default_rota": "usual"}) as one:
        yield one


@pytest.fixture
async def ruth(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "r.okafor", "staff") as somebody:
        yield somebody


async def test_each_partner_is_a_line_with_how_it_stands(ruth: Colleague) -> None:
    page = await ruth.get("/partners")

    rows = [" ".join(str(row.text_content()).split()) for row in page.tree.xpath("//main//section[1]//tbody/tr")]
    assert rows == ["Bibliothèque de Vaumarin closed Email 0 0 –", "مكتبة جامعة الساحل reachable Email 0 0 –"]


async def test_the_days_to_supply_are_told_from_five_shipments_on_as_in_statistics(
    gateway: Running, ruth: Colleague
) -> None:
    context = library_context(gateway)
    for partner, count in (("vaumarin", 5), ("sahil", 4)):
        row = {"library": context.symbol, "day": TODAY, "partner": partner, "n": count, "seconds": count * 86_400 * 2}
        await context.store.write(lambda c, row=row: c.execute(insert(request_supply).values(row)))

    for place, cell in (("/partners", "td[6]"), ("/rotas/usual", "td[4]")):
        page = await ruth.get(place)
        assert page.tree.xpath(f"//main//section[1]//tbody/tr/{cell}/text()") == ["2", "–"], place


async def test_a_partner_says_how_it_is_reached_and_when_it_is_closed(ruth: Colleague) -> None:
    page = await ruth.get("/partners/vaumarin")

    text = " ".join(str(page.tree.xpath("//main")[0].text_content()).split())
    assert "Not asked while closed." in text
    assert "pret@vaumarin.example" in text
    assert "on déménage" in text
    assert "past" not in text, "closing days that are over"
    assert page.tree.xpath("//a[@href='tel:+41325550102']")
    assert page.tree.xpath("//a[@href='/staff/rotas/usual']")


async def test_what_a_loan_costs_is_for_managers(gateway: Running, ruth: Colleague) -> None:
    assert "CHF" not in (await ruth.get("/partners/vaumarin")).text
    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        assert "CHF" in (await manager.get("/partners/vaumarin")).text


async def test_a_rota_says_who_is_asked_in_what_order(ruth: Colleague) -> None:
    page = await ruth.get("/rotas/usual")

    assert page.title == "Rota usual"
    assert page.tree.xpath("//nav[@class='menu']//a[@aria-current]/text()") == ["Partners"]
    assert "Used if no rule applies." in page.text
    names = [str(one.text_content()) for one in page.tree.xpath("//tbody/tr/td[2]")]
    assert names == ["Bibliothèque de Vaumarin", "مكتبة جامعة الساحل"]


async def test_closing_days_are_written_at_the_page_and_count_at_once(gateway: Running) -> None:
    first = library_context(gateway).today()
    last = first + timedelta(days=6)
    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        fields = {"first": first.isoformat(), "last": last.isoformat(), "note": "عطلة العيد"}
        page = await manager.post("/partners/sahil/closures", fields)
        assert "عطلة العيد" in page.text
        assert "Not asked while closed." in page.text
        trial = await manager.get("/rota-trial?work=Gezeitenkunde&rota=usual")
        assert f"closed until {last:%-d %B %Y}: عطلة العيد" in trial.text

        (mark,) = page.tree.xpath("//form[contains(@action, 'closures/delete')]/input[@name='id']/@value")
        gone = await manager.post("/partners/sahil/closures/delete", {"id": mark})
        assert "عطلة العيد" not in gone.text
        assert "No known problems." in gone.text
        again = await manager.post("/partners/sahil/closures/delete", {"id": mark})
        assert again.status == 404


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        ("", "2027-01-01", "Please fill in “First day”."),
        ("2027-01-05", "2027-01-01", "or a later date."),
        ("2020-01-05", "2020-01-06", "or a later date."),
        ("5. Januar", "2027-01-05", "Please enter a date"),
    ],
)
async def test_days_that_make_no_sense_are_not_kept(gateway: Running, first: str, last: str, problem: str) -> None:
    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        page = await manager.post("/partners/sahil/closures", {"first": first, "last": last, "note": "Umzug"})

        assert page.status == 422
        assert problem in " ".join(page.tree.xpath("//span[@class='wrong']/text()"))
        assert page.tree.xpath("//input[@id='note']/@value") == ["Umzug"]
        assert "No closing days from today" in (await manager.get("/partners/sahil")).text


async def test_a_partner_is_tried_step_by_step(gateway: Running, installation: Installation) -> None:
    async def take_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(take_nothing, "127.0.0.1", 0)
    open_port = server.sockets[0].getsockname()[1]
    (installation.folder / "profiles" / "kueste.yml").write_text(
        f"""
extends: ipig
auth: [{{kind: network, networks: [127.0.0.1/32]}}]
partner: {{symbols: [KUESTE], name: Küste, channel: iso-ill}}
iso_ill: {{transport: {{address: "127.0.0.1:{open_port}"}}}}
z3950: {{address: "127.0.0.1:{free_port()}", databases: [books]}}
""",
        encoding="utf-8",
    )
    assert await gateway.gateway.reload()
    async with server, colleague(gateway, "a.lindqvist", "manager") as manager:
        page = await manager.post("/partners/kueste/test", {})

    steps = [" ".join(str(one.text_content()).split()) for one in page.tree.xpath("//ol[@class='steps']/li")]
    assert steps[0].startswith(f"Connection 127.0.0.1:{open_port}")
    assert "no connection" not in steps[0]
    assert steps[1].startswith("Catalogue answers")
    assert "z3950" in steps[1]
    assert all(step.endswith("ms") for step in steps)


async def test_testing_and_closing_is_for_those_who_look_after_partners(ruth: Colleague) -> None:
    page = await ruth.get("/partners/sahil")

    assert not page.tree.xpath("//main//form[@method='post']")
    assert (await ruth.post("/partners/sahil/test", {})).status == 403


async def test_a_wish_is_tried_and_leaves_nothing_behind(gateway: Running, ruth: Colleague) -> None:
    page = await ruth.get("/rota-trial?work=9783161484100&service=loan")

    rows = [[str(cell.text_content()) for cell in row] for row in page.tree.xpath("//main//tbody/tr")]
    assert [row[:2] for row in rows] == [
        ["مكتبة جامعة الساحل", "asked next"],
        ["Bibliothèque de Vaumarin", "skipped"],
    ]
    assert "closed until" in rows[1][2]
    assert "By “usual”" in page.text
    listed = await gateway.requests().list_requests(RequestFilter(), 10, "")
    assert listed.items == ()


async def test_what_is_not_there_is_said(ruth: Colleague) -> None:
    assert (await ruth.get("/partners/nobody")).status == 404
    assert (await ruth.get("/rotas/nobody")).status == 404
    assert (await ruth.get("/rota-trial?work=x&rota=nobody")).status == 422


async def test_a_partner_of_the_installation_that_is_held_back_is_not_reachable(installation: Installation) -> None:
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    write_yaml_file(installation.folder / "groups.yml", {"coast": {"members": "all", "mesh": True}})
    others = [{"symbol": "FJORD", "name": "Fjord"}, {"symbol": "OSLO", "name": "Åsen", "time_zone": "Europe/Nowhere"}]
    async with (
        running(installation, other_libraries=others) as gateway,
        colleague(gateway, "r.okafor", "staff") as ruth,
    ):
        page = await ruth.get("/partners")
        states = page.tree.xpath("//main//section[1]//tbody/tr//span[contains(@class, 'tag')]/text()")
        assert [str(state).strip() for state in states] == ["reachable", "not reachable"]
        partner = await ruth.get("/partners/oslo")

    assert "Its settings have errors. The library is closed until they are corrected." in partner.text
