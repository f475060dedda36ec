"""What patrons do with their own requests: cancel, renew, answer a question; each on a page that asks first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.library import Money
from gateway.domain.requests.events import EventDetails, EventKind, ReasonCodes, RequestEnding
from gateway.domain.requests.request import BorrowingState, RequestFlag
from gateway.domain.requests.task_lists import list_task_names
from gateway.domain.requests.views import ActionRequest
from gateway.store.requests import requests
from tests.protocol.pages.support import BOOK, Answer, Running, Visitor, visitor
from tests.protocol.staff.request_scenes import hear_partner

QUESTION = "Est-ce que l'édition de 1999 convient aussi ?"


async def send_request(anna: Visitor, link: str = BOOK) -> str:
    """Its id."""
    await anna.sign_in()
    sent = await anna.post("/openurl/DEMO/request", {**await anna.form(link=link), "service": "loan"})
    assert sent.title == "Request received"
    return sent.url.partition("/requests/")[2].partition("?")[0]


async def act_as_staff(gateway: Running, id_: str, kind: EventKind, **details: Any) -> None:
    await gateway.requests().apply_action(
        id_, ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:Åse", version=None)
    )


def fields_of(page: Answer) -> dict[str, str]:
    return {name: page.hidden(name) for name in ("csrf", "version")}


def acts_of(page: Answer) -> list[str]:
    return [str(text).strip() for text in page.tree.xpath("//main//a[contains(@class, 'button')]/text()")]


def groups_of(page: Answer) -> list[str]:
    """Headings of the account, without the number of requests below each."""
    return [str(text).strip() for text in page.tree.xpath("//main//h2/text()") if str(text).strip()]


async def test_the_account_has_a_short_address_and_a_door_on_every_page(gateway: Running, anna: Visitor) -> None:
    stranger = await anna.get("/openurl/DEMO/citation")
    assert stranger.tree.xpath("//nav//a[text()='My account']/@href") == ["/openurl/DEMO/requests"]
    id_ = await send_request(anna)
    account = await anna.get("/account")
    assert account.title == "My account"
    assert account.url.endswith("/openurl/DEMO/requests")
    assert (await anna.get("/account/DEMO")).title == "My account"
    assert groups_of(account) == ["In progress"]

    await act_as_staff(gateway, id_, EventKind.PATRON_ASKED, note=QUESTION)
    assert groups_of(await anna.get("/account")) == ["Questions from the library"]

    await act_as_staff(gateway, id_, EventKind.CLOSE, ending=RequestEnding.NOT_NEEDED)
    assert groups_of(await anna.get("/account")) == ["Older requests"]


async def put_price(gateway: Running, id_: str, price: Money) -> None:
    request = await gateway.requests().find_request(id_)
    costs = replace(request.costs, agreed=price, agreed_by="limit")
    priced = replace(request, version=request.version + 1, costs=costs)
    await gateway.requests().context.store.write(lambda c: requests.save_request(c, priced))


async def test_agreed_prices_are_listed(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    assert "Costs" not in groups_of(await anna.get("/account"))
    await put_price(gateway, id_, Money(Decimal("12.00"), "EUR"))
    page = await anna.get("/account")
    assert groups_of(page) == ["In progress", "Costs"]
    assert page.tree.xpath("//dl[contains(@class, 'sums')]/dd/text()") == ["€12.00"]
    assert "agreed" in page.tree.xpath("string(//dl[contains(@class, 'sums')]/dt)")
    assert "€12.00 (agreed)" in (await anna.get(f"/openurl/DEMO/requests/{id_}")).text

    second = await send_request(anna, "genre=book&title=Altera")
    await put_price(gateway, second, Money(Decimal("3.50"), "EUR"))
    page = await anna.get("/account")
    assert page.tree.xpath("//dl[contains(@class, 'sums')]/dd[@class='total']/text()") == ["€15.50"]
    await put_price(gateway, second, Money(Decimal("3.50"), "CHF"))
    assert not (await anna.get("/account")).tree.xpath("//dd[@class='total']"), "two currencies have no sum"


async def test_a_patron_cancels_after_being_asked(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    listed = await anna.get("/openurl/DEMO/requests")
    assert acts_of(listed) == ["Cancel"]

    asked = await anna.get(listed.tree.xpath("//a[text()='Cancel']/@href")[0])
    assert asked.title == "Cancel this request?"
    assert (await gateway.requests().find_request(id_)).state is BorrowingState.REVIEW, "looking does nothing"

    done = await anna.post(f"/openurl/DEMO/requests/{id_}/cancel", fields_of(asked))
    assert "Your request is cancelled." in done.text
    assert "This request has been cancelled." in done.text
    assert "Cancel" not in acts_of(done)
    view = await gateway.requests().load_view(id_)
    assert (view.request.state, view.history[-1].event.actor) == (BorrowingState.CANCELLED, "patron")

    again = await anna.post(f"/openurl/DEMO/requests/{id_}/cancel", fields_of(asked))
    assert (again.status, again.url.partition("?")[2]) == (200, f"{anna.base}?done=late".partition("?")[2])
    assert "This is no longer possible." in again.text


async def put_into(gateway: Running, id_: str, state: BorrowingState, *flags: RequestFlag) -> None:
    request = await gateway.requests().find_request(id_)
    put = replace(request, version=request.version + 1, state=state, flags=frozenset(flags))
    await gateway.requests().context.store.write(lambda c: requests.save_request(c, put))


async def test_a_cancellation_that_waits_for_its_answer_is_not_done(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    await put_into(gateway, id_, BorrowingState.CANCEL_PENDING, RequestFlag.UNWANTED)
    page = await anna.get(f"/openurl/DEMO/requests/{id_}?done=cancel")

    assert "We have asked the other library to cancel it and will tell you its answer." in page.text
    assert "Your request is cancelled." not in page.text
    assert page.tree.xpath("string(//p[span[contains(@class, 'tag')]]/span[1])").strip() == "Cancellation requested"
    assert "Cancel" not in acts_of(page)
    listed = await anna.get("/openurl/DEMO/requests", Accept_Language="de")
    assert "Wir haben um Stornierung gebeten. Die Antwort steht noch aus." in listed.text


async def test_a_refused_cancellation_is_said(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    await put_into(gateway, id_, BorrowingState.WILL_SUPPLY, RequestFlag.UNWANTED)
    listed = await anna.get("/openurl/DEMO/requests")

    assert "The other library could not cancel it. We will return it when it arrives." in listed.text
    assert listed.tree.xpath("string(//p[span[contains(@class, 'tag')]]/span[1])").strip() == "Not cancelled"
    assert acts_of(listed) == [], "it was refused already"


async def read_refusal(gateway: Running, anna: Visitor, id_: str, language: str = "en") -> str:
    """The sentence below the state on the page of the request; the day of the store's last event is left out."""
    page = await anna.get(f"/openurl/DEMO/requests/{id_}", Accept_Language=language)
    text = str(page.tree.xpath("string(//p[@class='refusal'])"))
    at = (await gateway.requests().load_view(id_)).history[-1].event.at.astimezone(gateway.requests().context.zone)
    day = f"{at.day}. Dezember {at.year}" if language == "de" else f"{at.day} {at:%B} {at.year}"
    return text.replace(day, "DAY")


async def test_a_refused_cancellation_has_its_day_and_reason(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    await put_into(gateway, id_, BorrowingState.CANCEL_PENDING, RequestFlag.UNWANTED)
    assert await read_refusal(gateway, anna, id_) == ""
    request = await gateway.requests().find_request(id_)
    await hear_partner(gateway, request, EventKind.CANCEL_REFUSED, 0, reason=ReasonCodes.OTHER)

    said = await read_refusal(gateway, anna, id_)
    assert said == "On DAY, the other library answered that it could no longer cancel it (other reasons)."
    await put_into(gateway, id_, BorrowingState.RECEIVED)
    assert await read_refusal(gateway, anna, id_) == ""


async def test_an_item_that_was_sent_before_it_could_be_cancelled_says_when(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    await put_into(gateway, id_, BorrowingState.CANCEL_PENDING, RequestFlag.UNWANTED)
    await hear_partner(gateway, await gateway.requests().find_request(id_), EventKind.SHIPPED, 0)

    said = await read_refusal(gateway, anna, id_)
    assert said == "It was sent on DAY, before the other library could cancel it."


async def test_a_refused_renewal_has_its_day_and_reason_until_there_is_other_news(
    gateway: Running, anna: Visitor
) -> None:
    id_ = await send_request(anna)
    await put_into(gateway, id_, BorrowingState.LENT)
    await act_as_staff(gateway, id_, EventKind.RENEW)
    assert await read_refusal(gateway, anna, id_) == ""
    request = await gateway.requests().find_request(id_)
    await hear_partner(gateway, request, EventKind.RENEW_REFUSED, 0, reason=ReasonCodes.HAS_REQUESTS, note="Désolé")

    said = await read_refusal(gateway, anna, id_)
    assert said == "On DAY, the lending library did not agree to renew this loan (other patrons are waiting for it)."
    page = await anna.get(f"/openurl/DEMO/requests/{id_}")
    assert page.tree.xpath("string(//blockquote)") == "Désolé"
    german = await read_refusal(gateway, anna, id_, "de")
    assert german.startswith("Am DAY hat die gebende Bibliothek der Verlängerung nicht zugestimmt (")

    due = datetime(2030, 1, 18, 22, 59, tzinfo=UTC)
    await hear_partner(gateway, request, EventKind.DUE_DATE_CHANGED, 0, due=due)
    assert await read_refusal(gateway, anna, id_) == ""


@pytest.mark.parametrize(
    ("ending", "english", "german"),
    [
        (RequestEnding.OWN_STOCK, "We have this item in our library.", "Wir haben das Medium selbst."),
        (RequestEnding.OBTAINED_ELSEWHERE, "It could be obtained in another way.", "auf anderem Weg zu bekommen"),
        (RequestEnding.DUPLICATE, "This was requested twice.", "Doppelt bestellt"),
        (RequestEnding.NOT_NEEDED, "You no longer need it.", "Sie brauchen es nicht mehr."),
        (RequestEnding.NOT_AVAILABLE, "No library can supply it.", "Keine Bibliothek kann es liefern."),
    ],
)
async def test_a_patron_reads_how_staff_have_ended_it(
    gateway: Running, anna: Visitor, ending: RequestEnding, english: str, german: str
) -> None:
    id_ = await send_request(anna)
    await act_as_staff(gateway, id_, EventKind.CLOSE, ending=ending)

    assert english in (await anna.get("/openurl/DEMO/requests")).text
    page = await anna.get(f"/openurl/DEMO/requests/{id_}", Accept_Language="de")
    assert german in page.text
    assert "Wir konnten" not in page.text


async def test_a_renewal_that_was_asked_for_is_marked(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    await put_into(gateway, id_, BorrowingState.LENT, RequestFlag.RENEWAL_PENDING)
    listed = await anna.get("/openurl/DEMO/requests")
    assert "The lending library has not answered the renewal request yet." in listed.text
    assert "On loan, renewal requested" in listed.text
    assert "Renew" not in acts_of(listed)

    await put_into(gateway, id_, BorrowingState.LENT, RequestFlag.RENEWAL_PENDING, RequestFlag.OVERDUE)
    listed = await anna.get("/openurl/DEMO/requests", Accept_Language="de")
    assert "Es ist überfällig. Die Antwort auf die Verlängerung steht noch aus." in listed.text
    await put_into(gateway, id_, BorrowingState.LENT)
    assert "renewal" not in (await anna.get("/openurl/DEMO/requests")).text


async def test_a_question_is_answered(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    await act_as_staff(gateway, id_, EventKind.PATRON_ASKED, reason="edition", note=QUESTION)

    listed = await anna.get("/openurl/DEMO/requests")
    assert QUESTION in listed.tree.xpath("string(//blockquote)")
    assert acts_of(listed) == ["Answer", "Cancel"]

    asked = await anna.get(f"/openurl/DEMO/requests/{id_}/answer")
    assert asked.title == "We have a question"
    assert QUESTION in asked.tree.xpath("string(//blockquote)")
    nothing = await anna.post(f"/openurl/DEMO/requests/{id_}/answer", fields_of(asked))
    assert nothing.status == 400
    done = await anna.post(f"/openurl/DEMO/requests/{id_}/answer", {**fields_of(asked), "answer": "yes"})

    assert "Thank you for your answer." in done.text
    query = (await gateway.requests().find_request(id_)).query
    assert query is not None
    assert query.answer == "yes"


async def test_what_has_changed_meanwhile_is_asked_anew(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    asked = await anna.get(f"/openurl/DEMO/requests/{id_}/cancel")
    await act_as_staff(gateway, id_, EventKind.NOTE, note="rang the reader")

    page = await anna.post(f"/openurl/DEMO/requests/{id_}/cancel", fields_of(asked))
    assert (page.status, page.title) == (409, "Cancel this request?")
    assert "This request has changed" in page.text
    done = await anna.post(f"/openurl/DEMO/requests/{id_}/cancel", fields_of(page))
    assert "Your request is cancelled." in done.text


async def test_what_is_not_possible_leads_to_how_it_stands(anna: Visitor) -> None:
    id_ = await send_request(anna)

    page = await anna.get(f"/openurl/DEMO/requests/{id_}/renew")
    assert "This is no longer possible." in page.text
    assert (await anna.get(f"/openurl/DEMO/requests/{id_}/approve")).status == 404


async def test_nobody_acts_for_another_or_without_the_page(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    path = f"/openurl/DEMO/requests/{id_}/cancel"
    fields = fields_of(await anna.get(path))
    assert (await anna.post(path, {**fields, "csrf": "0" * 64})).status == 403
    assert (await anna.post(path, {**fields, "version": "-1"})).status == 400

    async with visitor(gateway) as bo:
        signed_out = await bo.get(path)
        assert signed_out.title == "Sign in"
        assert signed_out.hidden("back") == f"requests/{id_}/cancel"
        await bo.sign_in("21000000000025")
        assert (await bo.get(path)).status == 404
    assert (await gateway.requests().find_request(id_)).state is BorrowingState.REVIEW


async def test_in_german(anna: Visitor) -> None:
    id_ = await send_request(anna)
    page = await anna.get(f"/openurl/DEMO/requests/{id_}/cancel", Accept_Language="de")
    assert page.title == "Diese Bestellung stornieren?"
    assert page.tree.xpath("string(//button[@type='submit' and not(@class)])") == "Ja, stornieren"


async def test_a_loan_is_renewed(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    context = gateway.requests().context
    request = await gateway.requests().find_request(id_)
    due = datetime(2030, 1, 18, 22, 59, tzinfo=UTC)
    terms = replace(request.terms, patron_due=due)
    lent = replace(request, version=request.version + 1, state=BorrowingState.LENT, terms=terms)
    await context.store.write(lambda c: requests.save_request(c, lent))

    assert acts_of(await anna.get("/openurl/DEMO/requests")) == ["Renew"]
    asked = await anna.get(f"/openurl/DEMO/requests/{id_}/renew")
    assert asked.title == "Renew this loan?"
    done = await anna.post(f"/openurl/DEMO/requests/{id_}/renew", fields_of(asked))

    assert "You have requested a renewal." in done.text
    assert "18 January 2030" in done.text
    view = await gateway.requests().load_view(id_)
    assert (EventKind.RENEW, "patron") in [(line.event.kind, line.event.actor) for line in view.history]


async def test_what_lies_on_the_shelf_is_not_wanted_any_more(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    context = gateway.requests().context
    request = await gateway.requests().find_request(id_)
    here = replace(request, version=request.version + 1, state=BorrowingState.RECEIVED)
    await context.store.write(lambda c: requests.save_request(c, here))
    listed = await anna.get("/openurl/DEMO/requests")
    assert "Cancel" in acts_of(listed)

    asked = await anna.get(listed.tree.xpath("//a[text()='Cancel']/@href")[0])
    assert "If it has been sent already, it will be returned." in asked.text
    done = await anna.post(f"/openurl/DEMO/requests/{id_}/cancel", fields_of(asked))

    assert "Your request has been cancelled. The item will be returned to the lending library." in done.text
    assert "Cancel" not in acts_of(done)
    seen = await gateway.requests().find_request(id_)
    assert (seen.state, list_task_names(seen)) == (BorrowingState.RECEIVED, ("unwanted",))


async def test_a_patron_who_does_not_want_it_any_more_answers_so(gateway: Running, anna: Visitor) -> None:
    id_ = await send_request(anna)
    await act_as_staff(gateway, id_, EventKind.PATRON_ASKED, reason="wanted", note="Voulez-vous toujours le livre ?")
    page = await anna.get(f"/openurl/DEMO/requests/{id_}/answer")
    await anna.post(f"/openurl/DEMO/requests/{id_}/answer", {**fields_of(page), "answer": "no"})
    await gateway.gateway.managed.drain_due_work()
    assert (await gateway.requests().find_request(id_)).state is BorrowingState.CANCELLED
