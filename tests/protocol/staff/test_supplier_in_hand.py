"""Whoever looks at a request that a broker passes on sees the library that has it, and where its item goes back to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.cli.request_views import format_request_lines
from gateway.domain.requests.events import EventKind, NamedSupplier
from gateway.domain.requests.print_batches import PrintKind
from gateway.domain.requests.request import Request
from gateway.services.exchange.circulation_link import advise_return
from gateway.services.letters.renderer import SlipFacts
from gateway.web.api.models.outputs import RequestOut
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.request_scenes import (
    RULES,
    act,
    add_partners,
    hear_partner,
    library_context,
    make_asked,
    reload_request,
)
from tests.protocol.staff.support import Colleague
from tests.support.daemon import Installation

K = EventKind
ELM = NamedSupplier(symbol="ELM")
OAK = NamedSupplier(symbol="OAK", name="Oak Library", address="Oak Street 1\n8000 Oakham")
BROKER = "Am Speicher 4"
"""Of the partner's address in its profile."""


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    async with running(installation, rules=RULES) as one:
        yield one


async def make_returned(gateway: Running, sender: NamedSupplier) -> Request:
    """Elm can't, the other one lends it, and it goes back."""
    request = await make_asked(gateway)
    await hear_partner(gateway, request, K.EXPECT_TO_SUPPLY, supplier=ELM)
    await hear_partner(gateway, request, K.FORWARDED, supplier=ELM, reason="not-on-shelf", note="missing")
    await hear_partner(gateway, request, K.EXPECT_TO_SUPPLY, supplier=NamedSupplier(symbol=sender.symbol))
    await hear_partner(gateway, request, K.SHIPPED, supplier=sender, barcode="O-1")
    await act(gateway, request, K.RECEIVED)
    await act(gateway, request, K.RETURNED)
    return await reload_request(gateway, request)


async def test_the_request_s_page_names_it_with_its_address(gateway: Running, ruth: Colleague) -> None:
    request = await make_returned(gateway, OAK)
    page = await ruth.get(f"/requests/{request.number}")
    text = " ".join(page.tree.xpath("//main")[0].text_content().split())
    assert "Return addressOak Street 1, 8000 Oakham" in text
    assert "Supplier: Oak Library (OAK)." in text
    assert "ELM: not on the shelf; missing." in text
    assert "ELM via Universität Altenried cannot supply, so the next library is asked" in text
    assert "OAK via Universität Altenried shipped the item" in text
    assert BROKER not in text


async def test_commands_and_programs_see_it(gateway: Running) -> None:
    request = await make_returned(gateway, OAK)
    context = library_context(gateway)
    view = await gateway.requests().load_view(request.id)
    lines = "\n".join(format_request_lines(view, context.zone))
    assert "supplier:        OAK (Oak Library)" in lines
    assert "return to:       Oak Street 1\n                   8000 Oakham" in lines
    assert BROKER not in lines
    (attempt,) = RequestOut.from_request(request).attempts
    assert (attempt.supplier.symbol, attempt.supplier.address) == ("OAK", "Oak Street 1\n8000 Oakham")
    assert [(one.symbol, one.reason, one.note) for one in attempt.former] == [("ELM", "not-on-shelf", "missing")]


@pytest.mark.parametrize(
    ("sender", "name", "address"),
    [(OAK, "Oak Library", "Oak Street 1\n8000 Oakham"), (NamedSupplier(symbol="IVY"), "IVY", "IVY")],
    ids=["address", "symbol alone"],
)
async def test_the_item_goes_back_to_it(gateway: Running, sender: NamedSupplier, name: str, address: str) -> None:
    request = await make_returned(gateway, sender)
    printing = gateway.gateway.managed.libraries["DEMO"].printing
    batch = await printing.make_batch(PrintKind.RETURN_SLIPS, "staff:ruth")
    (sheet,) = await printing.build_sheets(batch)
    assert (sheet.partner.name, sheet.partner.address) == (name, address)
    context = library_context(gateway)
    slip = printing.letters.render_slip("return", request, None, context.info, context.zone, context.now(), SlipFacts())
    assert f"RETURN TO: {name}" in slip.text
    assert address.splitlines()[-1] in slip.text
    assert BROKER not in slip.text
    volume = request.volumes[0]
    advice = advise_return(request, volume.barcode)
    assert advice is None or name in repr(advice)
