"""Dead letters at the desk: by cause, retried at once, changed after a look at the difference, skipped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from unittest.mock import AsyncMock

import pytest

from gateway.domain.library import RecordId
from gateway.domain.problems import Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty
from gateway.domain.requests.staff_views import DeadLetter
from gateway.domain.requests.views import ActionRequest
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

TITLES = ("Les digues de Vaumarin et leurs gardiens", "מפות הים התיכון בימי הביניים", "<script>alert(1)</script>")


PARTNER = """
partner:
  symbols: [ISIL:CH-VAU]
  name: Bibliothèque de Vaumarin
  email: pret@vaumarin.example
  channel: mail
"""


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    (installation.folder / "profiles" / "vaumarin.yml").write_text(PARTNER, encoding="utf-8")
    async with running(installation, rules=RULES) as one:
        yield one


@pytest.fixture
async def letters(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> tuple[DeadLetter, ...]:
    """Three, for one cause; the library's system works again."""
    managed = gateway.gateway.managed

    async def refuse(*_arguments: object, **_named: object) -> None:
        raise Refused(RefusalReason.UNAUTHORIZED_SERVICE, "The account of the gateway may not do this.")

    with monkeypatch.context() as fault:
        fault.setattr(managed.contexts["DEMO"].system, "find_bib", refuse)
        for number, title in enumerate(TITLES):
            draft = LendingDraft(
                citation=Citation(title=title, identifiers=(RecordId("isbn", "9780306406157"),)),
                requester=LibraryParty(profile="vaumarin"),
                transaction=f"LT-{number}",
            )
            await managed.libraries["DEMO"].requests.create_lending(draft)
        await managed.drain_due_work()
    return tuple((await managed.libraries["DEMO"].desk.dead_letters(50, "")).items)


@pytest.fixture
async def jun(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "j.tanaka", "operator") as somebody:
        yield somebody


async def test_what_one_fault_has_stopped_is_one_panel(letters: tuple[DeadLetter, ...], jun: Colleague) -> None:
    page = await jun.get("/outbox")

    assert page.status == 200
    (button,) = page.tree.xpath("//main//section//form//button")
    assert str(button.text_content()).startswith("Retry 3:")
    for title in TITLES:
        assert title in [str(one) for one in page.tree.xpath("//bdi[@class='work']/text()")]


async def test_a_title_of_markup_is_text(letters: tuple[DeadLetter, ...], jun: Colleague) -> None:
    assert "<script>alert" not in (await jun.get("/outbox")).text


async def test_a_cause_is_retried_in_two_clicks(
    gateway: Running, letters: tuple[DeadLetter, ...], jun: Colleague
) -> None:
    page = await jun.get("/outbox")
    fields = {name: page.hidden(name) for name in ("csrf", "kind", "target", "error")}

    after = await jun.browser.post("/staff/outbox/release", fields)

    assert "3 messages are being sent again." in after.text
    assert "All messages have been sent." in after.text
    await gateway.gateway.managed.drain_due_work()
    assert (await gateway.gateway.managed.libraries["DEMO"].desk.dead_letters(10, "")).items == ()
    again = await jun.browser.post("/staff/outbox/release", fields)
    assert "Nothing is left to retry" in again.text


async def test_one_is_skipped_with_a_reason_and_not_without(letters: tuple[DeadLetter, ...], jun: Colleague) -> None:
    place = f"/outbox/{letters[0].id}"

    bare = await jun.post(f"{place}/skip", {"reason": " "})
    assert bare.status == 422
    assert bare.tree.findtext(".//title").startswith("Error:")
    done = await jun.post(f"{place}/skip", {"reason": "asked by telephone"})

    assert "will not be sent" in done.text
    assert (await jun.get(place)).status == 404
    assert "Retry 2<" in done.text


async def test_a_row_names_the_event_of_its_message_and_leads_to_where_it_is_skipped(
    gateway: Running, jun: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed = gateway.gateway.managed
    refused = Refused(RefusalReason.INVALID_VALUE, "The address has no @.")
    monkeypatch.setattr(type(managed.contexts["DEMO"].channels["mail"]), "send", AsyncMock(side_effect=refused))
    draft = LendingDraft(citation=Citation(title=TITLES[0]), requester=LibraryParty(profile="vaumarin"))
    request = await managed.libraries["DEMO"].requests.create_lending(draft)
    refuse = ActionRequest(
        kind=EventKind.UNFILLED, details=EventDetails(reason="not-held"), actor="staff:x", version=None
    )
    await managed.libraries["DEMO"].requests.apply_action(request.id, refuse)
    await managed.drain_due_work()
    (letter,) = (await managed.libraries["DEMO"].desk.dead_letters(50, "")).items

    page = await jun.get("/outbox")

    assert page.tree.xpath("//tbody/tr/td[@data-label='Message']/text()") == ["unfilled"]
    (place,) = page.tree.xpath("//tbody//a[starts-with(., 'Skip')]/@href")
    assert place == f"/staff/outbox/{letter.id}#reason"
    assert (await jun.get(f"/outbox/{letter.id}")).tree.xpath("//form[contains(@action, '/skip')]//input[@id='reason']")
    (still,) = (await managed.libraries["DEMO"].desk.dead_letters(50, "")).items
    assert still == letter, "until a reason is given"


async def test_a_change_is_shown_before_it_goes(
    gateway: Running, letters: tuple[DeadLetter, ...], jun: Colleague
) -> None:
    place = f"/outbox/{letters[0].id}/edit"
    form = await jun.get(place)
    assert form.tree.xpath("//nav[@class='menu']//a[@aria-current]/text()") == ["Work queue"]
    assert form.tree.xpath("//form//a[text()='Go back']/@href") == [f"/staff/outbox/{letters[0].id}"]
    payload = json.loads(str(form.tree.xpath("string(//textarea[@name='payload'])")))
    changed = json.dumps({**payload, "hint": "Vaumarin"}, indent=2)

    shown = await jun.post(place, {"payload": changed})
    assert (await gateway.gateway.managed.libraries["DEMO"].desk.dead_letter(letters[0].id)).payload == letters[
        0
    ].payload
    assert '+  "hint": "Vaumarin"' in shown.tree.xpath("//pre/mark/text()")
    sent = await jun.post(place, {"payload": shown.hidden("payload"), "confirmed": "yes"})

    assert "The edited message is being sent." in sent.text
    assert (await jun.get(place)).status == 404


async def test_what_is_no_json_is_said_at_the_field(letters: tuple[DeadLetter, ...], jun: Colleague) -> None:
    wrong = await jun.post(f"/outbox/{letters[0].id}/edit", {"payload": '{"a": 1,\n oops}', "confirmed": "yes"})

    assert wrong.status == 422
    assert "from line 2, column 2." in wrong.text
    assert "oops" in wrong.text


async def test_who_looked_at_what_was_to_be_sent_is_logged(letters: tuple[DeadLetter, ...], jun: Colleague) -> None:
    await jun.get(f"/outbox/{letters[0].id}/edit")

    log = (await jun.get("/audit")).text
    assert "viewed the patron of" in log


async def test_staff_retry_but_neither_edit_nor_skip(gateway: Running, letters: tuple[DeadLetter, ...]) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.get(f"/outbox/{letters[0].id}")

        assert (await ruth.get("/outbox")).tree.xpath("//tbody//a[starts-with(., 'Skip')]") == []
        assert page.tree.xpath("//main//button/text()") == ["Retry"]
        assert (await ruth.get(f"/outbox/{letters[0].id}/edit")).status == 403
        assert "is being sent again" in (await ruth.post(f"/outbox/{letters[0].id}/release", {})).text


async def test_a_failed_message_is_sent_again_from_the_page_of_its_request(
    gateway: Running, jun: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed, said = gateway.gateway.managed, iter(["The item is not here.", ""])

    async def send(_channel: object, _message: PartnerMessage, _profile: Profile) -> DeliveryResult:
        words = next(said)
        return DeliveryResult("answered", refused=Refusal(RefusalReason.OTHER, words) if words else None)

    monkeypatch.setattr(type(managed.contexts["DEMO"].channels["mail"]), "send", send)
    draft = LendingDraft(
        citation=Citation(title=TITLES[0]), requester=LibraryParty(profile="vaumarin"), transaction="LT-9"
    )
    request = await managed.libraries["DEMO"].requests.create_lending(draft)
    await managed.drain_due_work()
    message = ActionRequest(kind=EventKind.MESSAGE, details=EventDetails(note="Bonjour"), actor="staff:x", version=None)
    await managed.libraries["DEMO"].requests.apply_action(request.id, message)
    await managed.drain_due_work()
    path = f"/requests/{request.number}"
    (refused,) = (await managed.libraries["DEMO"].requests.load_view(request.id)).refused

    page = await jun.get(path)
    assert page.tree.xpath("//section[@aria-labelledby='failed']//li/bdi/text()") == ["The item is not here."]
    (form,) = page.tree.xpath("//section[@aria-labelledby='failed']//form[.//button[contains(., 'Retry')]]")
    assert form.get("action") == f"/staff{path}/failed/{refused.id}"
    after = await jun.post(f"{path}/failed/{refused.id}", {})
    await managed.drain_due_work()

    assert "is being sent again" in after.text
    assert (await managed.libraries["DEMO"].requests.load_view(request.id)).refused == ()
    assert (await jun.get(path)).tree.xpath("//section[@aria-labelledby='failed']") == []
    assert (await jun.post(f"{path}/failed/{refused.id}", {})).status == 404
