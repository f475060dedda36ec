"""A library to try things with: branches, patrons, a catalogue in many scripts, some loans and holds."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Connection, func, select

from adapters.library.embedded import catalogue, circulation, holds, item_rows, money, patrons
from adapters.library.embedded.circulation import Terms
from adapters.library.embedded.here import Here
from adapters.library.embedded.patrons import Registration
from adapters.library.embedded.pins import hash_pin
from adapters.library.embedded.sample import collection, setup
from adapters.library.embedded.sample.people import INSTITUTIONS, PEOPLE
from adapters.library.embedded.stock import Copy
from adapters.library.embedded.tables import branches
from gateway.domain.library import (
    Block,
    Charge,
    Contact,
    ContactKind,
    Money,
    PatronDraft,
    PatronIdentifier,
    PersonName,
    PostalAddress,
    Scope,
)
from gateway.ports.adapter import LibraryContext
from gateway.ports.library import HoldWish, PatronKey

FIRST_PATRON = 21000000000017
STEP = 8
PIN = "1234"
KNOWN_AS = "1234567"
"""A second card of the first patron: the number in the published samples of an ILLiad addon."""

BUSY = 40
"""The first of the copies (of those for standard loan) that are out; every 17th from there."""

BLOCKED, EXPIRED, IN_DEBT = 27, 29, 31
"""Places in PEOPLE of those who can't borrow, and why."""


async def create_sample(context: LibraryContext) -> str:
    """Fill a new library; returns in plain lines who and what can be tried. A library that has branches already
    is left as it is."""
    here = Here(context.library, context.clock.now(), context.zone, context.currency)
    secret_hash = await asyncio.to_thread(hash_pin, PIN)
    return await context.store.write(lambda connection: _fill(connection, here, secret_hash))


def _fill(connection: Connection, here: Here, secret_hash: str) -> str:
    there = connection.scalar(select(func.count()).select_from(branches).where(branches.c.library == here.library))
    if there:
        return f"Library {here.library} has data already; no sample data was added."
    setup.write(connection, here)
    people = _write_people(connection, here, secret_hash)
    copies = collection.write(connection, here)
    _lend(connection, here, people, [copy for copy in copies if copy.policy == "standard"])
    return _summary(connection, here, people, copies)


# --- patrons ---------------------------------------------------------------------------------------------


def _write_people(connection: Connection, here: Here, secret_hash: str) -> list[str]:
    """Ids, in the order of PEOPLE and then INSTITUTIONS."""
    drafts = [_person(here, n, line.split("|")) for n, line in enumerate(PEOPLE.strip().splitlines())]
    drafts += [_institution(len(drafts) + n, *entry) for n, entry in enumerate(INSTITUTIONS)]
    ids = []
    for n, draft in enumerate(drafts):
        by = Registration()
        if n == BLOCKED:
            by = Registration((Block("card reported lost", frozenset(Scope), since=here.today),), "ask for a new card")
        created = patrons.create(connection, here, draft, secret_hash, f"sample:{n}", by)
        ids.append(created.id)
    return ids


def barcode(n: int) -> str:
    """Of the n-th patron, from 0."""
    return str(FIRST_PATRON + STEP * n)


def _person(here: Here, n: int, fields: list[str]) -> PatronDraft:
    surname, given, category, branch, language, town = fields
    identifiers = [PatronIdentifier("barcode", barcode(n)), PatronIdentifier("username", f"reader{n + 1:02d}")]
    if n == 0:
        identifiers.append(PatronIdentifier("barcode", KNOWN_AS))
    if category == "student":
        identifiers.append(PatronIdentifier("external", f"S{4700 + n}"))
    address = PostalAddress(line1=f"{n + 3} Linden Street", locality=town, postal_code=f"{10200 + 37 * n}")
    return PatronDraft(
        identifiers=tuple(identifiers),
        name=PersonName(surname, given),
        category=category,
        home_library=branch,
        contacts=(
            Contact(ContactKind.EMAIL, "home", f"reader{n + 1:02d}@library.example"),
            Contact(ContactKind.PHONE, "home", f"+49 30 5550{100 + n}"),
            Contact(ContactKind.POSTAL, "home", postal=address),
        ),
        expires=here.today + timedelta(days=-30 if n == EXPIRED else 700),
        language=language,
        date_of_birth=date(2016 if category == "child" else 1965 + n, 1 + n % 12, 1 + n % 28),
    )


def _institution(n: int, name: str, symbol: str, username: str) -> PatronDraft:
    return PatronDraft(
        identifiers=(PatronIdentifier("barcode", barcode(n)), PatronIdentifier("username", username)),
        name=PersonName(name, is_organisation=True),
        category="institution",
        home_library="RS",
        contacts=(Contact(ContactKind.EMAIL, "work", f"ill@{symbol.lower()}.example"),),
        home_institution=symbol,
    )


# --- what is going on ------------------------------------------------------------------------------------


def _lend(connection: Connection, here: Here, people: list[str], copies: list[Copy]) -> None:
    """Six loans, one of them overdue, three holds, and a fee that blocks. The first copies stay on the shelf."""
    borrowers = (1, 4, 8, 13, 18, 21)
    long_ago = Here(here.library, here.now - timedelta(days=40), here.zone, here.currency)
    for k, n in enumerate(borrowers):
        moment = long_ago if k == 0 else here
        circulation.check_out(connection, moment, copies[BUSY + 17 * k].barcode, people[n], f"sample:loan:{k}", Terms())
    for k, n in enumerate((5, 9, 23)):
        wish = HoldWish(people[n], "MAIN", item_barcode=copies[BUSY + 17 * (k + 1)].barcode)
        holds.place(connection, here, wish, f"sample:hold:{k}")
    fee = Charge("", "sample:fee", people[IN_DEBT], "lost-item", Money(Decimal("34.50"), here.currency), here.now)
    money.post(connection, here, fee)


def _summary(connection: Connection, here: Here, people: list[str], copies: list[Copy]) -> str:
    first = patrons.find(connection, here, PatronKey(barcode(0))).patron
    lendable = [copy.barcode for copy in copies if copy.policy == "standard"][:3]
    out = [copy.barcode for copy in copies if copy.policy == "standard"][BUSY + 17]
    reference = next(copy.barcode for copy in copies if copy.policy == "reference")
    three_body = catalogue.search(connection, here, "three-body problem", 1)[0]
    copy_of_it = item_rows.of_bib(connection, here, three_body.id)[0].item.barcode
    pickups = ", ".join(f"{place.code} ({place.name})" for place in catalogue.pickup_locations(connection, here))
    return "\n".join(
        (
            f"Library {here.library}: {len(people)} patrons, {len({c.bib_id for c in copies})} records, "
            f"{len(copies)} items.",
            f"  patrons, all with PIN {PIN}:",
            f"    {barcode(0)}  in good standing, category {first.category}; second card {KNOWN_AS}",
            f"    {barcode(1)}  a student with an overdue loan",
            f"    {barcode(BLOCKED)}  blocked (card reported lost)",
            f"    {barcode(EXPIRED)}  membership expired",
            f"    {barcode(IN_DEBT)}  owes 34.50 {here.currency}, more than is allowed",
            "    pseudopatron    a partner library's account (user name); our items are lent to it",
            f"  items on the shelf: {', '.join(lendable)}; on loan: {out}; reading room only: {reference}",
            f"  'The Three-Body Problem' is record {three_body.id}, item {copy_of_it}",
            f"  pickup locations: {pickups}",
        )
    )
