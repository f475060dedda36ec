"""A library whose pages all have something to show: empty, with few requests, with many. For tests that look at every
page, and for the pictures of docs/staff.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum

from gateway.domain.library import RecordId
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LibraryParty, Request, RequestedService, Role, ServiceType
from gateway.services.operation.profile_drafts import ProfileDraft
from gateway.store import mailbox
from gateway.store.journal_records import JournalFilter
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.requests import requests
from gateway.store.schema import make_exchange_id
from tests.protocol.pages.support import PATRON, Running
from tests.protocol.staff.request_scenes import RULES as ROTAS
from tests.protocol.staff.request_scenes import (
    act,
    add_partners,
    hear_partner,
    hear_program,
    library_context,
    make_asked,
    make_borrowing,
    make_conditional,
    make_lending,
    reload_request,
    write_journal,
)
from tests.protocol.staff.support import BY_TEST, Colleague, make_user
from tests.support.daemon import Installation
from tests.unit.store.requests.samples import borrowing, lending

RULES = {**ROTAS, "services": {"declaration": {"services": ["copy"]}}}

MARKUP = "<script>alert(1)</script> & <b>more</b>"
LONG = "A history of the tides in shallow seas, with an appendix on the calculation of harbour bars; " * 4
MANY_AUTHORS = "; ".join(
    ("Föhrmann, Hinrich", "Петрова, Ольга", "رحيمي, سلمى", "Wattenmeerhafenvermessungskommission") * 4
)
TITLES = (
    "Les digues de Vaumarin et leurs gardiens",
    "مدن الملح: رحلة في خمسة أجزاء (2nd ed., 1998)",
    "北の港の歴史 🌊",
    "Шум дождя",
    "מפות הים התיכון בימי הביניים",
    LONG,
    MARKUP,
)

PLAIN_TITLES = (
    "Les digues de Vaumarin et leurs gardiens",
    "مدن الملح: رحلة في خمسة أجزاء",
    "北の港の歴史",
    "Шум дождя",
    "מפות הים התיכון בימי הביניים",
    "Salt Roads: Trade and Transport across the Northern Marshes",
    "Η θάλασσα και οι άνεμοι",
)
"""For pictures."""

CONDITIONAL, WRITTEN = "B2026-00001", "L2026-00001"
"""Requests that have a bit of everything: the partner has set a condition, or its messages are in the journal."""

CANDIDATES = "L2026-00002"
"""A request for which several of our copies may be meant."""

REVIEWED = "B2026-00002"
"""A request whose citation can be corrected."""

CHANGED_PROFILE = "altenried"
"""It has a history."""

MANY = 130
"""More than a page of a list."""


class WorldSize(StrEnum):
    EMPTY = "empty"
    FEW = "few"
    MANY = "many"


def prepare_installation(installation: Installation, size: WorldSize) -> None:
    """Before the daemon is started."""
    installation.change(staff={"edit_profiles": True})
    if size is not WorldSize.EMPTY:
        add_partners(installation)


async def fill_world(gateway: Running, size: WorldSize, titles: Sequence[str] = TITLES) -> None:
    """All of it is made up. `titles`: seven."""
    if size is WorldSize.EMPTY:
        return
    await _make_borrowing_requests(gateway, titles)
    await _make_lending_requests(gateway, titles)
    await _make_dead_letters(gateway, titles)
    await _add_mails(gateway, titles[-1])
    await _change_profile(gateway)
    await _replay_message(gateway)
    await make_user(gateway, "m.eriksen", "patron-services", shown_name="مريم إريكسن")
    if size is WorldSize.MANY:
        await _add_many_requests(gateway)


async def make_batches(colleague: Colleague) -> None:
    """What is to be printed becomes batches."""
    waiting = await colleague.get("/print")
    for kind in waiting.tree.xpath("//form//*[@name='kind']/@value"):
        await colleague.post("/print", {"kind": str(kind)}, follow=False)


async def _make_borrowing_requests(gateway: Running, titles: Sequence[str]) -> None:
    await make_conditional(gateway)
    for title in titles[:3]:
        await make_borrowing(gateway, citation=Citation(title=title, author="Оук, Анна"))
    asked = await make_asked(gateway, citation=Citation(title=titles[3]))
    await hear_partner(gateway, asked, EventKind.MESSAGE, note="Kan vi få <2. utgave>?\nHaster!")
    for title in titles[4:]:
        authors = MANY_AUTHORS if title == LONG else ""
        shipped = await make_asked(gateway, citation=Citation(title=title, author=authors))
        due = library_context(gateway).now().date() + timedelta(days=40)
        await hear_partner(gateway, shipped, EventKind.SHIPPED, due=due, barcode=f"39{shipped.number[-8:]}")
    received = await reload_request(gateway, shipped)
    await act(gateway, received, EventKind.RECEIVED)


async def _make_lending_requests(gateway: Running, titles: Sequence[str]) -> None:
    lent = await make_lending(gateway)
    await write_journal(gateway, lent, "<b>Bitte</b> „Свет“".encode())
    await hear_partner(gateway, lent, EventKind.MESSAGE, attempt=0, note="Wir brauchen es bis Freitag.")
    await gateway.requests().create_lending(_lending_draft("The Three-Body Problem", "V-COPIES"))
    for number, title in enumerate(titles):
        await gateway.requests().create_lending(_lending_draft(title, f"V-{number}"))
    copy = await gateway.requests().create_lending(
        _lending_draft(
            "",
            "V-COPY",
            citation=Citation(
                type=CitationType.ARTICLE,
                title="Norsk tidsskrift for is og vann",
                component_title="Om fargen på snø",
                pages="77-91",
            ),
            service=RequestedService(type=ServiceType.COPY),
        ),
    )
    await act(gateway, copy, EventKind.LOCATED)


def _lending_draft(title: str, transaction: str, **more: object) -> LendingDraft:
    said = {
        "citation": Citation(title=title),
        "requester": LibraryParty(symbol="XX-VAUMARIN", profile="vaumarin"),
        "transaction": transaction,
        **more,
    }
    return LendingDraft(**said)  # type: ignore[arg-type]


async def _make_dead_letters(gateway: Running, titles: Sequence[str]) -> None:
    """The library's system refuses what is asked, and works again afterwards."""
    managed = gateway.gateway.managed
    system = managed.contexts["DEMO"].system

    async def refuse_all(*_arguments: object, **_named: object) -> None:
        raise Refused(RefusalReason.UNAUTHORIZED_SERVICE, "The account of the gateway may not do this.")

    works = system.find_bib
    system.find_bib = refuse_all
    try:
        for number, title in enumerate(titles):
            citation = Citation(title=title, identifiers=(RecordId("isbn", "9780306406157"),))
            await gateway.requests().create_lending(_lending_draft(title, f"D-{number}", citation=citation))
        await managed.drain_due_work()
    finally:
        system.find_bib = works


async def _add_mails(gateway: Running, odd_subject: str) -> None:
    context = library_context(gateway)
    known = await gateway.requests().find_request("V-0")
    for number, (sender, subject, text, possible) in enumerate(
        (
            ("ill@vaumarin.example", "RE: votre demande", "Merci. Nous enverrons le livre jeudi.", (known.id,)),
            ("loans@sahil.example", "بخصوص طلبكم", f"رقم الطلب {known.number}\nسماء الشمال", (known.id,)),
            (f"{'a' * 60}@elsewhere.example", odd_subject, LONG.replace(" ", ""), ()),
        )
    ):
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, "ill@demo.example", subject
        mail.set_content(text)
        id_ = make_exchange_id(context.now())
        row = MailRow(
            id=id_,
            spot=MailPosition("DEMO", "ill", 1, number + 1),
            message_id=f"{id_}@{sender.partition('@')[2]}",
            digest=id_,
            at=context.now(),
            outcome=MailOutcome.UNKNOWN,
            profile="",
            reason="message: no matching request",
            open=True,
            sender=sender,
            subject=subject,
            content=mail.as_bytes(),
            possible=possible,
        )
        await context.store.write(lambda c, row=row: mailbox.add_mail(c, row, None))


async def _change_profile(gateway: Running) -> None:
    pages = gateway.gateway._staff_pages
    assert pages is not None
    editing = pages._parts.profile_editing
    current = await editing.read_file(CHANGED_PROFILE)
    draft = ProfileDraft(CHANGED_PROFILE, f"{current.text}contact: ILL desk, Нина Берг\n", current.text)
    await editing.save_draft(await editing.check_draft(draft), "whom to ask", BY_TEST, {"DEMO"})


async def _replay_message(gateway: Running) -> None:
    """Last, so that they stand first in the journal."""
    pages = gateway.gateway._staff_pages
    assert pages is not None
    heard = await hear_program(gateway, "check-out", patron=PATRON, item="ILL-2026-1")
    await pages._parts.replays["DEMO"].replay_message(heard.id, "", BY_TEST)
    jobs, refused = (
        pages._parts.libraries["DEMO"].replay_jobs,
        JournalFilter("DEMO", outcome=heard.outcome, reason=heard.reason),
    )
    await jobs.begin_job(refused, len((await jobs.select_messages(refused)).messages), BY_TEST)


async def _add_many_requests(gateway: Running) -> None:
    context = library_context(gateway)

    def insert_all(transaction: object) -> None:
        for number in range(MANY):
            for made in (_make_row(Role.BORROWING, number), _make_row(Role.LENDING, number)):
                requests.insert_request(transaction, made)  # type: ignore[arg-type]

    await context.store.write(insert_all)


def _make_row(role: Role, number: int) -> Request:
    title = f"{TITLES[number % len(TITLES)]} {number}"
    if role is Role.LENDING:
        return replace(lending(library="DEMO", transaction=f"M-{number}"), citation=Citation(title=title))
    return replace(borrowing(library="DEMO"), citation=Citation(title=title))
