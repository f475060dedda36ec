"""Partners and rotas as staff see them: how each stands in a sentence, what is open with it, who is asked when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

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
    assert rows == ["Bibliothèque de Vaumarin closed mail 0 0", "مكتبة جامعة الساحل as usual mail 0 0"]


async def test_a_partner_says_how_it_is_reached_and_when_it_is_closed(ruth: Colleague) -> None:
    page = await ruth.get("/partners/vaumarin")

    text = " ".join(str(page.tree.xpath("//main")[0].text_content()).split())
    assert "It is not asked while it is closed." in text
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

    assert "Taken where no rule fits." in page.text
    names = [str(one.text_content()) for one in page.tree.xpath("//tbody/tr/td[2]")]
    assert names == ["Bibliothèque de Vaumarin", "مكتبة جامعة الساحل"]


async def test_what_is_not_there_is_said(ruth: Colleague) -> None:
    assert (await ruth.get("/partners/nobody")).status == 404
    assert (await ruth.get("/rotas/nobody")).status == 404
