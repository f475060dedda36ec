"""`/` and paths that don't exist."""

from __future__ import annotations

import pytest

from gateway.domain.problems import Unavailable
from gateway.services.patrons.patron_requests import PatronRequestService
from gateway.store.peer_keys import add_peer_key
from tests.protocol.pages.support import Running, Visitor, running, visitor
from tests.support.daemon import Installation
from tests.support.peer_tokens import make_peer_key
from tests.support.yaml_files import read_yaml_file


async def test_the_root_leads_on(anna: Visitor) -> None:
    page = await anna.get("/")
    assert (page.status, page.title) == (200, "Books and articles")
    links = [str(link) for link in page.tree.xpath("//main//a/@href")]
    assert {"/openurl/DEMO/citation", "/openurl/DEMO/requests", "/staff", "/staff/help", "/api/v1/docs"} == set(links)
    for link in links:
        assert (await anna.get(link)).status == (403 if link == "/staff" else 200)  # there is no user yet
    assert (await anna.session.head(f"{anna.base}/")).status == 200
    assert (await anna.get("/", Accept_Language="de")).title == "Bücher und Aufsätze"


@pytest.mark.parametrize("path", ["/nowhere", "/openurl/DEMO/nowhere", "/openurl/DEMO/requests/"])
async def test_a_wrong_path_gets_a_page_with_a_way_on(path: str, anna: Visitor) -> None:
    page = await anna.get(path)
    assert (page.status, page.title) == (404, "Page not found")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Content-Security-Policy"]
    for link in page.tree.xpath("//main//a/@href"):
        assert (await anna.get(link)).status == 200
    assert page.tree.xpath("//main//a/@href")


async def test_a_wrong_path_knows_who_is_signed_in(anna: Visitor) -> None:
    await anna.sign_in()
    page = await anna.get("/openurl/DEMO/nowhere", Accept_Language="de")
    assert page.title == "Seite nicht gefunden"
    assert page.tree.xpath("//nav//a[text()='Mein Konto']")


async def test_programs_get_their_own_answers(anna: Visitor) -> None:
    for path in ("/api/v1/nowhere", "/api/nowhere"):
        page = await anna.get(path)
        assert page.status == 404
        assert "text/html" not in page.headers["Content-Type"]
    posted = await anna.post("/nowhere", b"<NCIPMessage/>", Content_Type="application/xml")
    assert (posted.status, "text/html" in posted.headers["Content-Type"]) == (404, False)
    assert (await anna.get("/readyz")).status == 200


async def test_of_several_libraries_one_is_chosen(installation: Installation) -> None:
    first = read_yaml_file(installation.config)["libraries"][0]
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    second = {**first, "symbol": "FJORD", "name": "Bibliothèque du Fjord"}
    async with running(installation, other_libraries=[second]) as gateway, visitor(gateway) as anna:
        page = await anna.get("/")
        assert page.status == 200
        assert "/openurl/FJORD/citation" in page.tree.xpath("//main//a/@href")
        chosen = await anna.get("/openurl")
        assert (chosen.status, chosen.title) == (200, "Which library do you belong to?")
        assert all("Bibliothèque du Fjord" in one.text for one in (page, chosen))
        assert (await anna.get("/nowhere")).status == 404
        assert (await anna.get("/openurl/DEMO/nowhere")).title == "Page not found"


async def test_a_library_that_is_held_back_is_away_for_now(installation: Installation) -> None:
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    wrong = {"symbol": "FJORD", "name": "Bibliothèque du Fjord", "time_zone": "Europe/Nowhere"}
    async with running(installation, other_libraries=[wrong]) as gateway, visitor(gateway) as anna:
        assert (await anna.get("/openurl/FJORD/?genre=book&title=Sult")).status == 503
        assert (await anna.get("/openurl/NOBODY/?genre=book&title=Sult")).status == 404
        assert (await anna.get("/openurl/DEMO/?genre=book&title=Sult")).status == 200
        chosen = await anna.get("/openurl")
        assert chosen.title == "Which library do you belong to?", "nobody is led to another library"


async def test_a_page_that_fails_can_be_opened_again(
    gateway: Running, anna: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> None:
        raise Unavailable("the database is away")

    await anna.sign_in()
    monkeypatch.setattr(PatronRequestService, "list_requests", fail)
    page = await anna.get("/openurl/DEMO/requests?cursor=x")

    assert (page.status, page.title) == (503, "Not available now")
    assert page.tree.xpath("//main//a[text()='Try again']/@href") == ["/openurl/DEMO/requests?cursor=x"]


async def test_without_pages_there_are_none(installation: Installation) -> None:
    async with running(installation, pages={"enabled": False}) as gateway, visitor(gateway) as anna:
        page = await anna.get("/openurl")
        assert (page.status, "text/html" in page.headers["Content-Type"]) == (404, False)
        assert "/openurl" not in (await anna.get("/")).text


async def test_the_root_changes_its_language(anna: Visitor) -> None:
    page = await anna.get("/?ui_language=de")
    assert page.title == "Bücher und Aufsätze"
    assert page.url.endswith("/")
    assert (await anna.get("/openurl/DEMO/citation")).tree.get("lang") == "de"


async def test_without_pages_of_staff_none_are_offered(installation: Installation) -> None:
    async with running(installation, staff={"enabled": False}) as gateway, visitor(gateway) as anna:
        assert "/staff" not in (await anna.get("/")).text
        assert (await anna.get("/staff")).status == 404


async def test_public_keys_are_there_once_there_are_keys(gateway: Running, anna: Visitor) -> None:
    assert (await anna.get("/.well-known/jwks.json")).status == 404
    await gateway.gateway.managed.peer_keys._store.write(lambda c: add_peer_key(c, make_peer_key("DEMO")))
    gateway.gateway.managed.peer_keys._read_at = None  # as 15 seconds later
    page = await anna.get("/.well-known/jwks.json")
    assert (page.status, page.headers["Cache-Control"]) == (200, "public, max-age=300")
    assert '"kid": "k1", "use": "sig", "alg": "RS256"' in page.text
