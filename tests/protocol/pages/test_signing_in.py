"""Who somebody is: by PIN, by a proxy's header; sessions, forged forms, guessing."""

from __future__ import annotations

from tests.protocol.pages.support import BOOK, PATRON, PIN, Running, Visitor, running, visitor
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
    assert wrong.tree.xpath("string(//*[@role='alert'])") == nobody.tree.xpath("string(//*[@role='alert'])")


async def test_who_guesses_has_to_wait_even_with_the_right_pin(gateway: Running, anna: Visitor) -> None:
    for guess in range(5):
        assert (await anna.sign_in(password=str(guess))).status == 422
    assert (await anna.sign_in()).status == 429
    async with visitor(gateway) as other:
        assert (await other.sign_in(user=f"  {PATRON} ")).status == 429, "from anywhere, however it is written"
        assert (await other.sign_in(user="21000000000025")).title == "My requests"


async def test_guessing_many_numbers_from_one_address(installation: Installation) -> None:
    async with running(installation, pages={"address_tries": 4}) as gateway, visitor(gateway) as anna:
        for number in range(4):
            assert (await anna.sign_in(user=f"2100000000{number}")).status == 422
        assert (await anna.sign_in()).status == 429


async def test_the_right_pin_forgets_the_failures(anna: Visitor) -> None:
    for _ in range(3):
        for guess in range(4):
            assert (await anna.sign_in(password=str(guess))).status == 422
        assert (await anna.sign_in()).title == "My requests"


async def test_a_form_of_another_site_does_nothing(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = await anna.form()
    forged = await anna.post("/openurl/DEMO/request", {**form, "csrf": "0" * 64, "service": "loan"})
    async with visitor(gateway) as other:
        theirs = await other.get("/openurl/DEMO/sign-in")
        borrowed = await anna.post("/openurl/DEMO/request", {**form, "csrf": theirs.hidden("csrf"), "service": "loan"})

    assert forged.status == borrowed.status == 403
    assert (await anna.get("/openurl/DEMO/requests")).tree.xpath("//ul[@class='requests']") == []


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
        (cookie,) = done.cookies
    assert cookie.startswith("__Host-")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")


# --- by a proxy's word ----------------------------------------------------------------------------------------

HEADER = {"sign_in": {"password": False, "header": {"name": "X-Patron", "proxies": ["127.0.0.1"]}}}


async def test_a_proxy_says_who_it_is(installation: Installation) -> None:
    async with running(installation, library=HEADER) as gateway, visitor(gateway) as anna:
        assert (await anna.get("/openurl/DEMO/requests", X_Patron=PATRON)).title == "My requests"
        assert (await anna.get("/openurl/DEMO/requests")).title == "Sign in", "the proxy has signed it out"
        unknown = await anna.get("/openurl/DEMO/requests", X_Patron="nobody")
        assert (unknown.status, unknown.title) == (403, "Sign in")


async def test_nobody_else_can_say_so(installation: Installation) -> None:
    library = {"sign_in": {"header": {"name": "X-Patron", "proxies": ["192.0.2.7"]}}}
    async with running(installation, library=library) as gateway, visitor(gateway) as anna:
        assert (await anna.get("/openurl/DEMO/requests", X_Patron=PATRON)).title == "Sign in"
