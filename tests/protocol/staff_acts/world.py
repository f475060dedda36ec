"""A library whose staff press a button, and all that is known afterwards. A request is brought into a state once; what
the store holds then is put back before each act, so that a whole table of acts costs seconds."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from sqlalchemy import select

from adapters.library.embedded.tables import holds, items, loans, patron_identifiers, patrons
from adapters.loopback.channel import HUB
from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, LoanCondition, partner_signal
from gateway.domain.requests.request import (
    LibraryParty,
    PatronLink,
    Request,
    RequestedService,
    Role,
    ServiceType,
)
from gateway.domain.requests.request_updates import keep_request
from gateway.domain.requests.task_lists import list_task_names
from gateway.domain.requests.views import ActionRequest, FileUpload, RequestView
from gateway.ports.shared_store import Transaction
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.requests import outbox_queries
from gateway.store.requests.request_rows import parse_message
from gateway.web.staff.staff_request import BANNER_COOKIE
from tests.protocol.ends.world import BROKERED, BROKERING, PROFILES
from tests.protocol.iso18626.far_side import EASY, FarTown
from tests.protocol.pages.support import Answer, Running, Visitor
from tests.protocol.staff.page_walk import read_fields
from tests.protocol.staff.support import ALL_ROLES, Colleague, make_user
from tests.protocol.staff_acts.pages import Act
from tests.support.blank_pdf import write_blank_pdf

BY_POST = "by-post"
"""A partner without any channel: staff write and telephone."""

WITH_MAIL, WITHOUT_MAIL = "21000000000025", "21000000000033"
"""Cards of patrons: the second has no e-mail address."""

STAFF = "r.okafor"
OTHER_BRANCH = "NORTH"

_DECIDED_BY_STAFF = {"lending": {"cancel": "staff", "renew": "staff"}}
_ALL_PROFILES: Mapping[str, Mapping[str, Any]] = {
    **{
        name: {**profile, "partner": {**profile["partner"], "workflow": _DECIDED_BY_STAFF}}
        for name, profile in PROFILES.items()
    },
    BY_POST: {
        "auth": [{"kind": "none"}],
        "partner": {
            "symbols": ["HEM"],
            "name": "Hemlock",
            "address": "1 Mill Lane\nHemlock",
            "workflow": _DECIDED_BY_STAFF,
        },
    },
}
_SYMBOLS = {name: profile["partner"]["symbols"][0] for name, profile in _ALL_PROFILES.items()}
_RULES = {False: EASY, True: BROKERING}

_MAX_ROWS = 200


async def make_acts_template(folder: Path, *, brokered: bool) -> Path:
    """An installation with its sample library, to be copied."""
    settings = {"outbox": {"first_seconds": 1, "longest_seconds": 10}}
    site = Site("OAK", "Oak Library", _ALL_PROFILES, _RULES[brokered], settings)
    config = await asyncio.to_thread(make_installation, folder / "oak", site, 25)
    (config.parent / "art-password").write_text("SESAM-0PEN-7", "utf-8")
    await fill_library(Town(config, FixedClock(START)))
    return config.parent


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A request on its way. `steps`: `us KIND`, `partner KIND`, `patron KIND`, `later DAYS`, `elsewhere` (its pickup
    place is at another branch from now on), `file` (one is added)."""

    name: str
    side: str
    steps: tuple[str, ...] = ()
    service: ServiceType = ServiceType.LOAN
    volumes: tuple[str, ...] = ()
    is_reviewed: bool = False
    cites_ours: bool = False
    patron: str = WITH_MAIL
    partner: str = "iso18626"
    is_telephoned: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """A row of the outbox: to a partner, to the patron, or for the library's system. `name`: kind of the message, of
    the letter or of the step; `note`: what became of it."""

    target: str
    name: str
    status: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the store and the library's system know of a request. Rows of the outbox are by id; `items`, `loans`,
    `holds`: how many of the library's system belong to it."""

    view: RequestView
    messages: Mapping[str, Told]
    letters: Mapping[str, Told]
    steps: Mapping[str, Told]
    tasks: tuple[str, ...]
    items: int
    loans: int
    holds: int

    @property
    def request(self) -> Request:
        return self.view.request


@dataclass
class ActsTown(FarTown):
    """Staff at a browser."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__(template, folder)
        self._saved: dict[str, tuple[sqlite3.Connection, datetime]] = {}
        self.staff: Colleague
        self.barcodes: tuple[str, ...] = ()

    async def __aenter__(self) -> ActsTown:
        await super().__aenter__()
        HUB.add_member("BAY", _hear_nothing)
        running = Running(self.town.gateway, f"http://127.0.0.1:{self.town.gateway.http_port}")
        client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), max_field_size=65_536)
        self._stack.push_async_callback(client.close)
        self.staff = Colleague(Visitor(running.url, client))
        await make_user(running, STAFF, *ALL_ROLES, library="OAK")
        await self.town.context.store.write(_remove_mail_address)
        self.barcodes = await self._find_free_barcodes()
        assert (await self.staff.sign_in(STAFF)).status == 200
        await self.quiet()
        self.save("base")
        return self

    async def _find_free_barcodes(self) -> tuple[str, ...]:
        system = self.town.context.system
        found: list[str] = []
        for bib in await system.search_bibs("a", 60):
            for item in (await system.holdings(bib.id)).items:
                if item.status.value == "available" and item.circulates and not item.hold_count:
                    found.append(item.barcode)
            if len(found) > 2:
                break
        return tuple(found)

    # --- what the store holds is kept and put back -------------------------------------------------------

    def save(self, name: str) -> None:
        kept, _ = self._saved.get(name, (None, None))
        if kept is None:
            kept = self._stack.enter_context(closing(sqlite3.connect(":memory:")))
        source = sqlite3.connect(self._database)
        source.backup(kept)
        source.close()
        self._saved[name] = kept, self.clock.at

    def restore(self, name: str) -> None:
        kept, self.clock.at = self._saved[name]
        target = sqlite3.connect(self._database)
        target.execute("PRAGMA synchronous=OFF")
        kept.backup(target)
        target.close()

    @property
    def _database(self) -> Path:
        return self._folder / "oak" / "data" / "illgate.db"

    # --- a request comes into its state ------------------------------------------------------------------

    async def begin(self, scene: Scene, beside: str = "") -> Request:
        """`beside`: the name of another scene, whose request is there too."""
        self.restore(beside or "base")
        requests = self.town.gateway.managed.libraries["OAK"].requests
        title = "The Three-Body Problem" if scene.cites_ours else "Sult"
        citation = Citation(type=CitationType.BOOK, title=title, author="Hamsun, Knut")
        if scene.service is ServiceType.COPY:
            citation = Citation(type=CitationType.ARTICLE, title="Samtiden", component_title="Sult", pages="1-3")
        service = RequestedService(type=scene.service)
        profile = "iso18626" if scene.partner == BROKERED else scene.partner
        if scene.side == "lending" or scene.partner == BROKERED:
            requester = LibraryParty(symbol=_SYMBOLS[profile], profile=profile)
            number = 2 if beside else 1
            is_keyed = profile == "iso-ill" and not scene.is_telephoned  # its name of a request has two parts
            transaction = f"E-{number}/1" if is_keyed else f"E-{number}"
            draft = LendingDraft(
                citation=citation, requester=requester, transaction=transaction, service=service, volumes=scene.volumes
            )
            request = await requests.create_lending(draft)
        else:
            request = await requests.create_borrowing(
                BorrowingDraft(
                    citation=citation,
                    patron=PatronLink(identifier=scene.patron),
                    partner=scene.partner,
                    service=service,
                    mediated=scene.is_reviewed,
                    volumes=scene.volumes,
                ),
            )
        await self.quiet()
        request = await self.see(request)
        if scene.partner == BROKERED and scene.side == "borrowing":
            assert request.other_leg is not None
            request = (await requests.load_view(request.other_leg.request_id)).request
        for step in scene.steps:
            await self.step(request, step)
        await self.get("/account")  # signed in
        self.save(scene.name)
        return await self.see(request)

    async def step(self, request: Request, step: str) -> None:
        who, _, what = step.partition(" ")
        self.clock.advance(timedelta(minutes=1))
        seen = await self.see(request)
        if who == "later":
            await self.later(days=int(what))
        elif who == "file":
            upload = FileUpload(name="sult.pdf", media_type="application/pdf", content=write_blank_pdf(3))
            await self.town.gateway.managed.libraries["OAK"].requests.attach(request.id, upload, f"staff:{STAFF}", None)
        elif who == "patron":
            await self._act_as_patron(seen, EventKind(what))
        elif who == "partner":
            await self._hear_partner(seen, what)
        else:
            await self.act(seen, EventKind(what.split()[0]), **self._details_of_step(seen, what))
        await self.quiet()
        await self.later(minutes=2)  # nobody undoes it any more

    async def _act_as_patron(self, request: Request, kind: EventKind) -> None:
        action = ActionRequest(kind=kind, details=EventDetails(), actor="patron", version=None)
        await self.town.gateway.managed.libraries["OAK"].requests.apply_action(request.id, action)

    async def _hear_partner(self, request: Request, what: str) -> None:
        kind, *more = what.split()
        context = self.town.context
        details: dict[str, Any] = {}
        if kind == "shipped" and request.role is Role.BORROWING and request.service.type is not ServiceType.COPY:
            details["due"] = (self.clock.now() + timedelta(days=28)).date()
        if "undated" in more:
            details.clear()
        if kind in ("conditional", "retry"):
            details["conditions"] = (LoanCondition.LIBRARY_USE_ONLY,)
        if kind == "message":
            details["note"] = "Which edition?"
        if kind == "copy-delivered":
            details["link"] = "https://elm.example/sult.pdf"
        attempt = request.current if request.role is Role.BORROWING else 0
        event = Event(partner_signal(EventKind(kind)), context.now(), "partner:X", EventDetails(**details), attempt)
        await apply_event(context, EventRequest(request_id=request.id, event=event, prepare=keep_request))

    def _details_of_step(self, request: Request, what: str) -> dict[str, Any]:
        kind, *more = what.split()
        details: dict[str, Any] = {}
        if more and more[0] in ("1", "2"):
            details["volumes"] = (request.volumes[int(more[0]) - 1].id,)
        if more and more[0] == "elsewhere":
            details["pickup"] = OTHER_BRANCH
        match kind:
            case "shipped" | "located":
                details["barcode"] = self.barcodes[1] if "2" in more else self.barcodes[0]
            case "unfilled" | "conditional":
                details |= {"reason": "not-on-shelf"} if kind == "unfilled" else {"note": "Reading room only"}
            case "patron-asked":
                details |= {"reason": "wanted", "note": "Do you still want it?"}
            case "cleared":
                details["reason"] = "§ 60e UrhG"
            case "retry":
                details["retry_after"] = (self.clock.now() + timedelta(days=30)).date()
            case "copy-delivered":
                details["attachment"] = request.attachments[-1].id
        return details

    # --- what is known -----------------------------------------------------------------------------------

    async def look(self, request: Request) -> Facts:
        view = await self.view(request)
        rows = (
            await self.town.context.store.read(
                lambda c: outbox_queries.list_rows_of_request(c, "OAK", request.id, _MAX_ROWS)
            )
        ).rows
        counts = await self.town.context.store.read(lambda c: _count_in_library(c, request.number))
        told: dict[str, dict[str, Told]] = {"partner": {}, "letter": {}, "library": {}}
        for row in rows[::-1]:
            kind = "partner" if row.kind == "order" else row.kind
            if kind in told:
                name = parse_message(row.payload).kind.value if kind == "partner" else row.target
                words = " ".join(filter(None, (row.note, row.error)))
                told[kind][row.id] = Told(target=row.target, name=name, status=row.status.value, note=words)
        return Facts(
            view=view,
            messages=told["partner"],
            letters=told["letter"],
            steps=told["library"],
            tasks=list_task_names(view.request),
            items=counts[0],
            loans=counts[1],
            holds=counts[2],
        )

    async def get(self, path: str) -> Answer:
        """Signs in again where time has signed out."""
        answer = await self.staff.get(path)
        if not answer.tree.xpath("//nav[@id='menu']"):
            assert (await self.staff.sign_in(STAFF)).status == 200
            answer = await self.staff.get(path)
        return answer

    async def post(self, path: str, fields: Sequence[tuple[str, str]]) -> Answer:
        """As a browser sends a form, in which a name may stand several times."""
        token = await self._read_token()
        body = urlencode([("csrf", token), *fields]).encode()
        content_type = "application/x-www-form-urlencoded"
        return await self.staff.browser.post(f"/staff{path}", body, follow=False, Content_Type=content_type)

    async def _read_token(self) -> str:
        """Signed in again where time has signed out."""
        page = await self.get("/account")
        return str(page.tree.xpath("//input[@name='csrf']/@value")[0])

    async def post_files(self, path: str, *files: tuple[str, bytes]) -> Answer:
        """By name and content."""
        token = await self._read_token()
        fields = [('name="csrf"', token.encode()), *((f'name="file"; filename="{one}"', body) for one, body in files)]
        parts = [b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (n.encode(), c) for n, c in fields]
        body = b"".join((*parts, b"--b--\r\n"))
        return await self.staff.browser.post(
            f"/staff{path}", body, follow=False, Content_Type="multipart/form-data; boundary=b"
        )

    async def press(self, act: Act) -> Answer:
        """The redirection, or the form with its mistakes. Where the page asks whether it is meant, it is."""
        answer = await self.staff.browser.post(f"/staff{act.action}", dict(act.fields), follow=False)
        if answer.status != 200:
            return answer
        (form,) = answer.tree.xpath("//main//form[.//input[@name='confirmed']]")
        return await self.staff.browser.post(str(form.get("action")), read_fields(form), follow=False)

    async def undo(self, act: Act, pressed: Answer) -> Answer:
        """By the button that the page would have."""
        (cookie,) = (one for one in pressed.cookies if one.startswith(f"{BANNER_COOKIE}="))
        said = cookie.partition("=")[2].partition(";")[0].partition(".")[0]
        _kind, _text, word = json.loads(base64.urlsafe_b64decode(said))
        fields = {"csrf": dict(act.fields)["csrf"], "act": word}
        return await self.staff.browser.post("/staff/undo", fields, follow=False)

    async def follow(self, answer: Answer) -> Answer:
        """The page that follows, once all that was to be done is done: nobody undoes it any more."""
        await self.later(minutes=3)
        return await self.staff.browser.get(answer.headers["Location"])


async def _hear_nothing(_body: bytes) -> bytes:
    return b'{"refused": null, "detail": "", "repeated": false}'


def _remove_mail_address(connection: Transaction) -> None:
    query = select(patron_identifiers.c.patron_id).where(patron_identifiers.c.value == WITHOUT_MAIL)
    connection.execute(patrons.update().values(contacts=[]).where(patrons.c.id == query.scalar_subquery()))


def _count_in_library(connection: Transaction, number: str) -> tuple[int, int, int]:
    live = (
        (items, items.c.deleted.is_(None)),
        (loans, loans.c.returned.is_(None)),
        (holds, holds.c.closed.is_(None)),
    )
    found = [
        len(connection.execute(select(table.c.id).where(table.c.request_id == number, is_live)).all())
        for table, is_live in live
    ]
    return found[0], found[1], found[2]
