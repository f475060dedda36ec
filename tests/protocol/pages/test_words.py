"""What patrons read: few words with a day, a promise they can count on, and all of it in their own language."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.patron_status import PatronStatus
from gateway.services.letters.own_words import shipped_words
from gateway.web.pages.request_status import STATUS_TEXTS
from tests.protocol.pages.support import BOOK, Answer, Running, Visitor, running, visitor
from tests.protocol.pages.test_own_requests import act_as_staff, send_request
from tests.support.daemon import Installation
from tests.support.extracted_texts import read_texts_of
from tests.support.pseudo_catalogue import is_translated, make_pseudo_catalogue

PAGES = Path(__file__).parents[3] / "gateway" / "web" / "pages"

RULES = {"services": {"usual_days": {"loans": {"least": 5, "most": 8}}}}

LIBRARY_WORDS = re.compile(r"\b(ILL|rota|supplier|interlibrary|partner)s?\b", re.IGNORECASE)


def tags_of(page: Answer) -> list[str]:
    return [" ".join(one.itertext()).strip() for one in page.tree.xpath("//main//span[contains(@class, 'tag')]")]


def rows_of(page: Answer) -> dict[str, str]:
    names, values = (page.tree.xpath(f"//dl//{one}") for one in ("dt", "dd"))
    return {name.text_content(): value.text_content() for name, value in zip(names, values, strict=True)}


def said_of_first(page: Answer) -> str:
    return " ".join(page.tree.xpath("//ul[@class='requests']/li[1]/p[2]")[0].text_content().split())


async def test_a_request_is_one_word_with_its_day(gateway: Running, anna: Visitor) -> None:
    today = datetime.now(gateway.requests().context.zone)
    id_ = await send_request(anna)
    listed = await anna.get("/openurl/DEMO/requests")
    assert said_of_first(listed) == f"Preparing requested on {today.day} {today:%b}"

    await act_as_staff(gateway, id_, EventKind.PATRON_ASKED, reason="edition", note="The edition of 1999?")
    asked = await anna.get("/openurl/DEMO/requests")
    assert tags_of(asked) == ["We have a question"]
    assert "1 request needs your attention." in asked.text


async def test_what_has_ended_can_be_asked_for_again(anna: Visitor) -> None:
    id_ = await send_request(anna)
    asked = await anna.get(f"/openurl/DEMO/requests/{id_}/cancel")
    fields = {name: asked.hidden(name) for name in ("csrf", "version")}
    await anna.post(f"/openurl/DEMO/requests/{id_}/cancel", fields)

    listed = await anna.get("/openurl/DEMO/requests")
    assert tags_of(listed) == ["Closed"]
    (again,) = listed.tree.xpath("//main//a[text()='Request it again']/@href")
    offered = await anna.get(again)
    assert offered.title == "De rerum nubium"
    assert offered.tree.xpath("//li[contains(@class, 'borrow')]//a")


async def test_the_confirmation_promises_when_how_and_whom(installation: Installation) -> None:
    mail = {"host": "127.0.0.1", "port": 9, "security": "none", "sender": "ill@demo.example"}
    need_by = (datetime.now(UTC) + timedelta(days=60)).date()
    async with running(installation, rules=RULES, mail=mail) as gateway, visitor(gateway) as anna:
        await anna.sign_in()
        form = {**await anna.form(link=BOOK), "service": "loan", "need_by": need_by.isoformat()}
        sent = await anna.post("/openurl/DEMO/request", form)
        number = sent.tree.xpath("string(//*[contains(@class, 'promise')]//*[contains(@class, 'number')])")
        assert await gateway.requests().find_request(number)

    said = " ".join(sent.tree.xpath("//main")[0].text_content().split())
    assert "Expected in 5 to 8 days." in said
    assert rows_of(sent)["How we will notify you"].startswith("By email to ")
    assert "@" in rows_of(sent)["How we will notify you"]
    assert f"We will notify you if no library can supply it by {need_by.day} {need_by:%B} {need_by.year}." in said
    assert [str(text) for text in sent.tree.xpath("//main//a[contains(@href, '/cancel')]/text()")] == [
        "Cancel this request"
    ]
    assert LIBRARY_WORDS.findall(said) == []


async def test_where_no_mail_is_sent_none_is_promised(anna: Visitor) -> None:
    await anna.sign_in()
    sent = await anna.post("/openurl/DEMO/request", {**await anna.form(link=BOOK), "service": "loan"})
    said = " ".join(sent.tree.xpath("//main")[0].text_content().split())
    assert rows_of(sent)["How we will notify you"] == "At the library, and under My account"
    assert "Expected in" not in said, "nobody has said how long things usually take"


async def test_days_and_languages_are_written_for_readers(anna: Visitor) -> None:
    link = "genre=article&atitle=Fog&jtitle=Annals&date=2018-03-01&rft.language=ger"
    english = await anna.get(f"/openurl?{link}")
    german = await anna.get(f"/openurl?{link}", Accept_Language="de")
    assert rows_of(english).items() >= {"Published": "1 March 2018", "Language": "German"}.items()
    assert rows_of(german).items() >= {"Erschienen": "1. März 2018", "Sprache": "Deutsch"}.items()


async def test_a_catalogue_is_all_that_another_language_needs(installation: Installation) -> None:
    """A pseudo-language that runs from right to left: each text in marks of its own."""
    folder = installation.folder / "letters"
    folder.mkdir(exist_ok=True)
    (folder / "he.po").write_text(make_pseudo_catalogue(read_texts_of(PAGES)), "utf-8")
    async with running(installation, letters={"folder": "letters"}) as gateway, visitor(gateway) as anna:
        english = await anna.get(f"/openurl?{BOOK}")
        assert ("he", "עברית") in [
            (one.get("lang"), one.text_content()) for one in english.tree.xpath("//nav//a[@hreflang]")
        ]
        pages = [
            await anna.get(path, Accept_Language="he")
            for path in (
                f"/openurl?{BOOK}",
                "/openurl/DEMO/citation",
                "/openurl/DEMO/requests",
                "/openurl/DEMO/nowhere",
            )
        ]

    for page in pages:
        assert (page.tree.get("lang"), page.tree.get("dir")) == ("he", "rtl")
        for element in page.tree.xpath("//h1 | //h2 | //main//label | //main//button | //header//nav/a[not(@lang)]"):
            assert is_translated(element), element.text_content()


def test_every_status_has_a_word_and_a_day() -> None:
    assert set(STATUS_TEXTS) == set(PatronStatus)
    assert {text.word[1] for text in STATUS_TEXTS.values()} == {
        "Preparing", "Searching", "Requested", "On its way", "Ready", "On loan", "Returned", "Completed", "Closed",
    }  # fmt: skip


def test_no_text_for_readers_has_library_words() -> None:
    said = [text.id if isinstance(text.id, str) else text.id[0] for text in read_texts_of(PAGES) if text.id]
    assert [text for text in (*said, *shipped_words().patron.values()) if LIBRARY_WORDS.search(text)] == []


async def test_what_runs_the_other_way_keeps_its_place(installation: Installation) -> None:
    """Values of a table, titles and numbers of telephones, in a page that runs from right to left."""
    folder = installation.folder / "letters"
    folder.mkdir(exist_ok=True)
    (folder / "he.po").write_text(make_pseudo_catalogue(read_texts_of(PAGES)), "utf-8")
    library = {"phone": "+41 99 555 01 00", "email": "ill@demo.example"}
    async with (
        running(installation, letters={"folder": "letters"}, library=library) as gateway,
        visitor(gateway) as anna,
    ):
        page = await anna.get(f"/openurl?{BOOK}", Accept_Language="he")

    assert page.tree.xpath("//dd/bdi"), "isolated, and no block of its own direction that would stand at the other edge"
    assert not page.tree.xpath("//dd[@dir] | //h1[@dir]")
    assert {link.get("dir") for link in page.tree.xpath("//a[starts-with(@href, 'tel:')]")} == {"ltr"}
