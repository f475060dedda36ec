"""Who somebody is: by PIN, by a proxy's header; sessions, forged forms, guessing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.clock import FixedClock
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.requests.views import RequestFilter
from gateway.store import patron_sessions
from gateway.web.html.visits import hash_token
from tests.protocol.pages.support import BOOK, PATRON, PIN, Running, Visitor, on_both, running, visitor
from tests.support.daemon import Installation


async def test_by_number_and_pin_and_back_to_where_it_was_needed(anna: Visitor) -> None:
    before = await anna.get(f"/openurl/DEMO/request?{BOOK}")
    assert before.title == "Sign in"
    token = anna.cookies["illgate_visit"]
    after = await anna.sign_in(back=before.hidden("back"))

    assert after.title == "Request from another library"
    assert anna.cookies["illgate_visit"] != token, "whoever knew the old cookie must not be signed in"
    assert PATRON not in after.url
    assert PATRON not in after.text


async def test_a_wrong_pin_and_a_wrong_number_are_told_alike(anna: Visitor) -> None:
    wrong = await anna.sign_in(password="9999")
    nobody = await anna.sign_in(user="nobody")

    assert wrong.status == nobody.status == 422
    assert wrong.tree.xpath("//*[@role='alert']//a/@href") == ["#user"]
    assert wrong.tree.xpath("//*[@aria-invalid]/@id") == ["user"]
    assert wrong.tree.xpath("string(//*[@role='alert'])") == nobody.tree.xpath("string(//*[@role='alert'])")


@on_both
async def test_who_guesses_has_to_wait_even_with_the_right_pin(gateway: Running, anna: Visitor) -> None:
    for guess in range(5):
        assert (await anna.sign_in(password=str(guess))).status == 422
    assert (await anna.sign_in()).status == 429
    async with visitor(gateway) as other:
        assert (await other.sign_in(user=f"  {PATRON} ")).status == 429, "with any browser, however it is written"
        assert (await other.sign_in(user="21000000000025")).title == "My account"


BEHIND_A_PROXY = {"http": {"port": 0, "trusted_proxies": ["127.0.0.1"]}}


async def test_a_stranger_locks_nobody_out_from_one_address(installation: Installation) -> None:
    async with running(installation, **BEHIND_A_PROXY, pages={"address_tries": 12}) as gateway:
        async with visitor(gateway, X_Forwarded_For="192.0.2.66") as stranger:
            for guess in range(30):
                await stranger.sign_in(password=str(guess))
            for number in range(30):
                assert (await stranger.sign_in(user=f"2100000000{number:04}")).status in (422, 429)
        async with visitor(gateway, X_Forwarded_For="198.51.100.7") as anna:
            assert (await anna.sign_in()).title == "My account"
            assert (await anna.sign_in(user="21000000000025")).title == "My account"


async def test_nor_does_one_who_goes_on_for_hours(installation: Installation) -> None:
    async with running(installation, **BEHIND_A_PROXY, pages={"tries": 2}) as gateway:
        pages = gateway.gateway._pages
        assert pages is not None
        clock = FixedClock(datetime(2026, 3, 1, 8, tzinfo=UTC))
        pages._parts.signing_in._authenticator._attempts._clock = clock
        async with visitor(gateway, X_Forwarded_For="192.0.2.66") as stranger:
            for _ in range(20):
                for _ in range(3):
                    await stranger.sign_in(password="0")
                clock.advance(timedelta(minutes=16))
        async with visitor(gateway, X_Forwarded_For="198.51.100.7") as anna:
            assert (await anna.sign_in()).title == "My account"


async def test_one_at_a_campus_shuts_no_browser_out_that_is_known(installation: Installation) -> None:
    """All of it has one address, whose tries are used up by one."""
    async with (
        running(installation, **BEHIND_A_PROXY, pages={"address_tries": 6}) as gateway,
        visitor(gateway, X_Forwarded_For="192.0.2.66") as anna,
        visitor(gateway, X_Forwarded_For="192.0.2.66") as stranger,
    ):
        await anna.sign_in()
        assert PATRON not in anna.cookies["illgate_visit_device"]
        for number in range(8):
            await stranger.sign_in(user=f"2100000000{number:04}", password="0")
        assert (await stranger.sign_in()).status == 429

        assert (await anna.sign_in()).title == "My account"
        assert (await anna.sign_in(user="21000000000025")).status == 429, "it is known for one patron"
        assert [(await anna.sign_in(password="0")).status for _ in range(6)] == [422] * 5 + [429]


@on_both
async def test_guessing_one_patron_from_many_addresses(installation: Installation) -> None:
    """Eight times as many as from one, in four times the time, and then nobody is let in, wherever it is."""
    async with running(installation, **BEHIND_A_PROXY, pages={"tries": 2}) as gateway:
        for place in range(8):
            async with visitor(gateway, X_Forwarded_For=f"2001:db8:{place}::66") as stranger:
                assert [(await stranger.sign_in(password="0")).status for _ in range(2)] == [422, 422]
        async with visitor(gateway, X_Forwarded_For="198.51.100.7") as anna:
            assert (await anna.sign_in()).status == 429
            assert (await anna.sign_in(user="21000000000025")).title == "My account"


@pytest.mark.parametrize(
    "trouble",
    [
        Unavailable("down for the night"),
        OutcomeUnknown("no answer"),
        Refused(RefusalReason.SENDER_AUTH_FAILED, "Who are you?"),
    ],
)
async def test_a_library_system_that_is_away_costs_no_try(gateway: Running, anna: Visitor, trouble: Exception) -> None:
    system = gateway.requests().context.system
    works = system.authenticate

    async def away(*_: object) -> None:
        raise trouble

    system.authenticate = away
    said = [await anna.sign_in() for _ in range(8)]
    system.authenticate = works

    assert {(one.status, one.title) for one in said} == {(422 if isinstance(trouble, Refused) else 503, "Sign in")}
    assert said[0].hidden("back") == "requests"
    assert (await anna.sign_in()).title == "My account"


async def test_guessing_many_numbers_from_one_address(installation: Installation) -> None:
    async with running(installation, pages={"address_tries": 4}) as gateway, visitor(gateway) as anna:
        for number in range(4):
            assert (await anna.sign_in(user=f"2100000000{number}")).status == 422
        assert (await anna.sign_in()).status == 429


@on_both
async def test_the_right_pin_forgets_the_failures(anna: Visitor) -> None:
    for _ in range(3):
        for guess in range(4):
            assert (await anna.sign_in(password=str(guess))).status == 422
        assert (await anna.sign_in()).title == "My account"


async def test_a_form_of_another_site_does_nothing(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = await anna.form()
    forged = await anna.post("/openurl/DEMO/request", {**form, "csrf": "0" * 64, "service": "loan"})
    async with visitor(gateway) as other:
        theirs = await other.get("/openurl/DEMO/sign-in")
        borrowed = await anna.post("/openurl/DEMO/request", {**form, "csrf": theirs.hidden("csrf"), "service": "loan"})

    assert forged.status == borrowed.status == 403
    assert (await anna.get("/openurl/DEMO/requests")).tree.xpath("//ul[@class='requests']") == []


@on_both
async def test_signed_out_is_signed_out_for_who_kept_the_cookie(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    kept = dict(anna.cookies)
    page = await anna.get(f"/openurl/DEMO/request?{BOOK}")
    await anna.post("/openurl/DEMO/sign-out", {"csrf": page.hidden("csrf")})
    anna.cookies = kept
    assert (await anna.get("/openurl/DEMO/requests")).title == "Sign in"


async def test_it_leads_nowhere_else(anna: Visitor) -> None:
    form = await anna.get("/openurl/DEMO/sign-in?back=//elsewhere.example")
    assert form.hidden("back") == ""
    fields = {"csrf": form.hidden("csrf"), "back": "https://elsewhere.example/", "user": PATRON, "password": PIN}
    done = await anna.post("/openurl/DEMO/sign-in", fields, follow=False)
    assert done.headers["Location"] == "/openurl/DEMO"


async def test_cookies_by_https(installation: Installation) -> None:
    http = {"port": 0, "public_url": "https://ill.library.example"}
    async with running(installation, http=http) as gateway, visitor(gateway) as anna:
        form = await anna.get("/openurl/DEMO/sign-in")
        fields = {"csrf": form.hidden("csrf"), "back": "", "user": PATRON, "password": PIN}
        done = await anna.post("/openurl/DEMO/sign-in", fields, follow=False)
        cookie, device = done.cookies
    assert cookie.startswith("__Host-illgate_visit=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert device.startswith("__Host-illgate_visit_device=")
    assert device.endswith("; Path=/; HttpOnly; Max-Age=31536000; SameSite=Lax; Secure")


async def test_a_session_is_one_librarys_and_ends_in_all(installation: Installation) -> None:
    for file in (installation.folder / "profiles").glob("*.yml"):  # each would have to say whose it is
        file.unlink()
    north = {"symbol": "NORTH", "name": "Nordbibliothek", "system": {"type": "embedded"}}
    async with running(installation, other_libraries=[north]) as gateway, visitor(gateway) as anna:
        await anna.sign_in()
        there = await anna.get("/openurl/NORTH/requests")
        kept = dict(anna.cookies)
        await anna.post("/openurl/NORTH/sign-out", {"csrf": there.hidden("csrf")})
        anna.cookies = kept
        assert there.title == "Sign in"
        assert (await anna.get("/openurl/DEMO/requests")).title == "Sign in", "one browser, one signing out"


async def test_what_was_filled_in_waits_for_signing_in_anew(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = {**await anna.form(), "service": "loan", "note": "Bitte <bald>"}
    house = gateway.requests().context
    await house.store.write(
        lambda c: patron_sessions.end_session(c, ["DEMO"], hash_token(anna.cookies["illgate_visit"]))
    )
    asked = await anna.post("/openurl/DEMO/request", form)
    hidden = {one.get("name"): one.get("value") for one in asked.tree.xpath("//main//input[@type='hidden']")}
    wrong = await anna.post("/openurl/DEMO/sign-in", {**hidden, "user": PATRON, "password": "9999"})
    again = await anna.post("/openurl/DEMO/sign-in", {**hidden, "user": PATRON, "password": PIN})
    (await_,) = again.tree.xpath("//main//form")
    done = await anna.post(await_.get("action"), dict(await_.fields))
    (request,) = await gateway.requests().list_requests(RequestFilter(), 10, "")

    assert wrong.hidden("kept.note") == "Bitte <bald>"
    assert (again.status, again.title) == (200, "You are signed in")
    assert done.title == "Request received"
    assert request.notes[0].text == "Bitte <bald>"


# --- by a proxy's word ----------------------------------------------------------------------------------------

HEADER = {"sign_in": {"password": False, "header": {"name": "X-Patron", "proxies": ["127.0.0.1"]}}}


async def test_a_proxy_says_who_it_is(installation: Installation) -> None:
    async with running(installation, library=HEADER) as gateway, visitor(gateway) as anna:
        assert (await anna.get("/openurl/DEMO/requests", X_Patron=PATRON)).title == "My account"
        assert (await anna.get("/openurl/DEMO/requests")).title == "Sign in", "the proxy has signed it out"
        doubted = await anna.session.get(
            f"{gateway.url}/openurl/DEMO/requests", headers=[("X-Patron", PATRON), ("X-Patron", "21000000000025")]
        )
        assert "<h1>Sign in</h1>" in await doubted.text(), "one of the two is the browser's own"
        odd = await anna.session.get(f"{gateway.url}/openurl/DEMO/requests", headers={"X-Patron": "M\udcfcller"})
        assert odd.status == 403
        unknown = await anna.get("/openurl/DEMO/requests", X_Patron="nobody")
        assert (unknown.status, unknown.title) == (403, "Sign in")


async def test_who_may_not_be_looked_up_is_not_called_unknown(installation: Installation) -> None:
    async def refuse(*_: object) -> None:
        raise Refused(RefusalReason.SENDER_AUTH_FAILED, "Who are you?")

    async with running(installation, library=HEADER) as gateway, visitor(gateway) as anna:
        gateway.requests().context.system.find_patron = refuse
        said = await anna.get("/openurl/DEMO/requests", X_Patron=PATRON)

    assert (said.status, said.title) == (422, "Sign in")


async def test_nobody_else_can_say_so(installation: Installation) -> None:
    library = {"sign_in": {"header": {"name": "X-Patron", "proxies": ["192.0.2.7"]}}}
    async with running(installation, library=library) as gateway, visitor(gateway) as anna:
        assert (await anna.get("/openurl/DEMO/requests", X_Patron=PATRON)).title == "Sign in"
