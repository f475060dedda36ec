"""Forms that other sites send to pages of staff: nothing of them is done, kept or signed, and nobody is signed out."""

from __future__ import annotations

import pytest

from tests.protocol.pages.support import Answer, Running, running, visitor
from tests.protocol.staff.support import BY_TEST, PASSWORD, Colleague, colleague, make_user, user_service
from tests.support.daemon import Installation

LOOK = {"theme": "dark", "rows": "wide"}
FOREIGN = [
    {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec_Fetch_Site": "same-site", "Origin": "https://blog.riverside.example"},
    {"Sec_Fetch_Site": "cross-site", "Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://"},
    {"Origin": "https://evil.example:443", "Host": "desk.riverside.example"},
]


def kept_fields(answer: Answer) -> list[str]:
    return [str(name) for name in answer.tree.xpath("//input/@name") if str(name).startswith("kept.")]


async def end_sessions_of(gateway: Running, name: str) -> None:
    """As after an hour without a page: the browser keeps its cookie."""
    service = user_service(gateway)
    user = await service.find_user(name)
    await service.end_sessions(user, BY_TEST)


async def send_when_signed_out(ruth: Colleague, path: str, fields: dict[str, str], gateway: Running) -> Answer:
    """From an open page of ours, whose session is over: what comes after signing in."""
    token = await ruth.read_token()
    await end_sessions_of(gateway, "r.okafor")
    asked = await ruth.post(path, fields, token=token)
    hidden = {str(one.get("name")): str(one.get("value") or "") for one in asked.tree.xpath("//main//input")}
    return await ruth.browser.post("/staff/sign-in", {**hidden, "name": "r.okafor", "password": PASSWORD})


async def test_without_our_cookie_nothing_is_kept_through_sign_in(gateway: Running) -> None:
    async with colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff")

        answer = await ruth.browser.post("/staff/account/look", {"csrf": "0" * 64, **LOOK})

        assert answer.status == 403
        assert kept_fields(answer) == []
        assert answer.cookies == []
        assert (await ruth.sign_in("r.okafor")).title == "Work queue"


async def test_nor_with_the_token_of_another_visit(gateway: Running) -> None:
    async with colleague(gateway) as ruth, colleague(gateway) as stranger:
        await make_user(gateway, "r.okafor", "staff")
        await ruth.get("/sign-in")
        borrowed = (await stranger.get("/sign-in")).hidden("csrf")

        answer = await ruth.post("/account/look", LOOK, token=borrowed)

        assert answer.status == 403
        assert kept_fields(answer) == []


@pytest.mark.parametrize("headers", FOREIGN)
async def test_what_a_browser_calls_foreign_is_refused_whatever_its_token(
    gateway: Running, headers: dict[str, str]
) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        token = await ruth.read_token()

        answer = await ruth.browser.post("/staff/account/look", {"csrf": token, **LOOK}, **headers)

        assert answer.status == 403
        assert answer.title == "This form came from another website"
        assert (await ruth.get()).tree.get("data-theme") != "dark"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "same-origin", "Origin": "null"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "null"},
        {"Origin": "https://ILL.riverside.example"},
        {"Origin": "http://desk.riverside.example:8443", "Host": "desk.riverside.example"},
        {},
    ],
)
async def test_our_own_forms_pass(installation: Installation, headers: dict[str, str]) -> None:
    public = {"port": 0, "public_url": "https://ill.riverside.example/"}
    async with running(installation, http=public) as gateway, colleague(gateway, "r.okafor", "staff") as ruth:
        token = await ruth.read_token()

        answer = await ruth.browser.post("/staff/account/look", {"csrf": token, **LOOK}, **headers)

        assert answer.tree.get("data-theme") == "dark"


async def test_by_the_name_that_the_browser_uses(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        token = await ruth.read_token()
        answer = await ruth.browser.post("/staff/account/look", {"csrf": token, **LOOK}, Origin=gateway.url)
        assert answer.tree.get("data-theme") == "dark"


async def test_no_site_signs_anybody_out(gateway: Running) -> None:
    """A browser leaves our cookie out of such a form, and would take a new one in its place."""
    async with colleague(gateway, "r.okafor", "staff") as ruth, visitor(gateway) as stranger:
        for path in ("/staff/sign-out", "/staff/account/look", "/staff/sign-in", "/staff/users/x/state"):
            answer = await stranger.post(path, {"csrf": "0" * 64})
            assert answer.status == 403
            assert answer.cookies == []
        assert (await ruth.get("/account")).title == "Your account"


async def test_what_waited_is_shown_before_it_is_sent(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        again = await send_when_signed_out(ruth, "/account/look", LOOK, gateway)

        assert again.title == "Send it now?"
        said = [str(one.text_content()) for one in again.tree.xpath("//main//dl/*")]
        assert said == ["Page", "/staff/account/look", "theme", "dark", "rows", "wide"]


async def test_what_waited_is_called_as_on_its_page(gateway: Running) -> None:
    form = {"title": "Sult", "author": "Hamsun", "patron": "", "need_by": "2026-12-01", "note": "til Нина"}
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        again = await send_when_signed_out(ruth, "/requests/new", form, gateway)

        said = [str(one.text_content()) for one in again.tree.xpath("//main//dl/*")][2:]
        assert said == [
            *("Title of the book or journal", "Sult", "Author or editor", "Hamsun"),
            *("Needed by", "2026-12-01", "Note", "til Нина"),
        ]
        sent = again.tree.xpath("//main//form[1]")[0]
        assert dict(sent.fields).items() >= form.items(), "under the names that were sent"


async def test_signing_in_for_a_form_that_waited_confirms_nothing(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "manager") as ruth:
        await make_user(gateway, "ost", "staff")
        again = await send_when_signed_out(ruth, "/users/ost/state", {"state": "disabled"}, gateway)
        (form,) = again.tree.xpath("//main//form")

        refused = await ruth.browser.post(form.get("action"), dict(form.fields))

        assert refused.status == 422
        assert "This is not your password." in refused.text
        assert (await user_service(gateway).find_user("ost")).disabled is None
