"""A library with partners that answer by mail: real store, real services, our mail kept, mailboxes in memory."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from sqlalchemy import Connection, select

from gateway.adapter_registry import AdapterRegistry
from gateway.cli.installation import Installation as Opened
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.problems import Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.policy import RequestPolicy
from gateway.domain.requests.request import PatronLink, Request, RequestedService, ServiceType
from gateway.domain.requests.views import ActionRequest, RequestView
from gateway.policies import load_policies
from gateway.ports.incoming_mail import FetchedMail, MailboxClient, MailboxServer, MailboxSnapshot, OpenMailbox
from gateway.ports.outgoing_mail import MailSecurity
from gateway.ports.shared_store import Store
from gateway.profiles import load_profiles
from gateway.runtime.exchange_assembly import make_journal_options
from gateway.runtime.mailbox_services import MailboxServices
from gateway.runtime.managed_requests import ManagedRequests
from gateway.services.mailbox.mail_records import MailboxInfo
from gateway.services.mailbox.poller import MailboxPoller, PollingOptions, PollResult
from gateway.store.journal import Journal
from gateway.store.mailbox import MailOutcome, MailRow
from gateway.store.mailbox import mail as mail_table
from gateway.store.migration import migrate_store
from gateway.store.nodes import Node, SoleLeader
from tests.support.daemon import Installation
from tests.support.yaml_files import write_yaml_file

LIBRARY = "DEMO"
OURS = "ill@demo.example"
FOLDERS = {MailOutcome.DONE: "done", MailOutcome.FAILED: "failed", MailOutcome.UNKNOWN: "unknown"}

BERGEN: dict[str, Any] = {
    "symbols": ["ISIL:NO-02030"],
    "name": "Universitetsbiblioteket i Bergen",
    "email": "fjernlan@ub.bergen.example",
    "channel": "mail",
    "owns": "everything",
}
TARTU: dict[str, Any] = {
    "symbols": ["ISIL:EE-TTU"],
    "name": "Tartu Ülikooli Raamatukogu",
    "email": "rl@tartu.example",
    "channel": "mail",
    "owns": "everything",
}
PARTNERS: Mapping[str, dict[str, Any]] = {"bergen": BERGEN, "tartu": TARTU}
REQUESTS = {
    "rotas": {"all": {"lines": [{"partner": "bergen"}, {"partner": "tartu"}]}},
    "default_rota": "all",
    "intake": {"duplicates": {"action": "allow"}},
}

NOWHERE = MailboxServer(host="127.0.0.1", port=1, user="ill", password="env:NONE")

BOOK = Citation(title="Sult", author="Hamsun, Knut", published="1890")
ARTICLE = Citation(title="Historisk tidsskrift", component_title="Fiskerne i nord", pages="12-31", volume="101")


@dataclass
class Kept:
    """A mailer that keeps what it gets. `failures`: of the next tries, which are kept in `tried` like all."""

    mails: list[EmailMessage] = field(default_factory=list)
    tried: list[EmailMessage] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def send(self, message: EmailMessage) -> str:
        self.tried.append(message)
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(message)
        return "250 2.0.0 Ok"


@dataclass
class MemoryMailbox:
    """An IMAP server's mailbox, as far as the port goes. `folders` by name: contents by UID. `breaks`: names of calls
    that fail once."""

    folders: dict[str, dict[int, bytes]] = field(default_factory=lambda: {"INBOX": {}})
    uid_validity: int = 7
    next_uid: int = 1
    marked: set[int] = field(default_factory=set)
    breaks: list[str] = field(default_factory=list)
    opened: int = 0
    most_at_once: int = 0

    def deliver(self, *contents: bytes) -> None:
        for content in contents:
            self.folders["INBOX"][self.next_uid] = content
            self.next_uid += 1

    def made_anew(self) -> None:
        """The same mails under other UIDs, as after a restore from backup."""
        contents = list(self.folders["INBOX"].values())
        self.folders["INBOX"] = {}
        self.uid_validity += 1
        self.next_uid = 1
        self.deliver(*contents)

    def count(self, folder: str) -> int:
        return len(self.folders.get(folder, {}))

    # --- the port

    async def open(self, server: MailboxServer) -> OpenMailbox:
        self._may("open")
        self.opened += 1
        return self

    async def list_messages(self) -> MailboxSnapshot:
        self._may("look")
        return MailboxSnapshot(self.uid_validity, tuple(sorted(set(self.folders["INBOX"]) - self.marked)))

    async def sizes(self, uids: Sequence[int]) -> Mapping[int, int]:
        inbox = self.folders["INBOX"]
        return {uid: len(inbox[uid]) for uid in uids if uid in inbox}

    async def fetch(self, uids: Sequence[int]) -> Sequence[FetchedMail]:
        self._may("fetch")
        inbox = self.folders["INBOX"]
        self.most_at_once = max(self.most_at_once, sum(len(inbox[uid]) for uid in uids if uid in inbox))
        return tuple(FetchedMail(uid, inbox[uid]) for uid in uids if uid in inbox)

    async def head(self, uid: int) -> bytes:
        return self.folders["INBOX"][uid].replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n"

    async def move(self, uids: Sequence[int], folder: str) -> None:
        self._may("move")
        if not folder:
            self.marked |= set(uids)
            return
        for uid in uids:
            content = self.folders["INBOX"].pop(uid)
            target = self.folders.setdefault(folder, {})
            target[len(target) + 1] = content

    async def supports_idle(self) -> bool:
        return False

    async def wait(self, seconds: float) -> None:
        self._may("wait")

    async def close(self) -> None:
        return None

    def _may(self, call: str) -> None:
        if call in self.breaks:
            self.breaks.remove(call)
            raise Unavailable(f"the connection is gone at {call}")


@dataclass(frozen=True)
class MailHouse:
    managed: ManagedRequests
    adapters: AdapterRegistry
    boxes: MailboxServices
    store: Store
    mailer: Kept
    mailbox: MemoryMailbox
    poller: MailboxPoller
    policies: dict[str, RequestPolicy]
    change_profile: Callable[[str, Mapping[str, Any]], None]
    """From now on another profile has this name."""

    # --- our side

    async def asked(self, *, copy: bool = False, citation: Citation | None = None) -> Request:
        """A request of a patron; Bergen is asked by mail."""
        draft = BorrowingDraft(
            citation=citation or (ARTICLE if copy else BOOK),
            service=RequestedService(ServiceType.COPY if copy else ServiceType.LOAN),
            patron=PatronLink(identifier="21000000000017"),
            mediated=False,
        )
        request = await self.managed.libraries[LIBRARY].requests.create_borrowing(draft)
        await self.managed.drain_due_work()
        return (await self.show(request)).request

    async def show(self, request: Request) -> RequestView:
        return await self.managed.libraries[LIBRARY].requests.load_view(request.id)

    async def act(self, request: Request, kind: EventKind) -> Request:
        done = await self.managed.libraries[LIBRARY].requests.apply_action(
            request.id, ActionRequest(kind=kind, actor="staff:ada", version=None)
        )
        await self.managed.drain_due_work()
        return done

    @property
    def last_sent(self) -> EmailMessage:
        return self.mailer.mails[-1]

    def reply(self, text: str, **headers: str) -> bytes:
        """To the last mail that went out."""
        sent = self.last_sent
        given = {"In-Reply-To": str(sent["Message-ID"]), "Subject": f"Re: {sent['Subject']}", **headers}
        return mail(text, **given)

    # --- mails

    async def poll(self) -> PollResult:
        return await self.poller.poll_mails(self.mailbox)

    async def comes(self, *contents: bytes) -> PollResult:
        """Delivered, read, and all that follows from it done."""
        self.mailbox.deliver(*contents)
        polled = await self.poll()
        await self.managed.drain_due_work()
        return polled

    async def waiting(self) -> tuple[MailRow, ...]:
        return (await self.managed.libraries[LIBRARY].mails.list_mails(200, "")).rows

    def another_poller(self, **rounds: Any) -> MailboxPoller:
        return self._poller(self.poller.box, rounds)

    def take_files(self, **rules: Any) -> None:
        """From now on by other rules: `copies` of requests.yml."""
        policy = self.policies[LIBRARY]
        self.policies[LIBRARY] = policy.model_copy(update={"copies": policy.copies.model_copy(update=rules)})

    def at_imap(self, port: int, client: MailboxClient, user: str = "ill", **rounds: Any) -> MailboxPoller:
        """Of a real server, without TLS."""
        server = replace(NOWHERE, port=port, user=user, security=MailSecurity.NONE, seconds=10)
        return self._poller(self.poller.box, rounds, client, server)

    def _poller(
        self,
        box: MailboxInfo,
        rounds: dict[str, Any],
        client: MailboxClient | None = None,
        server: MailboxServer | None = None,
    ) -> MailboxPoller:
        return MailboxPoller(
            box=box,
            server=server or NOWHERE,
            rounds=replace(PollingOptions(folders=FOLDERS), **rounds),
            client=client or self.mailbox,
            processor=self.boxes.processor,
            store=self.store,
            leader=SoleLeader(),
            clock=SystemClock(),
        )


def mail(text: str = "", sender: str = "fjernlan@ub.bergen.example", **headers: str) -> bytes:
    """A mail of Bergen's in plain text; header names with `_` for `-`."""
    message = EmailMessage(policy=SMTP)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    message["From"] = named.pop("From", sender)
    message["To"] = OURS
    for name, value in {
        "Message-ID": f"<{abs(hash((text, sender, *headers.values())))}@bergen.example>",
        **named,
    }.items():
        message[name] = value
    message.set_content(text)
    return message.as_bytes()


def prepare(
    installation: Installation,
    partners: Mapping[str, dict[str, Any]] = PARTNERS,
    requests: Mapping[str, Any] = REQUESTS,
) -> None:
    """Partners (their section `partner`, or whole profiles), their rota, and a mail server that isn't there."""
    for name, partner in partners.items():
        path = installation.folder / "profiles" / f"{name}.yml"
        profile = partner if "partner" in partner else {"partner": partner}
        write_yaml_file(path, profile)
    write_yaml_file(installation.folder / "requests.yml", requests)
    installation.change(
        http={"public_url": "https://ill.demo.example"},
        mail={"host": "127.0.0.1", "security": "none", "sender": OURS},
    )


@contextlib.asynccontextmanager
async def mail_house(
    installation: Installation,
    partners: Mapping[str, dict[str, Any]] = PARTNERS,
    requests: Mapping[str, Any] = REQUESTS,
    clock: Clock | None = None,
) -> AsyncIterator[MailHouse]:
    """`clock`: of what happens to requests; the system's where none is given."""
    prepare(installation, partners, requests)
    opened = Opened(installation.config)
    settings, parts, loading = opened.settings, opened.parts, opened.profiles
    assert not loading.problems, [str(problem) for problem in loading.problems]
    profiles = [loading.profiles]

    def change_profile(name: str, content: Mapping[str, Any]) -> None:
        path = installation.folder / "profiles" / f"{name}.yml"
        write_yaml_file(path, content)
        profiles.append(load_profiles(settings.profiles_folder, opened.adapters, settings))

    policies = {LIBRARY: load_policies(settings, loading.profiles).for_library(LIBRARY)}
    store = parts.open_store()
    await migrate_store(store, *parts.migration_histories)
    clock = clock or SystemClock()
    options = make_journal_options(parts)
    journal = Journal(store, options)
    managed = ManagedRequests(
        settings=settings,
        adapters=opened.adapters,
        clock=clock,
        secrets=lambda reference: reference,
        store=store,
        journal=journal,
        libraries=await parts.open_libraries(store),
        profiles=lambda: profiles[-1],
        policies=lambda symbol: policies[symbol],
        node=Node(store, "test"),
    )
    kept = Kept()
    managed.channels.update(managed.make_mailer_channels(kept))
    boxes = MailboxServices(
        settings=settings,
        adapters=opened.adapters,
        clock=clock,
        store=store,
        managed=managed,
        profiles=lambda: profiles[-1],
        journal=journal,
        options=options,
    )
    mailbox = MemoryMailbox()
    box = MailboxInfo(name="ill", library=LIBRARY)
    poller = MailboxPoller(
        box=box,
        server=NOWHERE,
        rounds=PollingOptions(folders=FOLDERS),
        client=mailbox,
        processor=boxes.processor,
        store=store,
        leader=SoleLeader(),
        clock=clock,
    )
    try:
        yield MailHouse(managed, opened.adapters, boxes, store, kept, mailbox, poller, policies, change_profile)
    finally:
        await managed.close_clients()
        await journal.close()
        await store.close()


async def mail_rows(store: Store) -> list[tuple[str, str]]:
    """Outcome and reason of every mail that was taken, oldest first."""

    def work(connection: Connection) -> list[tuple[str, str]]:
        found = connection.execute(select(mail_table.c.outcome, mail_table.c.reason).order_by(mail_table.c.id))
        return [(outcome, reason) for outcome, reason in found]

    return await store.read(work)
