"""Users of the staff's pages: made by the service, signed in as browsers do."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from gateway.domain.clock import FixedClock
from gateway.domain.roles import OFFICE_ROLES, StaffRole, StaffUser, parse_grant
from gateway.services.people.users import AuditOrigin, UserDraft, UserService
from gateway.web.staff.staff_request import COOKIE
from tests.protocol.pages.support import Answer, Running, Visitor, visitor

PASSWORD = "vier Wörter sind genug"
ALL_ROLES = tuple(role.value for role in StaffRole if role not in OFFICE_ROLES)
"""All that can be of one library alone."""

BY_TEST = AuditOrigin("staff:test")


def user_service(gateway: Running, library: str = "DEMO") -> UserService:
    """Return the service of that library, where the gateway has it, else of its first."""
    libraries = gateway.gateway.managed.libraries
    return libraries.get(library, next(iter(libraries.values()))).users


def set_clock_of_users(gateway: Running, clock: FixedClock) -> None:
    for library in gateway.gateway.managed.libraries.values():
        library.users._library = replace(library.users._library, clock=clock)


async def wait_until_password_is_asked(gateway: Running) -> None:
    """Ten minutes after signing in."""
    pages: Any = gateway.gateway._staff_pages
    pages._parts.sign_in._clock = FixedClock(datetime.now(UTC) + timedelta(minutes=11))


async def make_user(gateway: Running, name: str, *roles: str, library: str = "DEMO", **more: Any) -> StaffUser:
    grants = tuple(parse_grant(library, role) for role in roles)
    draft = UserDraft(**{"library": library, "name": name, "password": PASSWORD, "grants": grants, **more})
    return await user_service(gateway, library).add_user(draft, BY_TEST)


@dataclass
class Colleague:
    """Somebody at a browser without scripts. `token`: of forms, by the session for which it was read."""

    browser: Visitor
    token: tuple[str, str] = ("", "")

    async def get(self, path: str = "", follow: bool = True) -> Answer:
        return await self.browser.get(f"/staff{path}", follow)

    async def post(self, path: str, fields: dict[str, str], follow: bool = True, token: str | None = None) -> Answer:
        """With the token of a page of one's own, or another one."""
        csrf = token if token is not None else await self.read_token()
        return await self.browser.post(f"/staff{path}", {"csrf": csrf, **fields}, follow)

    async def read_token(self) -> str:
        session = self.browser.cookies.get(COOKIE, "")
        if self.token[0] != session or not session:
            form = await self.get("/account")
            self.token = (session, str(form.tree.xpath("//input[@name='csrf']/@value")[0]))
        return self.token[1]

    async def sign_in(self, name: str, password: str = PASSWORD, back: str = "/staff", follow: bool = True) -> Answer:
        form = await self.browser.get(f"/staff/sign-in?back={quote(back, safe='')}")
        fields = {"csrf": form.hidden("csrf"), "back": form.hidden("back"), "name": name, "password": password}
        return await self.browser.post("/staff/sign-in", fields, follow)


@contextlib.asynccontextmanager
async def colleague(
    gateway: Running, name: str = "", *roles: str, shown_name: str = "", **headers: str
) -> AsyncIterator[Colleague]:
    """With a name: made with these roles, and signed in."""
    async with visitor(gateway, **headers) as browser:
        somebody = Colleague(browser)
        if name:
            await make_user(gateway, name, *roles, shown_name=shown_name)
            assert (await somebody.sign_in(name, follow=False)).status == 303
        yield somebody
