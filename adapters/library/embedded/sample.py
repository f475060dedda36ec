"""A sample library to try things with."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from adapters.library.embedded import catalogue, holds, item_rows, loans, patrons, sample_catalogue, tables
from adapters.library.embedded.catalogue import CopyDraft
from adapters.library.embedded.library_session import LibrarySession, add_rows, plan_session
from adapters.library.embedded.loan_rules import ANY
from adapters.library.embedded.patrons import PatronRegistration, hash_pin
from adapters.library.embedded.tables import branches
from gateway.domain.library import (
    Block,
    BlockScope,
    Contact,
    ContactKind,
    Money,
    PatronDraft,
    PatronIdentifier,
    PersonName,
    PostalAddress,
)
from gateway.domain.value import replace
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_operations import Fee, LoanCheckOut
from gateway.ports.library_system import HoldWish, PatronKey

FIRST_PATRON = 21000000000017
STEP = 8
PIN = "1234"
KNOWN_AS = "1234567"
"""A second card of the first patron: the number in the published samples of an ILLiad addon."""

BUSY = 40
"""The first of the copies (of those for standard loan) that are out; every 17th from there."""

BLOCKED, EXPIRED, IN_DEBT = 27, 29, 31
"""Places in PEOPLE of those who can't borrow, and why."""

PEOPLE = """
Müller|Ana|adult|MAIN|ger|Bergstadt
Okafor|Chidi|student|SCI|eng|Bergstadt
Novotná|Žofie|adult|NORTH|cze|Lhota
Ørsted-Lind|Kåre|staff|MAIN|dan|Bergstadt
Peñalver|Íñigo|adult|EAST|spa|Vallecas
Łukaszewicz|Bożena|student|SCI|pol|Bergstadt
Şahingöz|İpek|adult|NORTH|tur|Bergstadt
Nguyễn Thị|Hạnh|student|MAIN|vie|Bergstadt
Соколова-Мирная|Вера|adult|MAIN|rus|Берёзовка
Гончаренко|Остап|student|SCI|ukr|Яблунівка
Стоянов|Пламен|adult|EAST|bul|Дъбрава
Παπαλάμπρου|Ελπίδα|adult|NORTH|gre|Ελαιώνας
Βασιλειάδης|Θάνος|student|SCI|gre|Ελαιώνας
النجار|ليلى|adult|MAIN|ara|الواحة
الحداد|كريم|student|SCI|ara|الواحة
بن زيتون|مريم|child|EAST|ara|الواحة
אלמוגי|נועה|adult|NORTH|heb|גבעת האלון
בן-תבור|איתן|student|MAIN|heb|גבעת האלון
欧阳|思远|adult|MAIN|chi|柳河
诸葛|晓梅|student|SCI|chi|柳河
林|書豪文|child|EAST|chi|柳河
小鳥遊|さくら|adult|MAIN|jpn|緑町
五十嵐川|健一|student|SCI|jpn|緑町
남궁|하늘|adult|NORTH|kor|솔마을
제갈|민준|student|MAIN|kor|솔마을
शर्मावत|काव्या|adult|MAIN|hin|आमगाँव
देशपांडेकर|रोहन|student|SCI|hin|आमगाँव
Fitzwarren|Maud|adult|EAST|eng|Eastbrook
Fitzwarren|Toby|child|EAST|eng|Eastbrook
Quennell|Augustin|adult|MAIN|fre|Bergstadt
D'Aubigny-Roche|Océane|student|MAIN|fre|Bergstadt
Szőllősi|Enikő|adult|NORTH|hun|Lhota
Brătianu-Pop|Ilinca|visitor|MAIN|rum|Bergstadt
Jõgeveer|Märt|visitor|MAIN|est|Bergstadt
"""

INSTITUTIONS = (
    # name, symbol, username
    ("Partner Libraries (ILLiad lending)", "ILLIAD", "pseudopatron"),
    ("Eastbrook University Library", "EBU", "inst-ebu"),
    ("Bibliothèque municipale de Valmont", "VALM", "inst-valm"),
    ("Библиотека Берёзовского района", "BERZ", "inst-berz"),
    ("緑町市立図書館", "MDRI", "inst-mdri"),
)
"""Accounts on which our own items are lent to partner libraries."""

SUNDAY, MONDAY = 7, 1

BRANCHES: tuple[tuple[str, str, bool, bool, list[int]], ...] = (
    # code, name, hold shelf, resource sharing, closed weekdays
    ("MAIN", "Central Library", True, False, [SUNDAY]),
    ("NORTH", "North Branch", True, False, [SUNDAY]),
    ("EAST", "East Branch and Children's Library", True, False, [MONDAY, SUNDAY]),
    ("SCI", "Science Library", True, False, []),
    ("RS", "Resource Sharing Library", True, True, [SUNDAY]),
)

SHELVES = {
    "MAIN": (("stacks", "Stacks"), ("reference", "Reading room"), ("media", "Media")),
    "NORTH": (("stacks", "Open shelves"),),
    "EAST": (("stacks", "Open shelves"), ("children", "Children's corner")),
    "SCI": (("stacks", "Level 2"), ("reserve", "Course reserves")),
    "RS": (("ill", "Interlibrary loan shelf"), ("lending", "Lending desk")),
}

CATEGORIES = (
    # code, name, loans, holds, fees before a block, overdue items before a block
    ("adult", "Adults", 30, 10, Decimal(20), 5),
    ("student", "Students", 50, 20, Decimal(20), 5),
    ("child", "Children", 15, 5, None, 10),
    ("staff", "Staff", 100, 50, None, None),
    ("visitor", "Visitors", 5, 3, Decimal(10), 1),
    ("institution", "Partner libraries", 500, 500, None, None),
)

POLICIES = (
    # code, name, circulates, can be put on hold, renewed, recalled
    ("standard", "Standard loan", True, True, True, True),
    ("short", "Short loan", True, True, False, False),
    ("media", "Films and music", True, True, True, False),
    ("reserve", "Course reserve, by the hour", True, False, False, False),
    ("reference", "For use in the library", False, False, False, False),
    ("ill", "Interlibrary loan", True, True, True, True),
    ("ill-library-use", "Interlibrary loan, for use in the library", True, True, False, True),
)

RULES = (
    # category, policy, days, hours, renewals, days per renewal, fine per day, days on the hold shelf, recall days
    (ANY, ANY, 28, None, 2, 28, Decimal("0.20"), 7, 7),
    (ANY, "short", 7, None, 0, 0, Decimal("0.50"), 3, 3),
    (ANY, "media", 14, None, 1, 7, Decimal("0.50"), 7, 7),
    (ANY, "reserve", None, 4, 0, 0, Decimal("1.00"), 1, 1),
    (ANY, "ill", 21, None, 1, 14, Decimal("0.50"), 10, 7),
    (ANY, "ill-library-use", 7, None, 0, 0, Decimal("0.50"), 10, 3),
    ("child", ANY, 28, None, 2, 28, Decimal(0), 7, 7),
    ("staff", ANY, 84, None, 4, 84, Decimal(0), 7, 14),
    ("institution", ANY, 56, None, 2, 28, Decimal(0), 14, 14),
)


async def create_sample(context: LibraryAdapterContext) -> str:
    """Fill a new library; returns in plain lines who and what can be tried. A library that has branches already
    is left as it is."""
    open_session = plan_session(context)
    secret_hash = await asyncio.to_thread(hash_pin, PIN)
    return await context.store.write(lambda connection: _fill_library(open_session(connection), secret_hash))


def _fill_library(session: LibrarySession, secret_hash: str) -> str:
    there = session.connection.scalar(
        select(func.count()).select_from(branches).where(branches.c.library == session.library)
    )
    if there:
        return f"Library {session.library} has data already; no sample data was added."
    write_sample_setup(session)
    people = _write_people(session, secret_hash)
    copies = sample_catalogue.write_sample_catalogue(session)
    _lend_sample_items(session, people, [copy for copy in copies if copy.policy == "standard"])
    return _describe_sample(session, people, copies)


# --- patrons ---------------------------------------------------------------------------------------------


def _write_people(session: LibrarySession, secret_hash: str) -> list[str]:
    """Ids, in the order of PEOPLE and then INSTITUTIONS."""
    drafts = [_person_draft(session, n, line.split("|")) for n, line in enumerate(PEOPLE.strip().splitlines())]
    drafts += [_institution_draft(len(drafts) + n, *entry) for n, entry in enumerate(INSTITUTIONS)]
    ids = []
    for n, draft in enumerate(drafts):
        by = PatronRegistration()
        if n == BLOCKED:
            by = PatronRegistration(
                (Block("card reported lost", frozenset(BlockScope), since=session.today),), "ask for a new card"
            )
        created = patrons.create_patron(session, draft, secret_hash, f"sample:{n}", by)
        ids.append(created.id)
    return ids


def sample_patron_barcode(n: int) -> str:
    """Make the barcode of the n-th patron, from 0."""
    return str(FIRST_PATRON + STEP * n)


def _person_draft(session: LibrarySession, n: int, fields: list[str]) -> PatronDraft:
    surname, given, category, branch, language, town = fields
    identifiers = [
        PatronIdentifier("barcode", sample_patron_barcode(n)),
        PatronIdentifier("username", f"reader{n + 1:02d}"),
    ]
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
        expires=session.today + timedelta(days=-30 if n == EXPIRED else 700),
        language=language,
        date_of_birth=date(2016 if category == "child" else 1965 + n, 1 + n % 12, 1 + n % 28),
    )


def _institution_draft(n: int, name: str, symbol: str, username: str) -> PatronDraft:
    return PatronDraft(
        identifiers=(PatronIdentifier("barcode", sample_patron_barcode(n)), PatronIdentifier("username", username)),
        name=PersonName(name, is_organisation=True),
        category="institution",
        home_library="RS",
        contacts=(Contact(ContactKind.EMAIL, "work", f"ill@{symbol.lower()}.example"),),
        home_institution=symbol,
    )


# --- what is going on ------------------------------------------------------------------------------------


def _lend_sample_items(session: LibrarySession, people: list[str], copies: list[CopyDraft]) -> None:
    """Six loans, one of them overdue, three holds, and a fee that blocks. The first copies stay on the shelf."""
    borrowers = (1, 4, 8, 13, 18, 21)
    long_ago = replace(session, now=session.now - timedelta(days=40))
    for k, n in enumerate(borrowers):
        moment = long_ago if k == 0 else session
        loans.check_out(moment, LoanCheckOut(copies[BUSY + 17 * k].barcode, people[n]), f"sample:loan:{k}")
    for k, n in enumerate((5, 9, 23)):
        wish = HoldWish(people[n], "MAIN", item_barcode=copies[BUSY + 17 * (k + 1)].barcode)
        holds.place_hold(session, wish, f"sample:hold:{k}")
    fee = Fee(people[IN_DEBT], Money(Decimal("34.50"), session.currency), "lost-item")
    patrons.post_fee(session, fee, "sample:fee")


def _describe_sample(session: LibrarySession, people: list[str], copies: list[CopyDraft]) -> str:
    first = patrons.find_patron(session, PatronKey(sample_patron_barcode(0))).patron
    lendable = [copy.barcode for copy in copies if copy.policy == "standard"][:3]
    out = [copy.barcode for copy in copies if copy.policy == "standard"][BUSY + 17]
    reference = next(copy.barcode for copy in copies if copy.policy == "reference")
    three_body = catalogue.search_bibs(session, "three-body problem", 1)[0]
    copy_of_it = item_rows.items_of_bib(session, three_body.id)[0].item.barcode
    pickups = ", ".join(f"{place.code} ({place.name})" for place in catalogue.list_pickup_locations(session))
    return "\n".join(
        (
            f"Library {session.library}: {len(people)} patrons, {len({c.bib_id for c in copies})} records, "
            f"{len(copies)} items.",
            f"  patrons, all with PIN {PIN}:",
            f"    {sample_patron_barcode(0)}  in good standing, category {first.category}; second card {KNOWN_AS}",
            f"    {sample_patron_barcode(1)}  a student with an overdue loan",
            f"    {sample_patron_barcode(BLOCKED)}  blocked (card reported lost)",
            f"    {sample_patron_barcode(EXPIRED)}  membership expired",
            f"    {sample_patron_barcode(IN_DEBT)}  owes 34.50 {session.currency}, more than is allowed",
            "    pseudopatron    a partner library's account (user name); our items are lent to it",
            f"  items on the shelf: {', '.join(lendable)}; on loan: {out}; reading room only: {reference}",
            f"  'The Three-Body Problem' is record {three_body.id}, item {copy_of_it}",
            f"  pickup locations: {pickups}",
        )
    )


def write_sample_setup(session: LibrarySession) -> None:
    library = {"library": session.library}
    holidays = [
        date(session.today.year + n, month, day).isoformat() for n in (0, 1) for month, day in ((1, 1), (12, 25))
    ]
    names = ("code", "name", "pickup", "resource_sharing", "closed_weekdays")
    branches = [dict(zip(names, row, strict=True)) | library | {"closed_dates": holidays} for row in BRANCHES]
    add_rows(session.connection, tables.branches, branches)
    shelves = [
        library | {"branch": branch, "code": code, "name": name}
        for branch, places in SHELVES.items()
        for code, name in places
    ]
    add_rows(session.connection, tables.shelves, shelves)
    _insert_setup_rows(session, tables.categories, CATEGORIES)
    _insert_setup_rows(session, tables.policies, POLICIES)
    _insert_setup_rows(session, tables.loan_rules, RULES)


def _insert_setup_rows(session: LibrarySession, table: Any, rows: tuple[tuple[Any, ...], ...]) -> None:
    names = [column.name for column in table.columns if column.name != "library"]
    add_rows(
        session.connection, table, [{"library": session.library} | dict(zip(names, row, strict=True)) for row in rows]
    )
