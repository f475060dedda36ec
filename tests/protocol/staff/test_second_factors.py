"""A second factor at /staff: set up with an app, asked for after the password, good once, reset by others."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.domain.clock import FixedClock
from gateway.ports.shared_store import Transaction
from gateway.services.people.second_factors import MAX_WRONG_CODES
from gateway.store.audit import add_audit_entry
from tests.protocol.pages.support import Answer, Running, on_both, running
from tests.protocol.pages.test_refused_access import read_figures
from tests.protocol.staff.support import (
    BY_TEST,
    PASSWORD,
    Colleague,
    colleague,
    make_user,
    set_clock_of_users,
    user_service,
)
from tests.support.authenticator_app import show_code
from tests.support.daemon import Installation

FACTOR = "/account/second-factor"
STEP = timedelta(seconds=30)
REQUIRED = {"staff": {"second_factor": ["operator"]}}


def set_clock(gateway: Running) -> FixedClock:
    clock = FixedClock(datetime(2026, 3, 2, 8, 0, 10, tzinfo=UTC))
    pages: Any = gateway.gateway._staff_pages
    parts = pages._parts
    for part in (parts.sign_in, parts.sign_in._attempts, parts.factors):
        part._clock = clock
    set_clock_of_users(gateway, clock)
    return clock


class App:
    """On a telephone: it knows nothing but the key that the page shows."""

    def __init__(self, page: Answer, clock: FixedClock) -> None:
        self._key = str(page.tree.xpath("string(//*[@id='secret'])"))
        self._clock = clock

    def code(self, steps: int = 0) -> str:
        return show_code(self._key, self._clock.now() + steps * STEP)


async def set_up(somebody: Colleague, clock: FixedClock) -> tuple[App, list[str]]:
    """The app, and the recovery codes."""
    begun = await somebody.post(f"{FACTOR}/begin", {})
    app = App(begun, clock)
    done = await somebody.post(f"{FACTOR}/finish", {"code": app.code()})
    assert done.title == "Your recovery codes", done.text
    return app, [str(one.text) for one in done.tree.xpath("//main//li")]


async def enter_code(somebody: Colleague, asked: Answer, code: str) -> Answer:
    fields = {name: asked.hidden(name) for name in ("csrf", "back")}
    return await somebody.browser.post("/staff/sign-in/code", {**fields, "code": code})


async def send_when_signed_out(gateway: Running, ruth: Colleague) -> Any:
    """The form for a code, for which another form waits that came from an open page after its session was over."""
    token = await ruth.read_token()
    service = user_service(gateway)
    await service.end_sessions(await service.find_user("r.okafor"), BY_TEST)
    asked = await ruth.post("/account/look", {"theme": "dark", "rows": "wide"}, token=token)
    (form,) = asked.tree.xpath("//main//form")
    asked = await ruth.browser.post(form.get("action"), {**dict(form.fields), "name": "r.okafor", "password": PASSWORD})
    return asked.tree.xpath("//main//form")[0]


async def is_signed_in(somebody: Colleague) -> bool:
    return (await somebody.get("/account", follow=False)).status == 200


@on_both
async def test_set_up_asked_for_and_signed_in(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as elsewhere:
        assert (await elsewhere.sign_in("r.okafor")).title == "Work queue"
        app, _ = await set_up(ruth, clock)
        assert await is_signed_in(ruth)
        assert not await is_signed_in(elsewhere), "other sessions end"
        clock.advance(STEP)

        asked = await elsewhere.sign_in("r.okafor", back="/staff/account")
        assert asked.title == "Enter your code"
        assert not await is_signed_in(elsewhere)
        page = await enter_code(elsewhere, asked, f" {app.code()[:3]} {app.code()[3:]} ")

        assert page.title == "Your account"
        entries = await user_service(gateway).list_audit_entries(10)
        assert [(one.action, one.detail) for one in entries][:2] == [
            ("signed-in", "password, code"),
            ("second-factor-set", ""),
        ]


async def test_what_the_page_shows_fits_the_square(gateway: Running) -> None:
    set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        begun = await ruth.post(f"{FACTOR}/begin", {})
        again = await ruth.get(FACTOR)
        key = begun.tree.xpath("string(//*[@id='secret'])")
        assert len(key.replace(" ", "")) == 32
        assert key == again.tree.xpath("string(//*[@id='secret'])"), "the same when it is loaded again"
        assert len(begun.tree.xpath("//main//*[name()='svg'][@role='img']")) == 1
        anew = await ruth.post(f"{FACTOR}/begin", {})
        assert key != anew.tree.xpath("string(//*[@id='secret'])")


async def test_until_a_first_code_came_none_is_asked_for(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as elsewhere:
        app = App(await ruth.post(f"{FACTOR}/begin", {}), clock)
        wrong = await ruth.post(f"{FACTOR}/finish", {"code": app.code(5)})
        assert wrong.status == 422
        assert "This code is incorrect" in wrong.text
        assert (await elsewhere.sign_in("r.okafor")).title == "Work queue"


@on_both
async def test_a_code_is_good_once(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as thief:
        app, _ = await set_up(ruth, clock)
        seen = app.code()
        assert (await enter_code(thief, await thief.sign_in("r.okafor"), seen)).status == 422, "that set it up"
        clock.advance(STEP)
        ruth.browser.cookies.clear()
        assert (await enter_code(ruth, await ruth.sign_in("r.okafor"), app.code())).title == "Work queue"
        for steps in (-1, 0):
            answer = await enter_code(thief, await thief.sign_in("r.okafor"), app.code(steps))
            assert answer.status == 422
            assert "has been used already" in answer.text
        assert not await is_signed_in(thief)


async def test_a_recovery_code_is_good_once_and_kept_as_a_hash(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as elsewhere:
        _, codes = await set_up(ruth, clock)
        assert len(set(codes)) == 10
        assert codes[0] not in (await ruth.get(FACTOR)).text
        store = gateway.requests().context.store
        rows = await store.read(lambda c: c.execute(text("SELECT * FROM staff_recovery_code")).all())
        assert len(rows) == 10
        assert not any(code.replace("-", "") in str(row) or code in str(row) for row in rows for code in codes)

        typed = codes[3].replace("-", " ").upper()
        assert (await enter_code(elsewhere, await elsewhere.sign_in("r.okafor"), typed)).title == "Work queue"
        elsewhere.browser.cookies.clear()
        assert (await enter_code(elsewhere, await elsewhere.sign_in("r.okafor"), codes[3])).status == 422
        assert "9 recovery codes are left." in (await ruth.get(FACTOR)).text

        anew = await ruth.post(f"{FACTOR}/recovery-codes", {})
        assert anew.title == "Your recovery codes"
        assert (await enter_code(elsewhere, await elsewhere.sign_in("r.okafor"), codes[4])).status == 422
        actions = [one.action for one in await user_service(gateway).list_audit_entries(20)]
        assert {"recovery-code-used", "recovery-codes-made"} <= set(actions)


async def test_codes_are_guessed_no_more_often_than_passwords(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as thief:
        app, _ = await set_up(ruth, clock)
        clock.advance(STEP)
        statuses = []
        for _ in range(6):  # the right password in between forgets no wrong code
            statuses.append((await enter_code(thief, await thief.sign_in("r.okafor"), app.code(9))).status)
        assert statuses == [422] * 5 + [429]
        refused = read_figures((await thief.browser.get("/metrics")).text)
        assert refused == {("staff", "sign-in"): 5, ("staff", "too-often"): 1}
        assert (await enter_code(thief, await thief.sign_in("r.okafor"), app.code())).status == 429
        clock.advance(timedelta(minutes=16))
        assert (await enter_code(thief, await thief.sign_in("r.okafor"), app.code())).title == "Work queue"


@on_both
async def test_after_many_wrong_codes_none_of_the_app_is_taken(gateway: Running) -> None:
    """However slowly they come; a recovery code is taken, and begins anew."""
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as elsewhere:
        app, codes = await set_up(ruth, clock)
        clock.advance(STEP)
        store = gateway.requests().context.store

        async def fail(times: int) -> None:
            def add_failures(c: Transaction) -> None:
                for _ in range(times):
                    add_audit_entry(c, "DEMO", clock.now(), "staff:r.okafor", "sign-in-failed", "r.okafor", "code")

            await store.write(add_failures)
            clock.advance(STEP)

        await fail(MAX_WRONG_CODES - 1)
        assert (await enter_code(elsewhere, await elsewhere.sign_in("r.okafor"), app.code())).title == "Work queue"
        elsewhere.browser.cookies.clear()
        await fail(MAX_WRONG_CODES)
        shut = await enter_code(elsewhere, await elsewhere.sign_in("r.okafor"), app.code())
        assert shut.status == 403
        assert "Please use a recovery code" in shut.text
        assert (await enter_code(elsewhere, shut, codes[0])).title == "Work queue"
        elsewhere.browser.cookies.clear()
        clock.advance(STEP)
        assert (await enter_code(elsewhere, await elsewhere.sign_in("r.okafor"), app.code())).title == "Work queue"


async def test_the_password_alone_opens_nothing(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as thief:
        app, _ = await set_up(ruth, clock)
        asked = await thief.sign_in("r.okafor")
        for path in ("", "/account", FACTOR, "/borrowing"):
            assert (await thief.get(path, follow=False)).status == 303
        for act in ("begin", "finish", "recovery-codes", "remove"):
            token = asked.hidden("csrf")
            answer = await thief.browser.post(f"/staff{FACTOR}/{act}", {"csrf": token, "code": app.code()})
            assert "Your recovery codes" not in answer.text
            assert answer.title == "Sign in"
        clock.advance(timedelta(minutes=5, seconds=1))
        late = await enter_code(thief, asked, app.code())
        assert late.title == "Sign in"
        assert "This took too long." in late.text


async def test_a_code_is_taken_in_the_browser_of_the_password_alone(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as thief:
        app, _ = await set_up(ruth, clock)
        clock.advance(STEP)
        ruth.browser.cookies.clear()
        await ruth.sign_in("r.okafor")
        form = await thief.get("/sign-in")
        fields = {"csrf": form.hidden("csrf"), "back": "/staff", "code": app.code()}
        assert (await thief.browser.post("/staff/sign-in/code", fields)).title == "Sign in"
        assert not await is_signed_in(thief)


async def test_whoever_is_disabled_meanwhile_stays_out(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway, "m.eriksen", "manager") as manager:
        app, _ = await set_up(ruth, clock)
        clock.advance(STEP)
        ruth.browser.cookies.clear()
        asked = await ruth.sign_in("r.okafor")
        await manager.post("/users/r.okafor/state", {"state": "disabled"})
        assert (await enter_code(ruth, asked, app.code())).title == "Sign in"


@pytest.mark.parametrize("path", ["password", "sessions", "second-factor"])
async def test_what_ends_sessions_ends_sign_ins_halfway_too(gateway: Running, path: str) -> None:
    """Such as of whoever knows the password of before, and the telephone."""
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as thief:
        app, _ = await set_up(ruth, clock)
        clock.advance(STEP)
        asked = await thief.sign_in("r.okafor")
        service = user_service(gateway)
        user = await service.find_user("r.okafor")
        match path:
            case "password":
                await service.set_password(user, "fünf Wörter sind besser", BY_TEST)
            case "sessions":
                await service.end_sessions(user, BY_TEST)
            case _:
                await service.reset_second_factor(user, BY_TEST)

        assert (await enter_code(thief, asked, app.code())).title == "Sign in"
        assert not await is_signed_in(thief)


async def test_a_form_waits_through_the_code_too(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        app, _ = await set_up(ruth, clock)
        clock.advance(STEP)
        form = await send_when_signed_out(gateway, ruth)
        again = await ruth.browser.post(form.get("action"), {**dict(form.fields), "code": app.code()})

        assert again.title == "Send it now?"
        (form,) = again.tree.xpath("//main//form")
        assert (await ruth.browser.post(form.get("action"), dict(form.fields))).tree.get("data-theme") == "dark"


@pytest.mark.parametrize("is_sent_along", [True, False])
async def test_whoever_signs_in_for_a_form_has_confirmed_nothing_by_the_code(
    gateway: Running, is_sent_along: bool
) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        app, _ = await set_up(ruth, clock)
        clock.advance(STEP)
        form = await send_when_signed_out(gateway, ruth)
        fields = {name: value for name, value in form.fields.items() if is_sent_along or "kept." not in name}
        await ruth.browser.post(form.get("action"), {**fields, "code": app.code()})

        assert await is_signed_in(ruth)
        assert (await ruth.post(f"{FACTOR}/remove", {})).status == 422, "the password is asked for"


async def test_a_code_comes_from_the_page_that_asks_for_it(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway) as elsewhere:
        app, _ = await set_up(ruth, clock)
        clock.advance(STEP)
        await elsewhere.sign_in("r.okafor")
        sent = await elsewhere.browser.post("/staff/sign-in/code", {"csrf": "0" * 64, "code": app.code()})

        assert sent.status == 403
        assert not await is_signed_in(elsewhere)


@pytest.mark.parametrize("act", ["begin", "finish", "recovery-codes"])
async def test_the_password_is_asked_for_again_before_each_step(gateway: Running, act: str) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        app = App(await ruth.post(f"{FACTOR}/begin", {}), clock) if act == "finish" else None
        if act == "recovery-codes":
            await set_up(ruth, clock)
        clock.advance(timedelta(minutes=11))
        fields = {"code": app.code()} if app is not None else {}

        assert (await ruth.post(f"{FACTOR}/{act}", fields)).status == 422
        assert (await ruth.post(f"{FACTOR}/{act}", {**fields, "own_password": PASSWORD})).status == 200


async def test_turned_off_with_the_password(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        await set_up(ruth, clock)
        clock.advance(timedelta(minutes=11))
        assert (await ruth.post(f"{FACTOR}/remove", {"own_password": "geraten"})).status == 422
        done = await ruth.post(f"{FACTOR}/remove", {"own_password": PASSWORD})
        assert "The second factor is turned off." in done.text
        ruth.browser.cookies.clear()
        assert (await ruth.sign_in("r.okafor")).title == "Work queue"


async def test_somebody_elses_is_reset_by_a_manager_and_it_is_logged(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway, "m.eriksen", "manager") as manager:
        await set_up(ruth, clock)
        done = await manager.post("/users/r.okafor/second-factor", {})
        assert "The second factor has been reset." in done.text
        assert "Reset second factor" not in done.text
        assert not await is_signed_in(ruth)
        assert (await ruth.sign_in("r.okafor")).title == "Work queue"
        page = await manager.get("/audit")
        rows = [" ".join(row.text_content().split()) for row in page.tree.xpath("//tbody/tr")]
        assert any("m.eriksen reset the second factor of r.okafor" in row for row in rows)


async def test_a_manager_resets_no_operators(gateway: Running) -> None:
    clock = set_clock(gateway)
    async with colleague(gateway, "olga", "operator") as olga, colleague(gateway, "m.eriksen", "manager") as manager:
        await set_up(olga, clock)
        assert (await manager.post("/users/olga/second-factor", {})).status == 403
        assert await is_signed_in(olga)


# --- where a role needs one ----------------------------------------------------------------------------------


async def test_a_role_that_needs_one_sees_nothing_before_it_is_set_up(installation: Installation) -> None:
    async with running(installation, **REQUIRED) as gateway, colleague(gateway) as olga:
        clock = set_clock(gateway)
        await make_user(gateway, "olga", "operator")

        page = await olga.sign_in("olga", back="/staff/operation")

        assert page.title == "Set up second factor"
        assert "Your role needs a second factor." in page.text
        for path in ("", "/account", "/operation", "/new-user"):
            answer = await olga.get(path, follow=False)
            assert (answer.status, answer.headers["Location"]) == (303, f"/staff{FACTOR}")
        token = page.tree.xpath("//main//input[@name='csrf']/@value")[0]
        look = {"csrf": token, "theme": "dark", "rows": "wide"}
        assert (await olga.browser.post("/staff/account/look", look)).status == 403
        begun = await olga.browser.post(f"/staff{FACTOR}/begin", {"csrf": token})
        done = await olga.browser.post(f"/staff{FACTOR}/finish", {"csrf": token, "code": App(begun, clock).code()})
        assert done.title == "Your recovery codes"
        assert (await olga.get("/operation")).status == 200
        assert (await olga.post(f"{FACTOR}/remove", {})).status == 403
        assert "Turn off" not in (await olga.get(FACTOR)).text


async def test_others_need_none_and_whoever_lacks_one_may_sign_out(installation: Installation) -> None:
    async with running(installation, **REQUIRED) as gateway, colleague(gateway, "ruth", "staff") as ruth:
        assert (await ruth.get("/account")).title == "Your account"
        async with colleague(gateway) as olga:
            await make_user(gateway, "olga", "operator", "staff")
            page = await olga.sign_in("olga")
            token = page.tree.xpath("//main//input[@name='csrf']/@value")[0]
            assert (await olga.browser.post("/staff/sign-out", {"csrf": token})).title == "You are signed out"
            assert (await olga.get(FACTOR, follow=False)).headers["Location"].startswith("/staff/sign-in")


# --- at rest -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [[], ["file:key"]])
async def test_no_secret_is_readable_in_the_store(installation: Installation, keys: list[str]) -> None:
    (installation.folder / "key").write_text("sechzehn und mehr Zeichen", encoding="utf-8")
    async with running(installation, journal={"encryption_keys": keys}) as gateway:
        clock = set_clock(gateway)
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            begun = await ruth.post(f"{FACTOR}/begin", {})
            key = base64.b32decode(begun.tree.xpath("string(//*[@id='secret'])").replace(" ", ""))
            await ruth.post(f"{FACTOR}/finish", {"code": App(begun, clock).code()})
            store = gateway.requests().context.store
            ((secret,),) = await store.read(lambda c: c.execute(text("SELECT secret FROM staff_second_factor")).all())
            assert key not in bytes(secret)


async def test_keys_may_change_while_people_sign_in(installation: Installation) -> None:
    """What was encrypted before there was a key is read, each sign-in encrypts anew, and a key that went too early
    opens nothing."""
    for name in ("old", "new"):
        (installation.folder / name).write_text(f"sechzehn und mehr Zeichen: {name}", encoding="utf-8")
    async with running(installation) as gateway:
        clock = set_clock(gateway)
        async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway, "seldom", "staff") as seldom:
            app, _ = await set_up(ruth, clock)
            await set_up(seldom, clock)
    titles = []
    for step, keys in enumerate((["old"], ["new", "old"], ["new"], []), start=1):
        settings = {"encryption_keys": [f"file:{key}" for key in keys]}
        async with running(installation, journal=settings) as gateway, colleague(gateway) as ruth:
            app._clock = set_clock(gateway)
            app._clock.advance(step * STEP)
            titles.append((await enter_code(ruth, await ruth.sign_in("r.okafor"), app.code())).title)
    assert titles == ["Work queue", "Work queue", "Work queue", "Enter your code"]
