"""Every page of staff × every role: 200, 403 or the way to the sign-in page, as the table of pages declares."""

from __future__ import annotations

import re

import pytest

from gateway.domain.roles import RIGHTS, StaffRole
from gateway.web.staff.app import PAGES, page_name
from gateway.web.staff.staff_request import StaffPage
from tests.protocol.pages.support import Running
from tests.protocol.staff.support import colleague, make_user

OPEN = {
    "GET /staff/sign-in",
    "POST /staff/sign-in",
    "POST /staff/sign-in/code",
    "GET /staff/sign-in/provider",
    "GET /staff/sign-in/proxy",
    "GET /staff/signed-in",
    "GET /staff/help",
}
"""The only pages that are there before somebody has signed in."""


STREAMS = {"GET /staff/live"}
"""Answers that don't end; test_work_queue.py reads them."""


def example_path(page: StaffPage) -> str:
    """With something in place of each part that varies; there is no such request, user or file."""
    return re.sub(r"\{[^}]*\}", "X-1", page.path)


def test_only_signing_in_is_open_to_strangers() -> None:
    assert {page_name(page) for page in PAGES if page.right is None} == OPEN


def test_no_route_stands_twice() -> None:
    names = [page_name(page) for page in PAGES]

    assert sorted(names) == sorted(set(names))


def test_only_get_and_post_are_used() -> None:
    assert {page.method for page in PAGES} <= {"GET", "POST"}


async def test_strangers_are_asked_to_sign_in_everywhere(gateway: Running) -> None:
    async with colleague(gateway) as stranger:
        await make_user(gateway, "r.okafor", "staff")
        for page in PAGES:
            if page.right is None:
                continue
            if page.method == "GET":
                answer = await stranger.get(example_path(page), follow=False)
                assert answer.status == 303, page_name(page)
                assert answer.headers["Location"].startswith("/staff/sign-in?back="), page_name(page)
            else:
                answer = await stranger.browser.post(f"/staff{example_path(page)}", {"csrf": "x"}, follow=False)
                assert answer.status == 403, page_name(page)
                assert answer.title == "This form has expired", page_name(page)


@pytest.mark.parametrize("role", list(StaffRole))
async def test_a_role_opens_what_its_rights_open_and_nothing_else(gateway: Running, role: StaffRole) -> None:
    async with colleague(gateway, "r.okafor", role.value) as ruth:
        token = await ruth.read_token()
        for page in PAGES:
            if page.right is None or page_name(page) == "POST /staff/sign-out":
                continue
            allowed = page.right in RIGHTS[role]
            if allowed and page_name(page) in STREAMS:
                continue
            if page.method == "GET":
                answer = await ruth.get(example_path(page), follow=False)
                expected = {200, 303, 404} if allowed else {403}
            else:
                answer = await ruth.post(example_path(page), {}, follow=False, token=token)
                expected = {200, 303, 404, 409, 422} if allowed else {403}
            assert answer.status in expected | ({403} if _is_refused_inside(page, allowed) else set()), page_name(page)
            if not allowed:
                assert answer.title == "You do not have access to this page", page_name(page)


def _is_refused_inside(page: StaffPage, allowed: bool) -> bool:
    """Pages whose form names something that isn't this user's to choose."""
    return allowed and page_name(page) == "POST /staff/account/library"


async def test_every_form_needs_a_token_of_ours(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", *(role.value for role in StaffRole)) as ruth:
        for page in PAGES:
            if page.method != "POST" or page.right is None:
                continue
            for token in ("", "0" * 64):
                answer = await ruth.post(example_path(page), {}, follow=False, token=token)
                assert answer.status == 403, page_name(page)
                assert answer.title == "This form has expired", page_name(page)


async def test_a_form_with_files_needs_it_too(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", *(role.value for role in StaffRole)) as ruth:
        await ruth.read_token()
        for page in PAGES:
            if page.method != "POST" or page.right is None:
                continue
            body = f'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{"0" * 64}\r\n--x--\r\n'.encode()
            answer = await ruth.browser.post(
                f"/staff{example_path(page)}", body, follow=False, Content_Type="multipart/form-data; boundary=x"
            )
            assert answer.status in (400, 403, 404), page_name(page)


async def test_the_menu_leads_only_to_what_is_open(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "patron-services") as ruth:
        work = await ruth.get()
        for address in work.tree.xpath("//nav//a/@href"):
            assert (await ruth.browser.get(str(address))).status == 200, address


async def test_who_may_not_open_a_page_learns_whom_to_ask(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "patron-services") as ruth:
        await make_user(gateway, "j.tanaka", "operator", shown_name="Jun Tanaka", email="ill-tech@riverside.example")
        closed = next(
            page
            for page in PAGES
            if page.method == "GET" and page.right not in {None, *RIGHTS[StaffRole.PATRON_SERVICES]}
        )

        answer = await ruth.get(example_path(closed))

        assert answer.status == 403
        assert "Jun Tanaka" in answer.text
        assert "ill-tech@riverside.example" in answer.text


async def test_a_wrong_path_gets_a_designed_page(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        answer = await ruth.get("/nowhere/at/all")

        assert answer.status == 404
        assert answer.title == "Page not found"
        assert "r.okafor" in answer.text


async def test_a_form_loaded_again_by_its_address_gets_one_too(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        answer = await ruth.get("/account/password")

        assert answer.status == 405
        assert answer.title == "This address has no page"
