"""Two libraries in one installation: DEMO, in whose world is a thing behind each route, and FJORD."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import MetaData, insert, select

from gateway.domain.clock import SystemClock
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventKind, local_signal
from gateway.domain.requests.request import LibraryParty, PatronLink, Role
from gateway.domain.requests.views import FileUpload
from gateway.domain.roles import Right
from gateway.ports.library_system import HoldWish, PatronKey
from gateway.services.people.api_keys import ApiKeyService, KeyScope
from gateway.services.requests.effects import LETTER
from gateway.store import mailbox
from gateway.store.library_store import LibraryStore
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.requests.outbox_payloads import LetterPayload
from gateway.store.requests.request_rows import parse_request
from gateway.store.schema import make_exchange_id
from gateway.web.staff.recent_acts import RecentAct
from tests.protocol.ncip.test_things_of_others import EVERYTHING
from tests.protocol.pages.support import PATRON, Running
from tests.protocol.pages.test_own_copies import deliver_file
from tests.protocol.staff.page_world import (
    REVIEWED,
    WRITTEN,
)
from tests.protocol.staff.request_scenes import library_context
from tests.protocol.staff.test_operation_pages import BOX as ONE_BOX
from tests.support.blank_pdf import write_blank_pdf
from tests.support.daemon import Installation
from tests.support.yaml_files import read_yaml_file, write_yaml_file

FJORD = {"symbol": "FJORD", "name": "Bibliothèque du Fjord", "requests": "requests-fjord.yml"}
OWN_NUMBERS = "numbers: {borrowing: 'FB-{sequence}', lending: 'FL-{sequence}'}\n"
OWN_CARD = "F-000017"
KEY_NAME = "Portal"
"""Of a key of each library."""
OWN_NAMES: Mapping[str, Mapping[str, str]] = {
    "FJORD": {"own_partner": "nordlys", "own_profile": "nordlys", "own_patron": OWN_CARD},
    "DEMO": {"own_partner": "sahil", "own_profile": "altenried", "own_patron": PATRON},
}

NORDLYS = """
library: FJORD
partner:
  symbols: [XX-NORDLYS]
  name: Nordlys folkebibliotek
  email: ill@nordlys.example
  channel: mail
"""
"""The only profile of FJORD's own."""

SHARED = "sentral"
SHARED_PARTNER = """
partner:
  symbols: [XX-SENTRAL]
  name: Sentralbiblioteket
  email: ill@sentral.example
  channel: mail
each:
  demo: {partner: {email: hafen@sentral.example}, contact: Нина Берг}
  fjord: {partner: {email: fjord@sentral.example}}
"""
"""A partner of both, each with an address of its own there."""
OWN = "kapitel"
"""A partner that each of the two has in its own folder."""
ALONE = "ardea"
"""One that DEMO alone has, in its folder."""
MESH_TITLE = "Isens vei mot havet"
"""Of what DEMO asks of FJORD."""

BOX = {**ONE_BOX, "name": "demo-box", "library": "DEMO"}

UNSTEADY = frozenset({"page_failure", "mailbox", "mailbox_failure"})
"""Tables in which something changes without anybody: counts of tries to sign in, and of mailboxes that are away."""

USED_UP = re.compile(r"{(mail|dismissed|own_mail|closure|filter|key_filter|letter\w*|failed)}")
"""What is there only until something has been done with it."""

Rows = dict[str, list[dict[str, Any]]]


class Layout(StrEnum):
    """How two libraries stand in the files: both in gateway.yml and their partners in profiles/, or each in a folder of
    its own."""

    LISTED = "listed"
    FOLDERS = "folders"


@dataclass(frozen=True)
class Installed:
    """`there` and `never`: the other library's things, and what never was, by the names that stand in tries."""

    gateway: Running
    there: Mapping[str, str]
    never: Mapping[str, str]
    layout: Layout


# --- two libraries ---------------------------------------------------------------------------------------


def share_installation(installation: Installation) -> None:
    """All profiles belong to DEMO but one."""
    for file in (installation.folder / "profiles").glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        if not re.search(r"^(abstract|library):", text, re.MULTILINE):
            file.write_text(f"library: DEMO\n{text}", encoding="utf-8")
    (installation.folder / "profiles" / "nordlys.yml").write_text(NORDLYS, encoding="utf-8")
    (installation.folder / "requests-fjord.yml").write_text(OWN_NUMBERS, encoding="utf-8")


def move_to_folders(installation: Installation) -> None:
    """The same two, each with a folder; what was a profile of one is a partner `for` it. They share a partner besides,
    whose values differ, have partners in their folders, and lend to each other in a mesh."""
    folder = installation.folder
    settings = read_yaml_file(installation.config)
    (demo,) = settings.pop("libraries")
    write_yaml_file(installation.config, settings)
    fjord = {name: value for name, value in FJORD.items() if name != "requests"}
    for short, library in (("demo", demo), ("fjord", fjord)):
        own = folder / "libraries" / short
        own.mkdir(parents=True)
        write_yaml_file(own / "library.yml", library)
    (folder / "requests-fjord.yml").rename(folder / "libraries" / "fjord" / "requests.yml")
    (folder / "partners").mkdir(exist_ok=True)
    for file in (folder / "profiles").glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        if not re.search(r"^abstract:", text, re.MULTILINE):
            said = re.sub(r"^library: (\w+)$", lambda match: f"for: [{match[1].lower()}]", text, flags=re.MULTILINE)
            (folder / "partners" / file.name).write_text(said, encoding="utf-8")
            file.unlink()
    (folder / "partners" / f"{SHARED}.yml").write_text(SHARED_PARTNER, encoding="utf-8")
    for short, name, mail in (("demo", OWN, "hafen"), ("demo", ALONE, "hafen"), ("fjord", OWN, "fjord")):
        own = folder / "libraries" / short / "partners"
        own.mkdir(exist_ok=True)
        write_yaml_file(own / f"{name}.yml", describe_own_partner(name, mail))
    write_yaml_file(folder / "groups.yml", {"coast": {"members": "all", "mesh": True}})


def describe_own_partner(name: str, mail: str) -> dict[str, Any]:
    """Describe a partner that says by NCIP whatever it likes, without a credential, and is told by mail."""
    return {
        "extends": "ncip2",
        "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
        "circulation": EVERYTHING,
        "partner": {"symbols": [symbol_of(name)], "name": name, "email": f"{mail}@{name}.example", "channel": "mail"},
    }


def symbol_of(partner: str) -> str:
    return f"XX-{partner.upper()}"


async def read_rows(gateway: Running, library: str) -> Rows:
    """All rows of one library, by table."""

    def read_all(connection: Any) -> Rows:
        tables = MetaData()
        tables.reflect(connection)
        return {
            name: sorted(
                (dict(row) for row in connection.execute(select(table).where(table.c.library == library)).mappings()),
                key=repr,
            )
            for name, table in tables.tables.items()
            if "library" in table.c and name not in UNSTEADY
        }

    found: Rows = await library_context(gateway).store.read(read_all)
    return found


async def copy_patron(gateway: Running) -> None:
    """FJORD has a patron with the id of one of DEMO, as two library systems that count from 1 have."""

    def copy_rows(connection: Any) -> None:
        tables = MetaData()
        tables.reflect(connection, only=["embedded_patrons", "embedded_patron_identifiers"])
        patrons, numbers = (tables.tables[name] for name in ("embedded_patrons", "embedded_patron_identifiers"))
        id_ = connection.execute(
            select(numbers.c.patron_id).where(numbers.c.library == "DEMO", numbers.c.value == PATRON)
        ).scalar_one()
        row = connection.execute(select(patrons).where(patrons.c.library == "DEMO", patrons.c.id == id_)).one()
        own = {**row._mapping, "library": "FJORD", "identifiers": [["barcode", OWN_CARD]]}
        connection.execute(insert(patrons), [own])
        for type_, value in (("barcode", OWN_CARD), ("internal", id_)):
            said = {"library": "FJORD", "type": type_, "value": value, "patron_id": id_}
            connection.execute(insert(numbers), [said])

    await library_context(gateway).store.write(copy_rows)


async def make_own_things(gateway: Running, library: str) -> Mapping[str, str]:
    """A request and a mail of whoever sends."""
    partner = OWN_NAMES[library]["own_partner"]
    requester = LibraryParty(symbol=symbol_of(partner), profile=partner)
    draft = LendingDraft(citation=Citation(title="Eget verk"), requester=requester, transaction="OWN-1")
    made = await gateway.gateway.managed.libraries[library].requests.create_lending(draft)
    names = {"own_number": made.number, "own_id": made.id, "own_mail": await add_mail(gateway, library)}
    return {**names, **OWN_NAMES[library]}


async def add_mail(gateway: Running, library: str) -> str:
    """That nobody understood; its id."""
    context = gateway.gateway.managed.libraries[library].context
    id_ = make_exchange_id(context.now())
    mail = MailRow(
        id=id_,
        spot=MailPosition(library, id_, 1, 1),
        message_id=f"{id_}@own.example",
        digest=id_,
        at=context.now(),
        outcome=MailOutcome.UNKNOWN,
        profile="",
        reason="message: no matching request",
        open=True,
        sender="ill@own.example",
        subject="Hilsen",
        content=b"From: ill@own.example\r\nTo: ill@fjord.example\r\nSubject: Hilsen\r\n\r\nHei\r\n",
        possible=(),
    )
    await context.store.write(lambda c: mailbox.add_mail(c, mail, None))
    return id_


def get_parts(gateway: Running) -> Any:
    pages: Any = gateway.gateway._staff_pages
    return pages._parts


async def make_key(gateway: Running, library: str) -> str:
    keys = ApiKeyService(LibraryStore(symbol=library, store=library_context(gateway).store, clock=SystemClock()))
    return (await keys.create_key(KEY_NAME, tuple(KeyScope))).key


async def renew_things(gateway: Running) -> Mapping[str, str]:
    """New ones of the other library's in the place of those that a try uses up."""
    library, context = get_parts(gateway).libraries["DEMO"], library_context(gateway)
    day = context.today() + timedelta(days=7)
    closure = await library.closures.add_closure("sahil", day, day, "x", "staff:x")
    kept = await library.saved_filters.save_filter("borrowing", "b.foss", "Havn", "", False)
    kept_by_key = await library.saved_filters.save_filter("borrowing", KEY_NAME, "Havn", "", False)
    mail, dismissed, own_mail = [await add_mail(gateway, "DEMO") for _ in range(3)]
    await library.mails.dismiss_mail(dismissed, "staff:x")
    (letter,) = await library.desk.dead_letters(1, "")
    return {
        "mail": mail,
        "dismissed": dismissed,
        "own_mail": own_mail,
        "closure": closure.id,
        "filter": kept.id,
        "key_filter": kept_by_key.id,
        "letter": letter.id,
        "failed": (await gateway.requests().find_request(letter.request_id)).number,
        "letter_kind": letter.kind,
        "letter_target": letter.target,
        "letter_error": letter.error,
    }


async def make_things(gateway: Running) -> Mapping[str, str]:
    """What the other library has, beyond the world of its pages; as each is called."""
    context, requests = library_context(gateway), gateway.requests()
    delivered = await deliver_file(gateway, with_link=True)
    patron = await context.system.find_patron(PatronKey(PATRON))
    hold = await context.system.place_hold(HoldWish(patron.id, "MAIN", item_barcode="39000000000019"), "hold:1")
    rows = await read_rows(gateway, "DEMO")
    demo = {row["number"]: row for row in rows["request"]}
    copy = next(row for row in rows["request"] if "V-COPY" in str(row["document"]))
    upload = FileUpload(name="Om fargen.pdf", media_type="application/pdf", content=write_blank_pdf(2))
    _, file = await requests.attach(copy["id"], upload, "staff:r.okafor", None)
    await get_parts(gateway).libraries["DEMO"].marks.assign(demo[REVIEWED]["id"], "r.okafor")
    hook = await gateway.gateway.managed.libraries["DEMO"].webhooks.create_subscription(
        "portal", "https://portal.example/hook", ()
    )
    used_up = await renew_things(gateway)
    undoable = RecentAct(
        library="DEMO", user="b.foss", right=Right.MESSAGES_ACT, back="/staff/mail", mail=used_up["dismissed"]
    )
    letter = next(row for row in rows["outbox"] if row["id"] == used_up["letter"])
    borrowed = demo["B2026-00001"]
    told = LetterPayload(
        Event(local_signal(EventKind.SUBMIT), SystemClock().now(), "patron"), parse_request(borrowed["document"])
    )
    notice = await add_notice(gateway, {**letter, "request_id": borrowed["id"], "payload": told.to_json()})
    event = next(row for row in rows["request_message"] if row["role"] == Role.BORROWING)
    heard = next(row for row in rows["message"] if row["direction"] == "in" and row["service"] != "request")
    sent = next(row for row in rows["message"] if row["service"] == "request")
    printed = rows["print_item"][0]
    batch = next(row for row in rows["print_batch"] if row["id"] == printed["batch_id"])
    return {
        **used_up,
        "number": borrowed["number"],
        "request": borrowed["id"],
        "transaction": sent["request_id"],
        "title": "Шум дождя",
        "sent": WRITTEN,
        "sent_id": demo[WRITTEN]["id"],
        "sent_message": sent["id"],
        "copy": copy["number"],
        "copy_id": copy["id"],
        "file": file.id,
        "delivered": delivered.id,
        "reviewed": REVIEWED,
        "reviewed_id": demo[REVIEWED]["id"],
        "talked": next(row["number"] for row in rows["request"] if row["id"] == event["request_id"]),
        "event": event["event_id"],
        "barcode": rows["request_barcode"][0]["barcode"],
        "batch": str(batch["number"]),
        "printed": printed["request_id"],
        "message": heard["id"],
        "exchange": heard["exchange"],
        "content": "Bitte",  # a word of mails in page_world
        "job": rows["replay_job"][0]["id"],
        "profile": "altenried",
        "version": rows["profile_version"][0]["id"],
        "rota": "coast",
        "mailbox": BOX["name"],
        "user": "r.okafor",
        "audit": rows["audit_entry"][-1]["id"],
        "closed": "sahil",
        "webhook": hook.id,
        "notice": notice,
        "act": get_parts(gateway).recent.keep_act(undoable),
        "card": PATRON,
        "patron_id": patron.id,
        "hold": hold.id,
        "in_a_week": (context.today() + timedelta(days=7)).isoformat(),
        "library": "DEMO",
        "nonce": "try-1",
    }


async def make_partner_things(gateway: Running, partner: str) -> Mapping[str, str]:
    """What DEMO has with a partner."""
    library, context = get_parts(gateway).libraries["DEMO"], library_context(gateway)
    day = context.today() + timedelta(days=7)
    closure = await library.closures.add_closure(partner, day, day, "x", "staff:x")
    await gateway.requests().create_lending(
        LendingDraft(
            citation=Citation(title="Les digues de Vaumarin et leurs gardiens"),
            requester=LibraryParty(symbol=symbol_of(partner), profile=partner),
            transaction=f"{partner}-1",
        )
    )
    return {"shared": partner, "closed": partner, "closure": closure.id}


async def ask_in_mesh(gateway: Running) -> Mapping[str, str]:
    """What DEMO asks of FJORD."""
    draft = BorrowingDraft(
        citation=Citation(title=MESH_TITLE),
        patron=PatronLink(identifier=PATRON),
        partner="fjord",
        mediated=False,
        override=True,
    )
    asked = await gateway.requests().create_borrowing(draft)
    await gateway.gateway.managed.drain_due_work()
    return {"number": asked.number, "request": asked.id}


async def add_notice(gateway: Running, row: Mapping[str, Any]) -> str:
    """A letter that went to a patron. No mail server is there to send it to."""
    context, id_ = library_context(gateway), make_exchange_id(SystemClock().now())
    sent = {**row, "id": id_, "lane": f"{id_}/letter", "kind": LETTER, "target": "placed", "status": "done"}

    def insert_row(connection: Any) -> None:
        tables = MetaData()
        tables.reflect(connection, only=["outbox"])
        connection.execute(insert(tables.tables["outbox"]), [sent])

    await context.store.write(insert_row)
    return id_


def make_never(there: Mapping[str, str]) -> Mapping[str, str]:
    """Of the same shape, so that it is not a mistake in another way."""
    turned = str.maketrans("0123456789abcdef", "9876543210fedcba")
    never = {name: f"{value[:-6]}{value[-6:].translate(turned)}" for name, value in there.items()}
    never |= {name: there[name] for name in ("letter_kind", "letter_error", "in_a_week")}
    for name in ("profile", "closed", "rota", "mailbox", "user", "title", "letter_target", "content"):
        never[name] = f"no-{there[name]}"
    numbers = {"number": "B2026-98765", "sent": "L2026-98764", "copy": "L2026-98763", "batch": "87"}
    return {**never, **numbers, "nonce": "try-87", "library": "OSLO"}
