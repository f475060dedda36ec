"""A made-up request with its two libraries and its reader: what `illgate letter preview` and `illgate check` show."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from gateway.domain.library import Contact, ContactKind, Money, Patron, PatronIdentifier, PersonName, RecordId
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition, ReasonCodes
from gateway.domain.requests.lending_table import LENDING
from gateway.domain.requests.partner_answers import LETTERS
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    LibraryParty,
    LoanTerms,
    PatronLink,
    PatronQuery,
    Request,
    RequestCosts,
    RequestDates,
    RequestedService,
    RequestNote,
    Role,
    ServiceType,
    SupplierAttempt,
)
from gateway.domain.requests.state_table import NotifyPartner
from gateway.domain.value import replace
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import AnswerLink
from gateway.ports.partner_channel import PartnerMessage
from gateway.services.letters.facts import NoticeFacts
from gateway.services.letters.renderer import SlipFacts

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

CITATIONS = {
    "latin": Citation(
        type=CitationType.CHAPTER,
        title="Żegluga na wodach śródlądowych",
        subtitle="historia i współczesność",
        author="Łucja Wójcik-Sørensen",
        component_title="Über die Flößerei auf der Weichsel",
        component_author="Jürgen Großmann",
        edition="2",
        publisher="Oficyna nad Wisłą",
        place="Toruń",
        published="1987",
        pages="112–139",
        identifiers=(RecordId("isbn", "9788300000012"),),
        extras=(CitationExtra("Sigel der Vorlage", "T 87/4411"),),
    ),
    "hebrew": Citation(
        type=CitationType.BOOK,
        title="תולדות הדפוס בגליל",
        author="מרים בן־עמי",
        publisher="הוצאת ההר",
        place="צפת",
        published="1974",
        identifiers=(RecordId("oclc", "990000123"),),
    ),
    "arabic": Citation(
        type=CitationType.ARTICLE,
        title="مجلة علوم المكتبات",
        component_title="فهرسة المخطوطات في المغرب (1850–1920)",
        component_author="سلمى الإدريسي",
        volume="12",
        issue="3",
        pages="45–61",
        published="1998",
        identifiers=(RecordId("issn", "0317-8471"),),
    ),
    "cyrillic": Citation(
        type=CitationType.THESIS,
        title="Библиотечное дело на Урале в XIX веке",
        author="Наталья Сергеевна Ветрова",
        place="Пермь",
        published="2003",
    ),
    "greek": Citation(
        type=CitationType.SCORE,
        title="Τραγούδια της θάλασσας: για φωνή και πιάνο",
        author="Ελένη Παπαθανασίου",
        published="1961",
        identifiers=(RecordId("ismn", "979-0-9000000-1-2"),),
    ),
    "chinese": Citation(
        type=CitationType.BOOK,
        title="江南藏書樓小史",
        author="林書雅",
        publisher="湖畔書局",
        place="杭州",
        published="1936",
        call_number="Z842 .L56 1936",
    ),
    "japanese": Citation(
        type=CitationType.MAP,
        title="瀬戸内海航路図",
        author="海野さくら",
        published="1928",
    ),
}
"""By their script; none of these works exists."""

LIBRARY = LibraryInfo(
    "NO-01",
    "Northfield University Library",
    "1 Example Street, Northfield 4100",
    "ill@northfield.example",
    "+41 99 555 01 00",
)
PARTNER = LibraryParty(
    "SE-77", "seeberg", "Stadtbibliothek Seeberg", "fernleihe@seeberg.example", "Am Markt 1, 99990 Seeberg"
)
PATRON = Patron(
    id="p-1",
    identifiers=(PatronIdentifier("barcode", "21100000001"),),
    name=PersonName("Østergård", "Zoë"),
    category="staff",
    home_library="MAIN",
    contacts=(Contact(ContactKind.EMAIL, "notices", "zoe.ostergard@northfield.example"),),
)

DETAILS = EventDetails(
    due=date(2026, 4, 13),
    reason=ReasonCodes.ON_LOAN.value,
    note="Please handle the binding with care.\nIt was repaired last year.",
    conditions=(LoanCondition.LIBRARY_USE_ONLY, LoanCondition.COST),
    cost=Money(Decimal("12.50"), "EUR"),
    retry_after=date(2026, 3, 23),
    expected=date(2026, 3, 9),
    barcode="SE-77-0045119",
    link="https://ill.northfield.example/copies/Zm9vYmFy",
    status="will-supply",
)

FACTS = NoticeFacts(
    message_id="sample@northfield.example",
    details=DETAILS,
    pickup="Main Library, ground floor",
    hold_until=date(2026, 3, 16),
    link="https://ill.northfield.example/copies/Zm9vYmFy",
    link_until=date(2026, 3, 30),
    answer_yes="https://ill.northfield.example/answer/eWVz",
    answer_no="https://ill.northfield.example/answer/bm8x",
    account="https://ill.northfield.example/my",
    settings="https://ill.northfield.example/openurl/NO-01/settings",
)

SLIP = SlipFacts(barcode="39000000000011", pickup="Main Library, hold shelf", hold_until=date(2026, 3, 11))

_LENDERS = frozenset(
    effect.kind
    for row in LENDING.rows.values()
    for cell in row.values()
    if isinstance(cell, tuple)
    for branch in cell
    for effect in branch.effects
    if isinstance(effect, NotifyPartner)
)
"""What a lender says; all other kinds are shown as a borrower's."""


def sample_request(script: str = "latin", role: Role = Role.BORROWING) -> Request:
    """`script`: a key of CITATIONS."""
    attempt = SupplierAttempt(
        number=1,
        partner="seeberg",
        symbol="SE-77",
        channel="mail",
        transaction="NO-01-2026-000417",
        theirs="SB 5532",
        asked=NOW,
        status=AttemptStatus.WILL_SUPPLY,
    )
    borrowing = Request(
        library="NO-01",
        id="01980000-0000-7000-8000-000000000417",
        role=Role.BORROWING,
        state=BorrowingState.REQUESTED,
        number="2026-000417",
        created=NOW,
        changed=NOW,
        citation=CITATIONS[script],
        service=RequestedService(ServiceType.LOAN, "printed", "core"),
        dates=RequestDates(need_by=date(2026, 5, 29)),
        costs=RequestCosts(maximum=Money(Decimal(25), "EUR")),
        terms=LoanTerms(lender_due=date(2026, 4, 13), patron_due=datetime(2026, 4, 9, 21, 59, tzinfo=UTC)),
        partner=PARTNER,
        transaction="NO-01-2026-000417",
        notes=(RequestNote(NOW, "staff:sample", "The second edition, please.", for_partner=True),),
        patron=PatronLink("p-1", "21100000001", "staff", "MAIN"),
        attempts=(attempt,),
        current=1,
        query=PatronQuery(
            id="q-1",
            about="cost",
            text="The copy costs 12.50 EUR. Do you accept that?",
            asked=NOW,
            answer_by=datetime(2026, 3, 5, 22, 59, tzinfo=UTC),
        ),
    )
    if role is Role.BORROWING:
        return borrowing
    return replace(
        borrowing,
        role=role,
        state=LendingState.LOCATED,
        number="L-2026-000093",
        transaction="SE-2026-8812",
        patron=PatronLink(),
        attempts=(),
        current=0,
        query=None,
        item_barcode="31100004711",
    )


def sample_message(kind: EventKind, script: str = "latin") -> PartnerMessage:
    """Make a message as the side would say it that can."""
    role = Role.LENDING if kind in _LENDERS else Role.BORROWING
    about = sample_request(script, role)
    return PartnerMessage(
        id="01980000-0000-7000-8000-0000000004aa",
        kind=kind,
        at=NOW,
        sender=LibraryParty("NO-01", "", LIBRARY.name, LIBRARY.email, LIBRARY.address),
        receiver=PARTNER,
        role=role,
        transaction=about.transaction,
        details=_sample_details(kind),
        request=about,
    )


def sample_answers(kind: EventKind) -> tuple[AnswerLink, ...]:
    """Links for all that such a letter may be answered with."""
    role = Role.LENDING if kind in _LENDERS else Role.BORROWING
    return tuple(AnswerLink(name, f"https://ill.northfield.example/q/{name}") for name in LETTERS.get((role, kind), ()))


def _sample_details(kind: EventKind) -> EventDetails:
    """Make the details that usually come with it."""
    return EventDetails(**{name: getattr(DETAILS, name) for name in EVENT_CATALOGUE[kind].letter_fields})
