"""How staff sign in at /staff, what keeps strangers out, and when a session ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest

from gateway.domain.clock import FixedClock
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import (
    BY_TEST,
    PASSWORD,
    Colleague,
    colleague,
    make_user,
    set_clock_of_users,
    user_service,
    wait_until_password_is_asked,
)
from tests.support.daemon import Installation

BEHIND_A_PROXY = {"http": {"port": 0, "trusted_proxies": ["127.0.0.1"]}}


async def test_without_users_nothing_is_open_and_the_page_says_how_to_make_one(gateway: Running) -> None:
    async with colleague(gateway) as somebody:
        answer = await somebody.get()

        assert answer.status == 403
        assert "illgate user add NAME --role operator" in answer.text
        assert (await somebody.get("/sign-in")).status == 403


async def test_signing_in_leads_to_the_page_that_was_asked_for(gateway: Running) -> None:
    async with colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff", shown_name="Ruth Okafor")

        asked = await ruth.get("/account?from=here", follow=False)
        assert asked.status == 303
        assert asked.headers["Location"] == "/staff/sign-in?back=%2Fstaff%2Faccount%3Ffrom%3Dhere"
        answer = await ruth.sign_in("R.Okafor", back="/staff/account?from=here")

        assert answer.title == "Your account"
        assert "Ruth Okafor" in answer.text


async def test_the_foot_of_a_page_names_the_release_to_whoever_has_signed_in(gateway: Running) -> None:
    release = f"illgate {version('illgate')}"
    async with colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff")

        assert release not in (await ruth.get("/sign-in")).text
        assert release in (await ruth.sign_in("r.okafor")).text


@pytest.mark.parametrize(("name", "password"), [("r.okafor", "falsches Passwort"), ("nobody", PASSWORD)])
async def test_a_wrong_name_and_a_wrong_password_look_the_same(gateway: Running, name: str, password: str) -> None:
    async with colleague(gateway) as stranger:
        await make_user(gateway, "r.okafor", "staff")

        answer = await stranger.sign_in(name, password)

        assert answer.status == 422
        assert "User name or password incorrect." in answer.text
        (field,) = answer.tree.xpath("//input[@id='password']")
        (described,) = answer.tree.xpath(f"//*[@id='{field.get('aria-describedby')}']/text()")
        assert described == "User name or password incorrect."
        assert answer.text.count("<title>Error:") == 1
        assert password not in answer.text


async def test_a_disabled_account_does_not_open(gateway: Running) -> None:
    async with colleague(gateway) as ruth:
        user = await make_user(gateway, "r.okafor", "staff")
        await user_service(gateway).disable_user(user, BY_TEST)

        assert "User name or password incorrect." in (await ruth.sign_in("r.okafor")).text


async def test_an_account_without_a_role_does_not_open(gateway: Running) -> None:
    async with colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor")

        answer = await ruth.sign_in("r.okafor")

        assert answer.status == 403
        assert "has no role yet" in answer.text


# --- strangers -----------------------------------------------------------------------------------------------


async def test_after_five_wrong_passwords_the_right_one_waits_too(gateway: Running) -> None:
    async with colleague(gateway) as stranger:
        await make_user(gateway, "r.okafor", "staff")

        statuses = [(await stranger.sign_in("r.okafor", f"geraten {guess}")).status for guess in range(6)]
        answer = await stranger.sign_in("r.okafor")

        assert statuses == [422] * 5 + [429]
        assert answer.status == 429
        assert "Please wait" in answer.text


async def test_who_is_locked_out_at_one_address_gets_in_from_another(installation: Installation) -> None:
    async with running(installation, **BEHIND_A_PROXY) as gateway:
        await make_user(gateway, "r.okafor", "staff")
        async with colleague(gateway, X_Forwarded_For="192.0.2.66") as stranger:
            for guess in range(7):
                await stranger.sign_in("r.okafor", f"geraten {guess}")
        async with colleague(gateway, X_Forwarded_For="198.51.100.7") as ruth:
            assert (await ruth.sign_in("r.okafor")).title == "Work queue"


async def test_who_was_signed_in_confirms_and_signs_in_where_the_tries_of_the_address_are_used_up(
    installation: Installation,
) -> None:
    """By others behind the same address."""
    async with (
        running(installation, pages={"address_tries": 3}) as gateway,
        colleague(gateway, "m.eriksen", "manager") as manager,
        colleague(gateway) as stranger,
    ):
        statuses = [(await stranger.sign_in(f"guess.{n}", "falsches Passwort")).status for n in range(4)]
        assert statuses == [422] * 3 + [429]
        new = "fünf Wörter sind besser"
        fields = {"old_password": "falsches Passwort", "new_password": new, "repeated_password": new}

        assert (await manager.post("/account/password", fields)).status == 422
        done = await manager.post("/account/password", {**fields, "old_password": PASSWORD})
        assert "Your password has been changed." in done.text
        await wait_until_password_is_asked(gateway)
        details = {"shown_name": "Mona", "email": "", "own_password": new}
        await make_user(gateway, "r.okafor", "staff")
        assert (await manager.post("/users/r.okafor/details", details)).status == 200
        await manager.post("/sign-out", {})
        assert (await manager.sign_in("m.eriksen", new)).title == "Work queue", "the browser is known"


async def test_a_session_can_not_be_planted(gateway: Running) -> None:
    """A cookie that somebody knew before signing in names no session after it."""
    async with colleague(gateway) as ruth, colleague(gateway) as stranger:
        await make_user(gateway, "r.okafor", "staff")
        await stranger.get("/sign-in")
        ruth.browser.cookies.update(stranger.browser.cookies)

        assert (await ruth.sign_in("r.okafor")).title == "Work queue"

        assert ruth.browser.cookies["illgate_staff"] != stranger.browser.cookies["illgate_staff"]
        assert (await stranger.get("/account", follow=False)).status == 303


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        "//evil.example/staff",
        "/staff@evil.example",
        "/staff//evil.example",
        "/\\evil.example",
        "/staff/\\evil.example",
        "/openurl/DEMO",
        "/staffroom",
        "/staff/sign-out",
        "javascript:alert(1)",
        "/staff\r\nSet-Cookie: a=b",
    ],
)
async def test_signing_in_leads_nowhere_else(gateway: Running, back: str) -> None:
    async with colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff")

        answer = await ruth.sign_in("r.okafor", back=back, follow=False)

        assert answer.status == 303
        assert answer.headers["Location"] in ("/staff", "/staff/sign-out")


async def test_a_form_without_our_token_signs_nobody_in(gateway: Running) -> None:
    async with colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff")
        await ruth.get("/sign-in")

        for csrf in ("", "0" * 64):
            answer = await ruth.browser.post("/staff/sign-in", {"csrf": csrf, "name": "r.okafor", "password": PASSWORD})
            assert answer.status == 403
        assert (await ruth.get("/account", follow=False)).status == 303


async def test_cookies_are_for_us_alone(gateway: Running) -> None:
    async with colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff")

        (cookie,) = (await ruth.get("/sign-in")).cookies

        assert cookie.startswith("illgate_staff=")
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


async def test_by_https_the_cookie_is_this_hosts_alone(installation: Installation) -> None:
    https = {"port": 0, "public_url": "https://ill.riverside.example"}
    async with running(installation, http=https) as gateway, colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff")

        (cookie,) = (await ruth.get("/sign-in")).cookies

        assert cookie.startswith("__Host-illgate_staff=")
        assert "Secure" in cookie


async def test_nothing_is_kept_or_framed(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        headers = (await ruth.get()).headers

        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "script-src 'self'" in headers["Content-Security-Policy"]


# --- what was sent by somebody who was signed out ------------------------------------------------------------


async def test_what_was_sent_waits_until_somebody_has_signed_in(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        token = await ruth.read_token()
        service = user_service(gateway)
        await service.end_sessions(await service.find_user("r.okafor"), BY_TEST)
        answer = await ruth.post("/account/look", {"theme": "dark", "rows": "wide"}, token=token)
        assert answer.status == 403
        assert "Your form is kept" in answer.text
        fields = {str(one.get("name")): str(one.get("value") or "") for one in answer.tree.xpath("//main//input")}

        again = await ruth.browser.post("/staff/sign-in", {**fields, "name": "r.okafor", "password": PASSWORD})
        assert again.title == "Send it now?"
        kept = {str(one.get("name")): str(one.get("value")) for one in again.tree.xpath("//main//input")}
        done = await ruth.browser.post("/staff/account/look", kept)

        assert "Saved for this browser." in done.text
        assert done.tree.get("data-theme") == "dark"
        assert done.tree.find("body").get("data-rows") == "wide"


# --- sessions ------------------------------------------------------------------------------------------------


async def set_clock(gateway: Running) -> FixedClock:
    clock = FixedClock(datetime(2026, 3, 2, 8, tzinfo=UTC))
    pages = gateway.gateway._staff_pages
    assert pages is not None
    for part in (pages._parts.sign_in, pages._parts.sign_in._attempts):
        part._clock = clock
    set_clock_of_users(gateway, clock)
    return clock


async def is_signed_in(somebody: Colleague) -> bool:
    return (await somebody.get("/account", follow=False)).status == 200


@pytest.mark.parametrize("minutes", [60, 20])
async def test_a_session_ends_after_some_time_without_a_page(installation: Installation, minutes: int) -> None:
    async with running(installation, staff={"idle_minutes": minutes}) as gateway:
        clock = await set_clock(gateway)
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            for _ in range(2):
                clock.advance(timedelta(minutes=minutes - 1))
                assert await is_signed_in(ruth)
            clock.advance(timedelta(minutes=minutes + 1))
            assert not await is_signed_in(ruth)


async def test_what_an_open_page_asks_for_by_itself_keeps_nobody_signed_in(gateway: Running) -> None:
    clock = await set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        clock.advance(timedelta(minutes=59))
        for path in ("/staff/live/counts", "/staff/requests/X-1/readers"):
            assert (await ruth.browser.get(path, Accept="application/json")).status in (200, 404)
        clock.advance(timedelta(minutes=2))
        assert not await is_signed_in(ruth)


@pytest.mark.parametrize("hours", [10, 3])
async def test_a_session_ends_after_some_hours_in_any_case(installation: Installation, hours: int) -> None:
    async with running(installation, staff={"session_hours": hours}) as gateway:
        clock = await set_clock(gateway)
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            for _ in range(2 * hours - 1):
                clock.advance(timedelta(minutes=30))
                assert await is_signed_in(ruth)
            clock.advance(timedelta(minutes=31))
            assert not await is_signed_in(ruth)


async def test_signing_out_ends_it_for_the_old_cookie_too(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        before = dict(ruth.browser.cookies)

        answer = await ruth.post("/sign-out", {})

        assert answer.title == "You are signed out"
        ruth.browser.cookies = before
        assert not await is_signed_in(ruth)


async def test_a_new_password_ends_all_other_sessions(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as elsewhere:
        await elsewhere.sign_in("r.okafor")
        new = "ein ganz neues Wort"

        wrong = await ruth.post(
            "/account/password", {"old_password": "x", "new_password": new, "repeated_password": new}
        )
        assert wrong.status == 422
        assert "This is not your password." in wrong.text
        done = await ruth.post(
            "/account/password", {"old_password": PASSWORD, "new_password": new, "repeated_password": new}
        )

        assert "Your password has been changed." in done.text
        assert await is_signed_in(ruth)
        assert not await is_signed_in(elsewhere)
        assert (await elsewhere.sign_in("r.okafor", new)).title == "Work queue"


@pytest.mark.parametrize(
    ("new", "repeated", "why"),
    [
        ("kurz", "kurz", "at least 12 characters"),
        ("r.okafor und mehr", "r.okafor und mehr", "must not contain your name"),
        ("ein ganz neues Wort", "ein anderes neues Wort", "do not match"),
    ],
)
async def test_a_password_that_is_no_good_is_refused(gateway: Running, new: str, repeated: str, why: str) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        fields = {"old_password": PASSWORD, "new_password": new, "repeated_password": repeated}

        answer = await ruth.post("/account/password", fields)

        assert answer.status == 422
        assert why in answer.text
        assert new not in answer.text


async def test_a_disabled_user_is_out_at_once(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        service = user_service(gateway)

        await service.disable_user(await service.find_user("r.okafor"), BY_TEST)

        assert not await is_signed_in(ruth)


async def test_sessions_elsewhere_are_ended_by_a_button(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as elsewhere:
        await elsewhere.sign_in("r.okafor")

        answer = await ruth.post("/account/sessions", {})

        assert "1 other session has been ended." in answer.text
        assert await is_signed_in(ruth)
        assert not await is_signed_in(elsewhere)


async def test_the_audit_log_has_who_signed_in_and_who_failed(gateway: Running) -> None:
    async with colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff")
        await ruth.sign_in("r.okafor", "falsches Passwort")
        await ruth.sign_in("r.okafor")

        entries = await user_service(gateway).list_audit_entries(10)

        assert [(one.action, one.subject, one.peer) for one in entries] == [
            ("signed-in", "r.okafor", "127.0.0.1"),
            ("sign-in-failed", "r.okafor", "127.0.0.1"),
            ("user-added", "r.okafor", ""),
        ]


async def test_a_banner_of_somebody_else_is_not_shown(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        ruth.browser.cookies["illgate_banner"] = "WyJnb29kIiwgIlBheSBoZXJlIl0=.0000"

        assert "Pay here" not in (await ruth.get()).text
