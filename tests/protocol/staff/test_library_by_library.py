"""Library × library over pages, API and files: what belongs to another library is answered as what never was, whatever
route and name are tried, and stays as it is.

The other library's world has a thing behind each route (`library_tries.py`); to its own people each is there. All that
it has in the database is compared.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus, urlencode

import aiohttp
import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.roles import parse_grant
from gateway.store.schema import make_exchange_id
from gateway.web.staff.staff_request import BANNER_COOKIE
from tests.protocol.ncip import test_things_of_others as partner_messages
from tests.protocol.ncip.test_on_the_sample_library import V2, Answer
from tests.protocol.pages.support import PATRON, PIN, Running, Visitor, running, visitor
from tests.protocol.staff.library_pair import (
    ALONE,
    BOX,
    FJORD,
    MESH_TITLE,
    OWN,
    OWN_CARD,
    SHARED,
    USED_UP,
    Installed,
    Layout,
    ask_in_mesh,
    copy_patron,
    make_key,
    make_never,
    make_own_things,
    make_partner_things,
    make_things,
    move_to_folders,
    read_rows,
    renew_things,
    share_installation,
)
from tests.protocol.staff.library_tries import (
    API_TRIES,
    LISTS,
    NAMES_NOTHING,
    READER_TRIES,
    SHARED_API_TRIES,
    SHARED_TRIES,
    STAFF_TRIES,
    Try,
)
from tests.protocol.staff.page_world import (
    RULES,
    WorldSize,
    fill_world,
    make_batches,
    prepare_installation,
)
from tests.protocol.staff.support import ALL_ROLES, Colleague, colleague, make_user
from tests.protocol.staff.test_operation_pages import read_from_memory
from tests.support.blank_pdf import write_blank_pdf
from tests.support.daemon import Installation
from tests.support.mail_house import MemoryMailbox

TITLE_WORDS = ("Vaumarin", "Шум дождя", "مدن الملح", "北の港", "harbour bars")
"""Of what the other library's readers have asked for."""

SHARED_WORDS = ("hafen@sentral", "Нина Берг")
"""Of what the other library's settings say of a partner of both."""

OWN_WORDS = (*SHARED_WORDS, f"hafen@{OWN}", f"hafen@{ALONE}")
"""The same of partners in its folder."""

Answered = tuple[int, str, str]
"""Status, where it leads and the banner there, and the text."""


@pytest.fixture(params=list(Layout))
async def installed(installation: Installation, request: pytest.FixtureRequest) -> AsyncIterator[Installed]:
    prepare_installation(installation, WorldSize.FEW)
    share_installation(installation)
    if request.param is Layout.FOLDERS:
        move_to_folders(installation)
    async with running(
        installation, read_from_memory(MemoryMailbox()), rules=RULES, other_libraries=[FJORD], mailboxes=[BOX]
    ) as gateway:
        await fill_world(gateway, WorldSize.FEW)
        async with colleague(gateway, "r.okafor", *ALL_ROLES) as ruth:
            await make_batches(ruth)
        await copy_patron(gateway)
        there = await make_things(gateway)
        yield Installed(gateway, there, make_never(there), request.param)


# --- who sends -------------------------------------------------------------------------------------------


@dataclass
class StaffUser:
    """A colleague, the token of their forms, and the short name of their library, which each address has but that of
    the page of all libraries."""

    browser: Visitor
    token: str
    library: str
    root = "/staff"

    async def send_try(self, route: str, one: Try, names: Mapping[str, str]) -> Answered:
        method, _, path = route.partition(" ")
        if path != "/staff/office":
            path = path.replace(self.root, f"{self.root}/{self.library}", 1)
        return await send_page(self.browser, method, fill_path(path, one, names), one, names, self.token)


@dataclass
class ApiUser:
    url: str
    key: str
    root = "/api/v1"

    async def send_try(self, route: str, one: Try, names: Mapping[str, str]) -> Answered:
        method, _, path = route.replace(self.root, "").partition(" ")
        content = write_blank_pdf(1) if one.file else None
        return await self.send(method, fill_path(path, one, names), fill(one.json, names), content)

    async def send(self, method: str, path: str, said: Any = None, content: bytes | None = None) -> Answered:
        headers = {"Authorization": f"Bearer {self.key}", "If-Match": "*"}
        if method == "POST":
            headers["Idempotency-Key"] = make_exchange_id(SystemClock().now())
        if content is not None:
            headers["Content-Type"] = "application/pdf"
        url = f"{self.url}/api/v1{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=said, data=content, headers=headers) as answer,
        ):
            return answer.status, answer.headers.get("Location", ""), await answer.text(errors="replace")


@dataclass
class Reader:
    """At one library's pages, whichever they signed in at."""

    browser: Visitor
    library: str
    token: str
    root = "/openurl"

    async def send_try(self, route: str, one: Try, names: Mapping[str, str]) -> Answered:
        method, _, path = route.partition(" ")
        filled = fill_path(path.replace("{library}", self.library), one, names)
        return await send_page(self.browser, method, filled, one, names, self.token)


async def send_page(
    browser: Visitor, method: str, path: str, one: Try, names: Mapping[str, str], token: str
) -> Answered:
    """The banner of the page after is read from its cookie, which is thrown away."""
    if method == "GET":
        answer = await browser.get(path, follow=False)
    elif one.file:
        body, kind = write_multipart({"csrf": token, **fill(one.form, names)}, fill(one.file, names))
        answer = await browser.post(path, body, follow=False, Content_Type=kind)
    else:
        answer = await browser.post(path, {"csrf": token, **fill(one.form, names)}, follow=False)
    said, _, _ = browser.cookies.pop(BANNER_COOKIE, "").partition(".")
    banner = base64.urlsafe_b64decode(said).decode("unicode-escape") if said else ""
    return answer.status, f"{answer.headers.get('Location', '')} {banner}", answer.text


def write_multipart(fields: Mapping[str, str], file: str) -> tuple[bytes, str]:
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    head = f'Content-Disposition: form-data; name="file"; filename="{file}"\r\nContent-Type: application/pdf\r\n\r\n'
    parts.append(head.encode() + write_blank_pdf(1))
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n", "multipart/form-data; boundary=x"


def fill(said: Any, names: Mapping[str, str]) -> Any:
    if isinstance(said, str):
        return said.format_map(names)
    if isinstance(said, Mapping):
        return {key: fill(value, names) for key, value in said.items()}
    return [fill(value, names) for value in said] if isinstance(said, list) else said


def fill_path(path: str, one: Try, names: Mapping[str, str]) -> str:
    for place, value in one.path.items():
        path = path.replace(f"{{{place}}}", fill(value, names))
    return f"{path}?{urlencode(fill(one.query, names))}" if one.query else path


def hide_names(answer: Answered, one: Try, names: Mapping[str, str]) -> Answered:
    """Without what the sender has named itself, tokens of forms, and the time of day."""
    said = {names[name] for name in re.findall(r"{(\w+)}", repr(one))}
    words = sorted({*said, *map(quote_plus, said)}, key=len, reverse=True)
    hidden = "|".join(re.escape(word) if len(word) > 3 else f"/{re.escape(word)}" for word in words) or "$^"
    found = [
        re.sub(r'name="(form|key)" value="[^"]*"|\d\d:\d\d(:\d\d[.\d]*)?', "…", re.sub(rf"({hidden})(?!\w)", "…", text))
        for text in answer[1:]
    ]
    return answer[0], found[0], found[1]


# --- the tries -------------------------------------------------------------------------------------------

Sender = StaffUser | ApiUser | Reader
Tries = Mapping[str, tuple[Try, ...]]


def choose_tries(tries: Tries, layout: Layout) -> Tries:
    """All, or the first of each route."""
    return tries if layout is Layout.LISTED else {route: some[:1] for route, some in tries.items()}


def iter_tries(tries: Tries) -> Iterator[tuple[str, Try]]:
    return ((route, one) for route, some in tries.items() for one in some)


async def find_differences(installed: Installed, sender: Sender, tries: Tries, own: Mapping[str, str]) -> list[str]:
    """What tells the other library's things from what never was."""
    found = []
    for route, one in iter_tries(tries):
        theirs, nothing = [
            hide_names(await sender.send_try(route, one, names), one, names)
            for names in ({**things, **own} for things in (installed.there, installed.never))
        ]
        if theirs[0] >= 500 or (theirs != nothing and not one.is_taken):
            found.append(f"{route} {one}: {describe_difference(theirs, nothing)}")
        found += [f"{route} {one}: tells of {word}" for word in (*TITLE_WORDS, *OWN_WORDS) if word in theirs[2]]
    return found


async def find_blind_tries(installed: Installed, sender: Sender, tries: Tries, own: Mapping[str, str]) -> list[str]:
    """Tries that tell nothing: whoever has the thing is answered as about what never was."""
    found = []
    for route, one in iter_tries(tries):
        new = await renew_things(installed.gateway) if USED_UP.search(repr(one)) else {}
        nothing, own_thing = [
            hide_names(await sender.send_try(route, one, names), one, names)
            for names in ({**own, **installed.never}, {**own, **installed.there, **new})
        ]
        if one.tells and own_thing == nothing:
            found.append(f"{route} {one}: {own_thing[0]} {own_thing[1]}")
    return found


def describe_difference(first: Answered, second: Answered) -> str:
    for one, other in zip(map(str, first), map(str, second), strict=True):
        if one != other:
            at = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 40)
            at = max(0, at - 40)
            return f"{first[0]} {one[at : at + 160]!r} instead of {other[at : at + 160]!r}"
    return ""


async def test_people_of_one_library_meet_nothing_of_another(installed: Installed) -> None:
    gateway, own = installed.gateway, await make_own_things(installed.gateway, "FJORD")
    await make_user(gateway, "n.foss", *ALL_ROLES, library="FJORD")
    key = await make_key(gateway, "FJORD")
    things = await make_things_of_folders(gateway) if installed.layout is Layout.FOLDERS else {}
    before = await read_rows(gateway, "DEMO")
    async with visitor(gateway) as desk, visitor(gateway) as home:
        await Colleague(desk).sign_in("n.foss")
        staff = StaffUser(desk, await Colleague(desk).read_token(), "fjord")
        token = await sign_in_reader(home, "FJORD", OWN_CARD)
        api, layout = ApiUser(gateway.url, key), installed.layout
        wrong = [
            *await find_differences(installed, staff, choose_tries(STAFF_TRIES, layout), own),
            *await find_differences(installed, api, choose_tries(API_TRIES, layout), own),
            *await find_differences(installed, Reader(home, "FJORD", token), READER_TRIES, own),
            *await find_differences(installed, Reader(home, "DEMO", token), READER_TRIES, own),
            *await find_listed(installed, staff, api, Reader(home, "FJORD", token)),
        ]
        if layout is Layout.FOLDERS:
            for name in (SHARED, OWN):
                known = add_names(installed, {**things["mesh"], **things[name]}, {"shared": name})
                wrong += await find_differences(known, staff, SHARED_TRIES, own)
                wrong += await find_differences(known, api, SHARED_API_TRIES, own)
            alone = add_names(installed, {**things[ALONE], "profile": ALONE}, {"profile": f"no-{ALONE}"})
            wrong += await find_differences(alone, staff, choose_of_partner(STAFF_TRIES), own)
            wrong += await find_differences(alone, api, choose_of_partner(API_TRIES), own)
            wrong += await find_by_message(gateway)
            received = repr((await read_rows(gateway, "FJORD"))["request"])
            assert MESH_TITLE in received, "the mesh has brought it"
            wrong += [f"sent {word}" for word in (PATRON, things["mesh"]["request"]) if word in received]
    after = await read_rows(gateway, "DEMO")
    wrong += [f"changed {name}" for name in before if before[name] != after[name]]
    assert not wrong, "\n".join(wrong)
    if installed.layout is Layout.FOLDERS:
        await read_partner_files(gateway)
        return  # that each try would tell of the thing is seen by the other layout
    blind = await find_blind_tries_of_all(installed)
    assert not blind, "\n".join(blind)


async def make_things_of_folders(gateway: Running) -> Mapping[str, Mapping[str, str]]:
    """What DEMO has with partners that FJORD knows by name, with one of its own folder, and what these have made."""
    for name in ("record", "lasting item", "user"):
        answer = await send_message(gateway, "demo", partner_messages.MADE[name])
        assert answer.problem == ("", "", ""), answer.body
    things = {name: await make_partner_things(gateway, name) for name in (SHARED, OWN, ALONE)}
    return {**things, "mesh": await ask_in_mesh(gateway)}


def add_names(installed: Installed, there: Mapping[str, str], never: Mapping[str, str]) -> Installed:
    return replace(installed, there={**installed.there, **there}, never={**installed.never, **never})


def choose_of_partner(tries: Tries) -> Tries:
    """Those that name a partner, or what there is with it."""
    chosen = {route: tuple(one for one in some if "{profile}" in repr(one)) for route, some in tries.items()}
    return {**chosen, **{route: some for route, some in tries.items() if "{closed}" in repr(some)}}


async def send_message(gateway: Running, library: str, message: str) -> Answer:
    """By NCIP, as the partner in the library's folder."""
    url, body = f"{gateway.url}/ncip/{library}/{OWN}", f"{V2}{message}</NCIPMessage>".encode()
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as answer:
        return Answer(await answer.read())


async def find_by_message(gateway: Running) -> list[str]:
    """Messages by which FJORD's own partner tells what DEMO's partner of the same name has made from what never was."""
    found, sent = [], partner_messages
    reader = sent.user(OWN_CARD)
    for messages, about in (
        (sent.ITEM_MESSAGES, ("ALD-1", sent.NEVER_ITEM)),
        (sent.NUMBER_MESSAGES, ("R-1", sent.NEVER_NUMBER)),
        (sent.USER_MESSAGES, ("ALD-USER", sent.NEVER_USER)),
    ):
        for service, message in messages.items():
            answers = []
            for name in about:
                said = {"item": sent.item(name), "request": sent.request(name), "user": sent.user(name), "number": name}
                filled = message.format_map({**said, "ana": reader, "reader": reader})
                answers.append(await send_message(gateway, "fjord", filled))
            theirs, nothing = (one.body.replace(name, "…") for one, name in zip(answers, about, strict=True))
            if theirs != nothing or not answers[1].problem[0]:
                found.append(f"{service}: {theirs}\n instead of {nothing}")
    return found


async def read_partner_files(gateway: Running) -> None:
    """By an operator of both, who sees all that each library says, and edits what both share."""
    grants = tuple(parse_grant(library, "operator") for library in ("DEMO", "FJORD"))
    await make_user(gateway, "e.dahl", library="FJORD", grants=grants)
    async with visitor(gateway) as browser:
        operator = Colleague(browser)
        await operator.sign_in("e.dahl")
        for page in ("", "/edit"):
            text = (await operator.get(f"/operation/profiles/{SHARED}{page}")).text
            assert [word for word in SHARED_WORDS if word not in text] == []
        for name in (OWN, ALONE):
            assert f"hafen@{name}" in (await operator.get(f"/demo/operation/profiles/{name}")).text


async def find_listed(installed: Installed, *senders: Sender) -> list[str]:
    """Lists that show something of the other library's."""
    found = []
    for route in NAMES_NOTHING[LISTS]:
        sender = next(one for one in senders if route.startswith(f"GET {one.root}"))
        _, _, text = await sender.send_try(route, Try(), installed.there)
        words = (
            *TITLE_WORDS,
            *OWN_WORDS,
            *(installed.there[name] for name in ("number", "sent", "mail", "letter", "user", "job")),
        )
        found += [f"{route}: tells of {word}" for word in words if word in text]
    return found


async def find_blind_tries_of_all(installed: Installed) -> list[str]:
    """To the other library's own people, each of these things is there."""
    gateway, own = installed.gateway, await make_own_things(installed.gateway, "DEMO")
    await make_user(gateway, "b.foss", *ALL_ROLES)
    api = ApiUser(gateway.url, await make_key(gateway, "DEMO"))
    async with visitor(gateway) as desk, visitor(gateway) as home:
        await Colleague(desk).sign_in("b.foss")
        staff = StaffUser(desk, await Colleague(desk).read_token(), "demo")
        reader = Reader(home, "DEMO", await sign_in_reader(home, "DEMO", PATRON))
        return [
            *await find_blind_tries(installed, reader, READER_TRIES, own),
            *await find_blind_tries(installed, api, API_TRIES, own),
            *await find_blind_tries(installed, staff, STAFF_TRIES, own),
        ]


async def test_each_route_is_tried_or_names_nothing(gateway: Running) -> None:
    """As the application's own router has them; pages of staff have the address of a library, too."""
    listener: Any = gateway.gateway._listeners.http
    routes = {
        f"{route.method} {route.resource.canonical.replace('/staff/{library}', '/staff')}"
        for route in listener._runner.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    tried = {*STAFF_TRIES, *READER_TRIES, *(route.replace(" ", " /api/v1", 1) for route in API_TRIES)}
    nothing = [route for some in NAMES_NOTHING.values() for route in some]
    assert len(nothing) == len({*nothing} - tried)
    assert routes == {*tried, *nothing}


async def sign_in_reader(anna: Visitor, library: str, card: str) -> str:
    """The token of their forms."""
    form = await anna.get(f"/openurl/{library}/sign-in?back=requests")
    token = form.hidden("csrf")
    fields = {"csrf": token, "back": form.hidden("back"), "user": card, "password": PIN}
    answer = await anna.post(f"/openurl/{library}/sign-in", fields)
    assert answer.title == "My account"
    return str(answer.tree.xpath("//input[@name='csrf']/@value")[0])
