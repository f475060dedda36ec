"""Two gateways in one process that know each other by mail: theirs goes out over SMTP into the mailboxes of a real
Dovecot, and each reads its own by IMAP."""

from __future__ import annotations

import asyncio
import mailbox
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import Bib
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request, RequestDates, RequestedService, Role, ServiceType
from gateway.domain.requests.views import ActionRequest, RequestView
from gateway.services.mailbox.poller import find_poller
from gateway.store.mailbox import MailRow
from tests.support.daemon import free_port
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.smtp_sink import Sink, running
from tests.support.yaml_files import read_yaml_file, write_yaml_file

PATRON = "21000000000025"
BOX = "post"

Profile = Mapping[str, Any]


@dataclass
class Side:
    """One library: its gateway, its staff, its mailbox."""

    town: Town
    user: str
    dovecot: Dovecot

    @property
    def address(self) -> str:
        return f"{self.user}@mail.example"

    # --- staff

    async def act(self, request: Request, kind: EventKind, **details: Any) -> None:
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:ada", version=None)
        await self.town.act(request, act)

    async def see(self, request: Request) -> Request:
        return await self.town.see(request)

    async def show(self, request: Request) -> RequestView:
        return await self.town.gateway.managed.libraries[self.town.symbol].requests.load_view(request.id)

    async def unmatched(self) -> Sequence[MailRow]:
        return (await self.town.gateway.managed.libraries[self.town.symbol].mails.list_mails(100, "")).rows

    # --- mail

    async def poll(self) -> int:
        polled = await find_poller(self.town.gateway.mailboxes.pollers, BOX).poll_once()
        return polled.count + polled.again

    def mails(self) -> list[EmailMessage]:
        """All that came, in whichever folder they are now, oldest first."""
        folder = self.dovecot.maildir(self.user)
        found = [message_from_bytes(content, policy=default) for content in self.contents()] if folder.exists() else []
        return [one for one in found if isinstance(one, EmailMessage)]

    def contents(self) -> list[bytes]:
        folder = self.dovecot.maildir(self.user)
        files = [file for file in folder.glob("**/*") if file.parent.name in ("cur", "new") and file.is_file()]
        files.sort(key=lambda file: file.name)  # a Maildir's names begin with the time of delivery
        return [file.read_bytes() for file in files]

    def letter(self, *words: str) -> EmailMessage:
        """The newest whose subject has all of these."""
        return [one for one in self.mails() if all(word in str(one["Subject"]) for word in words)][-1]


class MailPair:
    """`north` borrows from `south`. `profiles`: of the other side, as (north's of south, south's of north), without
    addresses."""

    north: Side
    south: Side

    def __init__(self, folder: Path, dovecot: Dovecot, name: str, profiles: tuple[Profile, Profile]) -> None:
        self.clock = FixedClock(START)
        self.sink = Sink(deliver=self._deliver)
        self._folder = folder
        self._dovecot = dovecot
        self._name = name
        self._profiles = profiles
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> MailPair:
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(running(self.sink))
            north, south = self._profiles
            self.north = await self._side("north", "south", north, opened)
            self.south = await self._side("south", "north", south, opened)
            self._stack = opened.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._stack.aclose()

    def _deliver(self, user: str, content: bytes) -> None:
        if user.startswith(self._name):  # not what goes to patrons
            self._dovecot.deliver(user, content)

    async def _side(self, own: str, other: str, profile: Profile, opened: AsyncExitStack) -> Side:
        partner = {
            "symbols": [other.upper()],
            "name": f"{other.title()}ern Library",
            "email": f"{self._name}-{other}@mail.example",
            "owns": "everything",
            **profile.get("partner", {}),
        }
        site = Site(
            symbol=own.upper(),
            name=f"{own.title()}ern Library",
            profiles={other: {**profile, "partner": partner}},
            requests={
                "intake": {
                    "mediation_default": "straight-through",
                    "locally_owned": "allow",
                    "duplicates": {"action": "allow"},
                },
                "rotas": {"usual": {"lines": [{"partner": other}]}},
                "default_rota": "usual",
            },
        )
        folder, user = self._folder / own, f"{self._name}-{own}"
        config = await asyncio.to_thread(make_installation, folder, site, self.sink.port)
        self._configure(config, user)
        mailbox.Maildir(self._dovecot.maildir(user)).close()
        self._dovecot.own(user)
        town = Town(config, self.clock)
        await fill_library(town)
        await town.start()
        opened.push_async_callback(town.stop)
        return Side(town, user, self._dovecot)

    def _configure(self, config: Path, user: str) -> None:
        settings = read_yaml_file(config)
        port = free_port()
        settings["http"] |= {"port": port, "public_url": f"http://127.0.0.1:{port}"}
        settings["mail"]["sender"] = f"{user}@mail.example"
        settings["mailboxes"] = [
            {
                "name": BOX,
                "host": "127.0.0.1",
                "port": self._dovecot.port,
                "security": "none",
                "user": user,
                "password": "file:mailbox-password",
            }
        ]
        write_yaml_file(config, settings)
        for name in ("mailbox-password", "password"):  # the second is for profiles, which may not name the first
            (config.parent / name).write_text(PASSWORD, encoding="utf-8")

    # --- what happens

    async def quiet(self) -> None:
        """Until nobody has anything left to do, to send or to read."""
        for _ in range(100):
            done = 0
            for side in (self.north, self.south):
                done += await side.town.gateway.managed.drain_due_work()
                done += await side.poll()
            if not done:
                return
        raise AssertionError("the gateways don't come to rest")

    async def asks(
        self, citation: Citation, service: ServiceType = ServiceType.LOAN, volumes: tuple[str, ...] = ()
    ) -> Request:
        """A patron in the north; the request is on its way."""
        draft = BorrowingDraft(
            citation=citation,
            service=RequestedService(service),
            patron=PatronLink(identifier=PATRON),
            dates=RequestDates(),
            volumes=volumes,
            source="api",
            actor="patron",
        )
        north = self.north.town
        request = await north.gateway.managed.libraries[north.symbol].requests.create_borrowing(draft)
        await self.quiet()
        return await self.north.see(request)

    async def theirs(self, ours: Request) -> Request:
        """The south's side of a request of the north."""
        attempt = (await self.north.see(ours)).attempt
        assert attempt is not None
        requests = await self.south.town.requests(Role.LENDING)
        (found,) = [one for one in requests if one.transaction == attempt.transaction]
        return found

    async def twice(self, side: Side) -> None:
        """The newest mail of a mailbox is delivered once more."""
        self._dovecot.deliver(side.user, side.contents()[-1])
        await self.quiet()

    def patrons_mails(self) -> list[EmailMessage]:
        return [one for one in self.sink.mails if "@mail.example" not in str(one["To"])]

    async def books(self) -> list[Bib]:
        """With an ISBN, on the shelves of the south."""
        system = self.south.town.context.system
        found = []
        for bib in await system.search_bibs("a", 60):
            items = (await system.holdings(bib.id)).items
            free = any(one.status.value == "available" and one.circulates and not one.hold_count for one in items)
            if free and any(one.type == "isbn" for one in bib.identifiers):
                found.append(bib)
        return found


def cited(book: Bib) -> Citation:
    return Citation(type=CitationType.BOOK, title=book.title, author=book.author, identifiers=book.identifiers)


def chapter_of(book: Bib) -> Citation:
    return replace(cited(book), type=CitationType.CHAPTER, component_title="Prologue", pages="1-17")
