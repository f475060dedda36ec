"""What the library has itself, as the page of a link says it, and what staff see of it."""

from __future__ import annotations

from urllib.parse import urlencode

from gateway.ports.library_system import HoldWish, PatronKey
from tests.protocol.pages.support import PATRON, Running, Visitor

OURS_BY_NUMBER = "genre=book&isbn=9780000010018"


async def test_a_title_without_a_number_is_found_on_our_shelves(anna: Visitor) -> None:
    page = await anna.get(f"/openurl?{urlencode({'genre': 'book', 'title': 'Middlemarch', 'au': 'George Eliot'})}")

    assert page.tree.xpath("//ul[@class='copies']/li")
    assert page.tree.xpath("//h3/text()")[0] == "Reserve this item"


async def test_the_title_of_what_a_number_belongs_to_is_shown_and_requested(gateway: Running, anna: Visitor) -> None:
    page = await anna.get(f"/openurl?{OURS_BY_NUMBER}")
    assert page.title == "The Three-Body Problem"
    assert "Liu, Cixin" in page.text

    await anna.sign_in()
    link = page.tree.xpath("//a[text()='Correct or complete these details']/@href")[0].partition("?")[2]
    form = await anna.form("request", link)
    sent = await anna.post("/openurl/DEMO/request", {**form, "service": "loan"})
    number = sent.tree.findtext(".//b[@class='code number']")
    assert (await gateway.requests().find_request(number)).citation.title == "The Three-Body Problem"


async def test_what_may_be_ours_is_said_so_and_shown_to_staff(gateway: Running, anna: Visitor) -> None:
    link = urlencode({"genre": "book", "title": "Middlemarch"})
    page = await anna.get(f"/openurl?{link}")
    assert "We may have this item" in page.text
    assert not page.tree.xpath("//ul[@class='copies']")

    await anna.sign_in()
    sent = await anna.post("/openurl/DEMO/request", {**await anna.form("request", link), "service": "loan"})
    kept = await gateway.requests().find_request(sent.tree.findtext(".//b[@class='code number']"))
    assert {one.title for one in kept.candidates} == {"Middlemarch"}
    assert all(one.call_number and one.barcode for one in kept.candidates)
    assert kept.warnings == (f"The library may already hold it: {len(kept.candidates)} similar records.",)
    assert kept.mediated


async def test_one_hold_takes_one_of_the_free_copies(gateway: Running, anna: Visitor) -> None:
    before = await anna.get(f"/openurl?{OURS_BY_NUMBER}")
    free = len(before.tree.xpath("//ul[@class='copies']//span[contains(@class, 'good-word')]"))
    assert free > 1
    system = gateway.requests().context.system
    record = (await system.search_bibs("9780000010018"))[0]
    place = (await system.pickup_locations())[0].code
    patron = (await system.find_patron(PatronKey(PATRON))).id
    await system.place_hold(HoldWish(patron, place, bib_id=record.id), "hold-1")

    after = await anna.get(f"/openurl?{OURS_BY_NUMBER}")
    assert len(after.tree.xpath("//ul[@class='copies']//span[contains(@class, 'good-word')]")) == free - 1
    assert "Request from another library" not in after.text
