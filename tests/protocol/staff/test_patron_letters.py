"""A letter that staff write to a patron: begun with a template, edited, and sent as other letters are."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest
from sqlalchemy import inspect, select, table

from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.requests.events import EventKind, RequestEnding
from gateway.domain.requests.partner_policy import STAFF_LETTER
from gateway.domain.requests.request import PatronLink, Request
from gateway.domain.roles import RIGHTS, Right, StaffRole
from gateway.ports.shared_store import Transaction
from gateway.services.letters.renderer import LetterRenderer
from tests.protocol.pages.support import PATRON, Answer, Running, running, visitor
from tests.protocol.staff.request_scenes import (
    RULES,
    act,
    add_partners,
    hear_partner,
    library_context,
    make_asked,
    make_borrowing,
    make_lending,
)
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

READER_EMAIL = "reader01@library.example"

MAIL = {"host": "127.0.0.1", "port": 1, "security": "none", "sender": "ill@demo.example"}

OWN_TEMPLATE = """{% set subject %}Abholung am Samstag{% endset %}
Samstags ist der Eingang an der Hafenstraße offen.
"""


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    folder = installation.folder / "letters" / "beginning"
    folder.mkdir(parents=True)
    (folder / "saturday.j2").write_text(OWN_TEMPLATE, encoding="utf-8")
    async with running(installation, rules=RULES, mail=MAIL) as one:
        yield one


def text(page: Answer, xpath: str) -> str:
    return " ".join(page.tree.xpath(f"string({xpath})").split())


def read_fields(page: Answer) -> dict[str, str]:
    (form,) = page.tree.xpath("//main//form[@data-once]")
    fields = {str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input[@name]")}
    return {**fields, "note": str(form.xpath("string(.//textarea[@name='note'])"))}


async def test_a_letter_begins_with_a_template_in_the_language_of_the_patron(gateway: Running, ruth: Colleague) -> None:
    german = PatronLink(identifier=PATRON, language="de")
    request = await make_borrowing(gateway, patron=german)
    page = await ruth.get(f"/requests/{request.number}")
    (path,) = page.tree.xpath("//section[@aria-labelledby='reader']//a[contains(@href, '/act/patron-message')]/@href")

    page = await ruth.browser.get(str(path))
    assert page.title == "Write to the patron"
    assert read_fields(page)["note"] == ""
    (longer,) = page.tree.xpath("//main//a[.='Your request takes longer']/@href")
    page = await ruth.browser.get(str(longer))

    begun = read_fields(page)
    assert begun["reason"] == "Ihre Bestellung dauert länger"
    assert begun["note"].startswith(f"Sie haben „{request.citation.short}“ bestellt.")
    assert text(page, "//p[@class='told']") == "Notified: The patron, by email."


async def test_it_is_edited_sent_and_kept_in_the_history(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/patron-message?begin=edition")
    fields = read_fields(page) | {"note": "Die zweite Auflage ist vergriffen.\nReicht die dritte?"}

    done = await ruth.post(f"/requests/{request.number}/act/patron-message", fields)

    assert text(done, "//div[@id='banner']") == "The letter is being sent to the patron."
    story = [line.text_content() for line in done.tree.xpath("//ol[@class='timeline']//p[1]/bdi")]
    assert "Wrote to the patron" in story
    assert "Reicht die dritte?" in text(done, "//ol[@class='timeline']")
    notices = gateway.gateway.managed.libraries["DEMO"].notices
    notice = next(one for one in await notices.list_notices(request.id, 10, "") if one.letter == STAFF_LETTER)
    letter = await notices.render_notice(notice.id)
    assert letter.subject == f"Welche Ausgabe oder welcher Band? ({request.number})"
    assert "Reicht die dritte?" in letter.text


async def test_a_preview_shows_the_letter_as_it_is_sent_and_sends_nothing(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway, patron=PatronLink(identifier=PATRON, language="de"))
    action = f"/requests/{request.number}/act/patron-message"
    notices = gateway.gateway.managed.libraries["DEMO"].notices
    before = await gateway.requests().load_view(request.id)
    letters = (await notices.list_notices(request.id, 10, "")).items
    fields = read_fields(await ruth.get(f"{action}?begin=edition")) | {"note": "Die zweite Auflage ist vergriffen."}

    page = await ruth.post(action, {**fields, "preview": "yes"})

    assert page.status == 200
    values = [value.text_content() for value in page.tree.xpath("//section[@id='preview']/dl/dd")]
    assert values == [READER_EMAIL, "German", f"Welche Ausgabe oder welcher Band? ({request.number})"]
    shown = page.tree.xpath("string(//section[@id='preview']/blockquote)")
    assert shown.startswith("Guten Tag Ana Müller,")
    after = await gateway.requests().load_view(request.id)
    assert (after.request.version, len(after.history)) == (before.request.version, len(before.history))
    assert (await notices.list_notices(request.id, 10, "")).items == letters
    again = read_fields(page)
    assert again["note"] == "Die zweite Auflage ist vergriffen."

    await ruth.post(action, again)

    assert (await read_letter(gateway, request, STAFF_LETTER)).strip() == shown.strip()


async def test_a_letter_without_text_has_mistakes_and_no_preview(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    action = f"/requests/{request.number}/act/patron-message"

    wrong = await ruth.post(action, {**read_fields(await ruth.get(action)), "reason": "Frage", "preview": "yes"})

    assert wrong.status == 422
    assert text(wrong, "//div[@id='summary']//a") == "Please fill in “Letter”."
    assert not wrong.tree.xpath("//*[@id='preview']")


async def test_a_template_that_fails_is_named_instead_of_the_preview(
    gateway: Running, ruth: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await make_borrowing(gateway)
    action = f"/requests/{request.number}/act/patron-message"
    problem = ConfigurationProblem("letters/patron/from-staff.j2", 3, (), "unexpected end of template")

    def fail(*_: object) -> NoReturn:
        raise ConfigurationError([problem])

    fields = read_fields(await ruth.get(action)) | {"reason": "Frage", "note": "Reicht das?", "preview": "yes"}
    monkeypatch.setattr(LetterRenderer, "render_patron_letter", fail)
    page = await ruth.post(action, fields)

    assert str(problem) in text(page, "//main")
    assert read_fields(page)["note"] == "Reicht das?"
    assert not page.tree.xpath("//*[@id='preview']")


async def test_who_may_not_see_patrons_gets_no_preview(
    gateway: Running, ruth: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await make_borrowing(gateway)
    action = f"/requests/{request.number}/act/patron-message"
    monkeypatch.setitem(RIGHTS, StaffRole.STAFF, RIGHTS[StaffRole.STAFF] - {Right.PATRON_DATA})
    page = await ruth.get(action)

    assert not page.tree.xpath("//button[@name='preview']")
    refused = await ruth.post(action, {**read_fields(page), "reason": "Frage", "note": "Reicht das?", "preview": "yes"})

    assert refused.status == 403
    assert "Ana" not in refused.text
    assert (await gateway.requests().load_view(request.id)).request.version == request.version


async def test_an_empty_letter_is_not_sent(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/patron-message")

    wrong = await ruth.post(f"/requests/{request.number}/act/patron-message", read_fields(page))

    assert wrong.status == 422
    missing = [link.text_content() for link in wrong.tree.xpath("//div[@id='summary']//a")]
    assert missing == ["Please fill in “Subject”.", "Please fill in “Letter”."]
    events = [line.event.kind for line in (await gateway.requests().load_view(request.id)).history]
    assert EventKind.PATRON_MESSAGE not in events


async def test_a_template_of_the_librarys_own_is_offered_beside_ours(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/patron-message")
    (own,) = page.tree.xpath("//main//a[.='Abholung am Samstag']/@href")

    begun = read_fields(await ruth.browser.get(str(own)))

    assert begun["note"] == "Samstags ist der Eingang an der Hafenstraße offen."
    unknown = await ruth.get(f"/requests/{request.number}/act/patron-message?begin=nothing")
    assert unknown.status == 404


async def test_there_is_no_patron_of_ours_to_write_to_in_a_lending_request(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    assert "/act/patron-message" not in (await ruth.get(f"/requests/{request.number}")).text


async def read_letter(gateway: Running, request: Request, template: str) -> str:
    notices = gateway.gateway.managed.libraries["DEMO"].notices
    notice = next(one for one in await notices.list_notices(request.id, 10, "") if one.letter == template)
    return (await notices.render_notice(notice.id)).text


async def test_a_partners_words_reach_no_patron(gateway: Running) -> None:
    """They may be about somebody else, or in a language of their own."""
    request = await make_asked(gateway, patron=PatronLink(identifier=PATRON, language="en"))
    await act(gateway, request, EventKind.CANCEL, note="Please tell Mrs Øverby")
    words = "Fru Øverby has already returned it twice"

    await hear_partner(gateway, request, EventKind.CANCEL_ACCEPTED, note=words, reason=words)

    letter = await read_letter(gateway, request, "cancelled")
    assert "This request has been cancelled." in letter
    assert "verby" not in letter


async def test_what_staff_write_to_the_patron_when_they_close_is_in_the_letter(gateway: Running) -> None:
    request = await make_borrowing(gateway, patron=PatronLink(identifier=PATRON, language="en"))

    await act(gateway, request, EventKind.CLOSE, ending=RequestEnding.NOT_AVAILABLE, note="Try the archive in Bergen.")

    assert "Try the archive in Bergen." in await read_letter(gateway, request, "not-supplied")


@pytest.mark.parametrize(
    ("account", "has_choice"),
    [("https://ill.riverside.example/account", True), ("https://portal.riverside.example/me", False)],
)
async def test_a_letter_leads_to_the_account_and_where_it_is_ours_to_the_choice_of_notices(
    installation: Installation, account: str, has_choice: bool
) -> None:
    add_partners(installation)
    http = {"port": 0, "public_url": "https://ill.riverside.example/"}
    rules = {**RULES, "notices": {"account_url": account}}
    async with running(installation, rules=rules, http=http, mail=MAIL) as gateway, visitor(gateway) as anna:
        request = await make_borrowing(gateway, patron=PatronLink(identifier=PATRON, language="en"))
        written = await read_letter(gateway, request, "placed")
        settings = await anna.get("/openurl/DEMO/settings")

    assert f"\nMy account: {account}\n" in written
    choice = "\nChoose your notices: https://ill.riverside.example/openurl/DEMO/settings\n"
    assert (choice in written) is has_choice
    assert settings.status == 200


@pytest.mark.parametrize("public_url", ["https://ill.riverside.example/", ""])
async def test_a_question_is_previewed_without_a_link_that_works_and_nothing_is_stored_or_sent(
    installation: Installation, public_url: str
) -> None:
    add_partners(installation)
    http = {"port": 0, "public_url": public_url}
    async with (
        running(installation, rules=RULES, http=http, mail=MAIL) as gateway,
        colleague(gateway, "r.okafor", "staff") as ruth,
    ):
        request = await make_borrowing(gateway, patron=PatronLink(identifier=PATRON, language="de"))
        action = f"/requests/{request.number}/act/patron-asked"
        fields = read_fields(await ruth.get(action)) | {"reason": "edition", "note": "Reicht die dritte Auflage?"}
        store = library_context(gateway).store
        before = await store.read(read_rows)

        page = await ruth.post(action, {**fields, "preview": "yes"})

        assert await store.read(read_rows) == before, "no event, no letter, no token"
        await ruth.post(action, {**read_fields(page), "reason": "edition"})
        written = await read_letter(gateway, request, "query")

    shown = page.tree.xpath("string(//section[@id='preview']/blockquote)")
    assert "Reicht die dritte Auflage?" in shown
    assert shown.split() == re.sub("/q/.+", "/q/…", written).split()
    assert not page.tree.xpath("//section[@id='preview']//a")
    has_note = "Their links are made when it is sent" in text(page, "//section[@id='preview']")
    assert (re.findall("/q/.+", shown), has_note) == ((["/q/…", "/q/…"], True) if public_url else ([], False))


def read_rows(connection: Transaction) -> dict[str, list[str]]:
    """Read all that the store has."""
    names = inspect(connection).get_table_names()
    return {name: sorted(map(str, connection.execute(select("*").select_from(table(name))))) for name in names}


async def test_where_no_question_goes_out_there_is_no_preview_of_one(
    gateway: Running, ruth: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await make_borrowing(gateway)
    action = f"/requests/{request.number}/act/patron-asked"
    assert (await ruth.get(action)).tree.xpath("//button[@name='preview']")

    monkeypatch.setattr("gateway.services.request_work.act_forecasts.is_letter_wanted", lambda *_: False)

    assert not (await ruth.get(action)).tree.xpath("//button[@name='preview']")


async def test_letters_so_far_are_told_apart_by_what_they_are_about(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    await act(gateway, request, EventKind.PATRON_MESSAGE, reason="Abholung am Samstag", note="Der Eingang ist offen.")
    await act(gateway, request, EventKind.PATRON_ASKED, reason="edition", note="Reicht die dritte Auflage?")

    page = await ruth.get(f"/requests/{request.number}/act/patron-message")
    story = await ruth.get(f"/requests/{request.number}")

    facts = [fact.text_content() for fact in page.tree.xpath("//section[@aria-labelledby='letters']//p/bdi")]
    assert [fact for fact in facts if "mail" not in fact] == ["another edition", "Abholung am Samstag"]
    assert "another edition" in text(story, "//ol[@class='timeline']"), "no code"
