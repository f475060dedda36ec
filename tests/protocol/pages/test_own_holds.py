"""Reservations in the library's own system: patrons see them beside their requests, and cancel them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.library import HoldStatus
from gateway.domain.problems import Unavailable
from gateway.domain.requests.request import BorrowingState
from gateway.ports.library_system import Capability, HoldWish, PatronKey
from gateway.store.requests import requests
from gateway.web.pages import own_holds
from tests.protocol.pages.support import OURS, PATRON, Answer, Running, Visitor, on_both, visitor
from tests.protocol.pages.test_own_requests import send_request

CANNOT_CANCEL = "please contact the library"


def system_of(gateway: Running) -> Any:
    return gateway.requests().context.system


async def reserve(anna: Visitor) -> str:
    """Path of the reservation."""
    await anna.sign_in()
    done = await anna.post("/openurl/DEMO/hold", {**await anna.form("hold", OURS), "pickup": "NORTH"})
    assert done.title == "Reserved"
    return done.url.removeprefix(anna.base)


def titles(page: Answer) -> list[str]:
    return [
        one.text_content()
        for one in page.tree.xpath("//a[contains(@href, '/holds/')][not(contains(@href, '/cancel'))]")
    ]


@on_both
async def test_a_reservation_is_listed_and_cancelled(gateway: Running, anna: Visitor) -> None:
    path = await reserve(anna)
    listed = await anna.get("/openurl/DEMO/requests")
    assert titles(listed) == ["The Three-Body Problem"]
    assert "North Branch" in listed.text
    (link,) = listed.tree.xpath("//a[contains(@href, '/holds/') and contains(@href, '/cancel')]/@href")

    asked = await anna.get(link)
    assert (asked.title, link) == ("Cancel this reservation?", f"{path}/cancel")
    patron = await system_of(gateway).find_patron(PatronKey(PATRON))
    assert len(await system_of(gateway).patron_holds(patron.id)) == 1, "looking does nothing"
    fields = {name: asked.hidden(name) for name in ("csrf", "form")}
    done = await anna.post(link, fields)
    assert "Your reservation is cancelled." in done.text
    assert titles(done) == []
    assert await system_of(gateway).patron_holds(patron.id) == ()

    again = await anna.post(link, fields)
    assert "This reservation has ended already." in again.text
    assert "This reservation has ended already." in (await anna.get(link)).text


async def test_nobody_cancels_the_reservation_of_another_or_without_the_page(gateway: Running, anna: Visitor) -> None:
    path = await reserve(anna)
    assert (await anna.post(f"{path}/cancel", {"csrf": "0" * 64})).status == 403
    async with visitor(gateway) as bo:
        assert (await bo.get(f"{path}/cancel")).title == "Sign in"
        await bo.sign_in("21000000000025")
        page = await bo.get("/openurl/DEMO/requests")
        csrf = page.tree.xpath("//header//input[@name='csrf']/@value")[0]
        assert "has ended already" in (await bo.post(f"{path}/cancel", {"csrf": csrf, "form": "x"})).text
    patron = await system_of(gateway).find_patron(PatronKey(PATRON))
    assert len(await system_of(gateway).patron_holds(patron.id)) == 1


async def test_a_system_that_cannot_cancel_says_so(
    gateway: Running, anna: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await reserve(anna)
    system = system_of(gateway)
    asked = await anna.get(f"{path}/cancel")
    without = system.capabilities - {Capability.HOLD_CANCEL}
    monkeypatch.setattr(type(system), "capabilities", property(lambda _: without))

    listed = await anna.get("/openurl/DEMO/requests")
    assert titles(listed) == ["The Three-Body Problem"]
    assert not listed.tree.xpath("//a[contains(@href, '/cancel')]")
    for page in (listed, await anna.get(path), await anna.get(f"{path}/cancel")):
        assert CANNOT_CANCEL in page.text
    refused = await anna.post(f"{path}/cancel", {name: asked.hidden(name) for name in ("csrf", "form")})
    assert refused.status == 409
    patron = await system.find_patron(PatronKey(PATRON))
    assert len(await system.patron_holds(patron.id)) == 1


async def test_what_a_partners_request_hangs_on_is_for_staff(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    system = system_of(gateway)
    patron = await system.find_patron(PatronKey(PATRON))
    record = (await system.search_bibs("9780000010018"))[0]
    await system.place_hold(HoldWish(patron.id, "NORTH", request_id="ULS-7", bib_id=record.id), "partner")

    listed = await anna.get("/openurl/DEMO/requests")
    assert titles(listed) == ["The Three-Body Problem"]
    assert not listed.tree.xpath("//a[contains(@href, '/cancel')]")
    assert CANNOT_CANCEL in listed.text

    (placed,) = await system.patron_holds(patron.id)

    async def numbered_by_the_system(*_: object) -> tuple[object, ...]:
        return (replace(placed, key="", request_id="77"),)

    system.patron_holds = numbered_by_the_system
    assert (await anna.get("/openurl/DEMO/requests")).tree.xpath("//a[contains(@href, '/cancel')]")


async def test_what_waits_for_a_request_of_ours_is_no_reservation_besides(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    system = system_of(gateway)
    patron = await system.find_patron(PatronKey(PATRON))
    record = (await system.search_bibs("9780000010018"))[0]
    hold = await system.place_hold(HoldWish(patron.id, "NORTH", bib_id=record.id), "ours")
    request = await gateway.requests().find_request(id_)
    here = replace(request, version=request.version + 1, state=BorrowingState.RECEIVED, hold_id=hold.id)
    await gateway.requests().context.store.write(lambda c: requests.save_request(c, here))

    assert titles(await anna.get("/openurl/DEMO/requests")) == []
    assert (await anna.get(f"/openurl/DEMO/holds/{hold.id}")).status == 404


async def test_requests_are_shown_while_the_library_is_away_or_slow(
    gateway: Running, anna: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_request(anna)

    async def away(*_: object) -> None:
        raise Unavailable("down for the night")

    async def slow(*_: object) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(own_holds, "MAX_LIST_SECONDS", 0.05)
    for answer in (away, slow):
        system_of(gateway).patron_holds = answer
        listed = await anna.get("/openurl/DEMO/requests")
        assert listed.status == 200
        assert "De rerum nubium" in listed.text
        assert "We cannot show your reservations now." in listed.text


async def test_pickup_locations_are_asked_for_once(gateway: Running, anna: Visitor) -> None:
    await reserve(anna)
    system, asked = system_of(gateway), 0
    patron = await system.find_patron(PatronKey(PATRON))
    (hold,) = await system.patron_holds(patron.id)
    places = await system.pickup_locations()

    async def list_three(*_: object) -> tuple[object, ...]:
        return tuple(replace(hold, id=f"{hold.id}-{number}") for number in range(3))

    async def list_places() -> tuple[object, ...]:
        nonlocal asked
        asked += 1
        return tuple(places)

    system.patron_holds, system.pickup_locations = list_three, list_places
    listed = await anna.get("/openurl/DEMO/requests")
    assert (len(titles(listed)), listed.text.count("North Branch"), asked) == (3, 3, 1)


async def test_a_reservation_says_how_it_stands(gateway: Running, anna: Visitor) -> None:
    path = await reserve(anna)
    system = system_of(gateway)
    patron = await system.find_patron(PatronKey(PATRON))
    (hold,) = await system.patron_holds(patron.id)

    async def third(*_: object) -> tuple[object, ...]:
        return (replace(hold, status=HoldStatus.WAITING, position=3),)

    system.patron_holds = third
    assert "number 3 in the queue" in (await anna.get("/openurl/DEMO/requests")).text

    async def ready(*_: object) -> tuple[object, ...]:
        return (replace(hold, status=HoldStatus.READY, title="A <b>& B\u202e", ready_until=hold.placed.date()),)

    system.patron_holds = ready
    page = await anna.get(path, Accept_Language="de")
    assert "Abholbereit" in page.text or "Bereit" in page.text
    assert "We will notify you" not in (await anna.get(path)).text
    assert "A &lt;b&gt;&amp; B" in page.text
