"""Links in, as discovery systems and databases send them, and the page that comes of it."""

from __future__ import annotations

from urllib.parse import urlencode

from gateway.domain.library import Bib, RecordId
from gateway.domain.problems import Unavailable
from tests.protocol.pages.support import BOOK, OURS, Running, Visitor, running, visitor
from tests.support.daemon import Installation

FORM = "application/x-www-form-urlencoded"


async def test_a_link_by_get(anna: Visitor) -> None:
    page = await anna.get(f"/openurl?{BOOK}")

    assert page.status == 200
    assert page.title == "De rerum nubium"
    assert page.headers["Cache-Control"] == "no-store"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not page.tree.xpath("//script[not(@src)] | //style | //*[@style] | //*[starts-with(@src, 'http')]")


async def test_a_link_by_post_and_one_by_both(anna: Visitor) -> None:
    posted = await anna.post("/openurl/DEMO", BOOK.encode(), Content_Type=FORM)
    both = await anna.post("/openurl?genre=book", b"title=Nubes", Content_Type=FORM)

    assert posted.title == "De rerum nubium"
    assert both.title == "Nubes"


async def test_a_very_long_link_gets_through_to_the_form(anna: Visitor) -> None:
    page = await anna.get(f"/openurl?{BOOK}&rft.place=Roma&notes={'n%20' * 4_000}&edition={'E' * 9_000}")
    assert page.title == "De rerum nubium"
    assert page.headers["Referrer-Policy"] == "no-referrer", "as a header it would be too long"
    form = await anna.sign_in(
        back="request?" + page.tree.xpath("//a[contains(@href, '/request?')]/@href")[0].partition("?")[2]
    )
    assert form.title == "Request from another library"


async def test_who_asks_is_neither_believed_nor_passed_on(anna: Visitor) -> None:
    page = await anna.get(f"/openurl?{BOOK}&req_id=mailto:ana@library.example&req_dat=21000000000017")

    assert "ana@library.example" not in "".join(page.tree.xpath("//main//@href"))
    assert "21000000000017" not in page.text
    request = await anna.get(page.tree.xpath("//a[contains(@class, 'button')]/@href")[0])
    assert request.title == "Sign in"


async def test_what_was_not_understood_is_shown_and_is_text(anna: Visitor) -> None:
    page = await anna.get("/openurl?title=%3Cb%3EWolken%3C/b%3E&genre=book&%3Cscript%3E=1")

    assert not page.tree.xpath("//main//b | //main//script")
    assert "could not be read" in page.text
    assert page.tree.xpath("//details//li[contains(., 'script')]")


async def test_nothing_cited_opens_the_blank_form(anna: Visitor) -> None:
    assert (await anna.get("/openurl")).title == "What are you looking for?"


async def test_a_link_that_is_nothing_at_all(anna: Visitor) -> None:
    page = await anna.post("/openurl", b"<context-object", Content_Type="application/xml")
    assert (page.status, page.title) == (400, "We cannot read this link")


async def test_the_blank_form_becomes_a_link(anna: Visitor) -> None:
    fields = {
        "do": "go",
        "type": "chapter",
        "title": "Handbuch der Wolken",
        "component_title": "Über den Nebel",
        "isbn": "9780306406157",
        "pages": "12-40",
    }
    page = await anna.post("/openurl/DEMO/citation", fields)

    assert page.title == "Über den Nebel"
    assert "Handbuch der Wolken" in page.text
    assert "12-40" in page.text


async def test_a_look_is_all_that_a_head_gets(anna: Visitor) -> None:
    seen = await anna.session.head(f"{anna.base}/openurl/DEMO/?{BOOK}")
    assert (seen.status, await seen.read()) == (200, b"")
    assert seen.headers["Server"] == "illgate"
    assert (await anna.session.head(f"{anna.base}/openurl/DEMO/sign-in/provider")).status == 405


async def test_marks_that_turn_the_writing_around_are_gone(anna: Visitor) -> None:
    turned = "Wolken\u202eneklow\u2066"
    page = await anna.get(f"/openurl?{urlencode({'genre': 'book', 'title': turned, 'au': turned, turned: '1'})}")
    form = await anna.get(f"/openurl/DEMO/citation?{urlencode({'title': turned})}")

    assert page.title == "Wolkenneklow"
    assert not set("\u202e\u2066") & set(page.text + form.text)


async def test_a_link_that_is_longer_than_an_address_may_be(anna: Visitor) -> None:
    page = await anna.post("/openurl/DEMO", f"{BOOK}&rft.notes={'n' * 150_000}".encode(), Content_Type=FORM)

    assert page.title == "De rerum nubium"
    assert max(map(len, page.tree.xpath("//@href"))) < 24_000


async def test_what_could_not_be_read_is_said_where_it_can_be_entered(anna: Visitor) -> None:
    broken = "/openurl/DEMO?url_ver=Z39.88-2004&sid=db&url_ctx_val=%3Cbroken"
    page, german = await anna.get(broken), await anna.get(broken, Accept_Language="de")

    assert (page.status, page.title) == (200, "What are you looking for?")
    assert "does not identify an item" in page.text
    assert page.tree.xpath("//main//li/text()") == ["url_ctx_val: line 1, column 8: not well-formed XML"]
    assert german.tree.xpath("//main//li/text()") == ["url_ctx_val: Zeile 1, Spalte 8: kein wohlgeformtes XML"]


async def test_a_link_with_very_many_numbers_asks_for_a_few(gateway: Running, anna: Visitor) -> None:
    system, asked = gateway.requests().context.system, []
    works = system.find_bib

    async def find_bib(number: RecordId) -> Bib:
        asked.append(number.value)
        found: Bib = await works(number)
        return found

    system.find_bib = find_bib
    many = "&".join(f"rft_id=info:oclcnum/{number}" for number in range(1_000, 1_200))
    assert (await anna.get(f"/openurl/DEMO?{BOOK}&{many}")).status == 200
    assert 0 < len(asked) <= 6


async def test_catalogues_that_do_not_answer(gateway: Running, anna: Visitor) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("no catalogue answers")

    pages = gateway.gateway._pages
    assert pages is not None
    pages._parts.libraries["DEMO"].offering._look_up = away
    fields = {"do": "look-up", "type": "book", "number": "9780306406157", "title": "Nubes"}
    page = await anna.post("/openurl/DEMO/citation", fields)

    assert page.status == 422
    assert "The catalogues are not responding" in page.tree.xpath("string(//div[@role='alert'])")
    assert page.tree.xpath("//input[@id='title']/@value") == ["Nubes"]


async def test_a_form_that_cites_nothing_says_so(anna: Visitor) -> None:
    page = await anna.post("/openurl/DEMO/citation", {"do": "go", "type": "book"})

    assert page.status == 422
    (field,) = page.tree.xpath("//input[@id='title']")
    assert field.get("aria-invalid") == "true"
    (said,) = page.tree.xpath(f"//*[@id='{field.get('aria-describedby')}']")
    assert said.text == "Please enter a title or a number."


async def test_a_number_that_nobody_knows_is_kept(anna: Visitor) -> None:
    page = await anna.post("/openurl/DEMO/citation", {"do": "look-up", "type": "book", "number": "9780306406157"})

    assert page.status == 422
    assert page.tree.xpath("//input[@id='isbn']/@value") == ["9780306406157"]


async def test_languages(anna: Visitor) -> None:
    german = await anna.get(f"/openurl?{BOOK}", Accept_Language="fr, de-AT;q=0.8, en;q=0.5")
    assert german.tree.get("lang") == "de"
    assert "Aus einer anderen Bibliothek bestellen" in german.text

    chosen = await anna.get(f"/openurl?{BOOK}&ui_language=en", follow=False, Accept_Language="de")
    assert chosen.status == 303
    assert "ui_language" not in chosen.headers["Location"]
    assert (await anna.get(f"/openurl?{OURS}", Accept_Language="de")).tree.get("lang") == "en"
    written_otherwise = await anna.get(f"/openurl?{BOOK}&ui%5Flanguage=de", follow=False)
    assert "anguage" not in written_otherwise.headers["Location"], "or it would lead to itself for ever"


async def test_words_of_the_librarys_own_and_a_mistake_in_them(installation: Installation) -> None:
    own = installation.folder / "letters" / "en" / "openurl.yml"
    own.parent.mkdir(parents=True)
    own.write_text("texts: {borrow-title: Interlibrary loan}\n", encoding="utf-8")
    async with running(installation, letters={"folder": "letters"}) as gateway, visitor(gateway) as anna:
        good = await anna.get(f"/openurl?{BOOK}")
        own.write_text("texts: [no, list]\n", encoding="utf-8")
        kept = await anna.get(f"/openurl?{BOOK}")

    assert "Interlibrary loan" in good.text
    assert (kept.status, "Interlibrary loan" in kept.text) == (200, True)


async def test_several_libraries_have_an_address_each(installation: Installation) -> None:
    for file in (installation.folder / "profiles").glob("*.yml"):  # each would have to say whose it is
        file.unlink()
    other = {"symbol": "NORTH", "name": "Nordbibliothek", "system": {"type": "embedded"}}
    async with running(installation, other_libraries=[other]) as gateway, visitor(gateway) as anna:
        chosen = await anna.get(f"/openurl?{BOOK}")
        page = await anna.get(chosen.tree.xpath("//main//a[contains(., 'Nord')]/@href")[0])
        unknown = await anna.get("/openurl/SOUTH")

    assert chosen.title == "Which library do you belong to?"
    assert page.title == "De rerum nubium"
    assert "Nordbibliothek" in page.text
    assert unknown.status == 404


async def test_a_library_has_words_of_its_own(installation: Installation) -> None:
    for file in (installation.folder / "profiles").glob("*.yml"):  # each would have to say whose it is
        file.unlink()
    words = installation.folder / "north" / "en" / "openurl.yml"
    words.parent.mkdir(parents=True)
    words.write_text("texts: {borrow-title: From another library}\n", encoding="utf-8")
    north = {"symbol": "NORTH", "system": {"type": "embedded"}, "letters": {"folder": "north"}}
    async with running(installation, other_libraries=[north]) as gateway, visitor(gateway) as anna:
        ours = await anna.get(f"/openurl/DEMO?{BOOK}")
        theirs = await anna.get(f"/openurl/NORTH?{BOOK}")

    assert "From another library" in theirs.text
    assert "From another library" not in ours.text


async def test_in_a_frame_of_sites_that_may(installation: Installation) -> None:
    pages = {"embed_in": ["https://discovery.library.example"]}
    http = {"port": 0, "public_url": "https://ill.library.example"}
    rules = {"services": {"links": [{"name": {"en": "Full text"}, "url": "https://books.example/{isbn}"}]}}
    async with running(installation, pages=pages, http=http, rules=rules) as gateway, visitor(gateway) as anna:
        page = await anna.get(f"/openurl?{BOOK}")

    assert "Full text" in page.text
    assert page.tree.xpath("//a[@rel='noreferrer']/@target") == ["_top"], "few sites can be shown in a frame"
    assert "frame-ancestors https://discovery.library.example" in page.headers["Content-Security-Policy"]
    (cookie,) = page.cookies
    assert cookie.startswith("__Host-illgate_visit=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=None; Secure; Partitioned")


async def test_switched_off(installation: Installation) -> None:
    async with running(installation, pages={"enabled": False}) as gateway, visitor(gateway) as anna:
        assert (await anna.get("/openurl")).status == 404


async def test_our_catalogue_is_away(gateway: Running, anna: Visitor) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("down for the night")

    house = gateway.requests().context
    house.system.find_bib = away
    page = await anna.get(f"/openurl?{OURS}")

    assert "cannot check our catalogue" in page.text
    assert page.tree.xpath("//li[contains(@class, 'borrow')]")
