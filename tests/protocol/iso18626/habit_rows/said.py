"""What we say to a partner, and the octets that go out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from gateway.domain.library import PostalAddress, RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind, LoanCondition, NamedSupplier
from gateway.domain.requests.request import RequestCosts, RequestedService, Role, Volume, VolumeState
from tests.support.requests import attempt, money

K = EventKind


@dataclass(frozen=True)
class SaidHabit:
    """`role`: ours. `request`: changes of it. `parts` must be in the messages, in this order, `absent` in none; without
    parts there is no such message for this partner. `messages`: how many there are."""

    habit: str
    profile: str
    role: Role
    kind: EventKind
    details: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    messages: int = 1
    account: bool = False
    postal_address: PostalAddress | None = None


def lend(habit: str, profile: str, kind: EventKind, *parts: str, **more: Any) -> SaidHabit:
    return SaidHabit(habit, profile, Role.LENDING, kind, parts=parts, **more)


def borrow(habit: str, profile: str, kind: EventKind, *parts: str, **more: Any) -> SaidHabit:
    return SaidHabit(habit, profile, Role.BORROWING, kind, parts=parts, **more)


CURRENCIES = "http://www.bsi-global.com/Technical+Information/Publications/_Publications/tig90x.doc"
COUNTRIES = "https://www.iso.org/iso-3166-country-codes.html"
KYOTO = PostalAddress(line1="岡崎成勝寺町 9-1", locality="京都市", postal_code="606-8343", region="JP-26", country="JP")
WARSAW = PostalAddress(
    line1="ul. Dobra 56/66", locality="Warszawa", postal_code="00-312", region="Mazowsze", country="PL"
)

NUMBERED = Citation(
    title="Sult", identifiers=(RecordId("isbn", "978-82-00-00001-1"), RecordId("oclc", "123"), RecordId("ppn", "99"))
)
TWO_VOLUMES = (
    Volume("1", "Bd. 1", VolumeState.RECEIVED, "30100-88"),
    Volume("2", "Bd. 2", VolumeState.SHIPPED, "30100-89"),
)
CONDITION = {"conditions": (LoanCondition.LIBRARY_USE_ONLY,), "cost": money("15.00")}

SAID = (
    lend("alma-passes-expectations-over", "alma-18626", K.EXPECT_TO_SUPPLY, "<status>WillSupply</status>"),
    lend(
        "alma-shows-notifications",
        "alma-18626",
        K.CONDITIONAL,
        "<reasonForMessage>RequestResponse</reasonForMessage>",
        "<reasonForMessage>Notification</reasonForMessage><note>Condition: LibraryUseOnly; Cost: 15.00 EUR</note>",
        details=CONDITION,
        messages=2,
    ),
    lend(
        "alma-completes-by-response",
        "alma-18626",
        K.CHECKED_IN,
        "<reasonForMessage>RequestResponse</reasonForMessage>",
        "<status>LoanCompleted</status>",
    ),
    lend(
        "alma-completes-by-response",
        "alma-18626",
        K.SHIPPED,
        "<reasonForMessage>StatusChange</reasonForMessage>",
        "<status>Loaned</status>",
        messages=2,
        request={"answered_in": 1, "version": 1},
    ),
    borrow(
        "alma-accepts-by-note", "alma-18626", K.CONDITION_ACCEPTED, "<action>Notification</action><note>ACCEPT</note>"
    ),
    borrow(
        "alma-rejects-by-note", "alma-18626", K.CONDITION_REFUSED, "<action>Notification</action><note>REJECT</note>"
    ),
    borrow(
        "alma-addresses",
        "alma-18626",
        K.REQUEST,
        "#SHIP_TO#\nBiblioteka Uniwersytecka\nul. Dobra 56/66\n00-312 Warszawa\n#ST_END#",
    ),
    lend(
        "alma-addresses",
        "alma-18626",
        K.SHIPPED,
        "#RETURN_TO#\n京都図書館\n岡崎成勝寺町\n京都市\n#RT_END#",
        messages=2,
    ),
    borrow(
        "alma-listed-numbers",
        "alma-18626",
        K.REQUEST,
        ">ISBN<",
        "<bibliographicRecordIdentifierCode>OCLC</bibliographicRecordIdentifierCode>",
        absent=("ppn",),
        request={"citation": NUMBERED},
    ),
    borrow(
        "alma-listed-levels",
        "alma-18626",
        K.REQUEST,
        "<serviceLevel>Standard</serviceLevel>",
        request={"service": RequestedService(level="by-bicycle")},
    ),
    lend(
        "alma-joined-items",
        "alma-18626",
        K.SHIPPED,
        "<itemId>30100-88,30100-89</itemId>",
        details={"volumes": ("2",), "barcode": "30100-89"},
        request={"volumes": TWO_VOLUMES},
        messages=2,
    ),
    lend(
        "alma-costs-when-sent",
        "alma-18626",
        K.SHIPPED,
        "<deliveryCosts><currencyCode>EUR</currencyCode><monetaryValue>15.00</monetaryValue></deliveryCosts>",
        details={"cost": money("15.00")},
        messages=2,
    ),
    lend(
        "reshare-condition-marker",
        "reshare-18626",
        K.CONDITIONAL,
        "<note>#ReShareAddLoanCondition#</note>",
        "<loanCondition>LibraryUseOnly</loanCondition>",
        details={"conditions": (LoanCondition.LIBRARY_USE_ONLY,)},
    ),
    borrow(
        "reshare-agrees-by-marker",
        "reshare-18626",
        K.CONDITION_ACCEPTED,
        "<action>Notification</action><note>#ReShareLoanConditionAgreeResponse#</note>",
    ),
    lend(
        "crosslink-conditions-by-marker",
        "crosslink-18626",
        K.CONDITIONAL,
        "<note>#ReShareAddLoanCondition#</note>",
        "<status>WillSupply</status>",
        details={"cost": money("15.00")},
    ),
    borrow(
        "crosslink-conditions-by-marker",
        "crosslink-18626",
        K.CONDITION_ACCEPTED,
        "<action>Notification</action><note>#ReShareLoanConditionAgreeResponse#</note>",
    ),
    borrow(
        "crosslink-cancel-names-the-supplier",
        "crosslink-18626",
        K.CONDITION_REFUSED,
        "<agencyIdValue>ELM</agencyIdValue></supplyingAgencyId>",
        "<action>Cancel</action><note>#ReShareLoanConditionRejectResponse#</note>",
        details={"supplier": NamedSupplier(symbol="ELM")},
    ),
    borrow("reshare-refuses-by-cancel", "reshare-18626", K.CONDITION_REFUSED, "<action>Cancel</action>"),
    lend(
        "reshare-packed-items",
        "reshare-18626",
        K.SHIPPED,
        "<itemId>multivol:Bd. 1####30100-88###multivol:Bd. 2####30100-89</itemId>",
        details={"volumes": ("2",), "barcode": "30100-89"},
        request={"volumes": TWO_VOLUMES},
    ),
    lend(
        "reshare-link-in-item-id",
        "reshare-18626",
        K.COPY_DELIVERED,
        "<itemId>https://copies.example/9.pdf</itemId><sentVia>URL</sentVia>",
        details={"link": "https://copies.example/9.pdf"},
        absent=("<note>", "<URL>"),
    ),
    borrow("reshare-no-renewal", "reshare-18626", K.RENEW),
    lend(
        "crosslink-items-in-notes",
        "crosslink-18626",
        K.SHIPPED,
        "<note>Vorsicht\n#MultipleItems#\n30100-88|QL 737|ვეფხისტყაოსანი, Bd. 1\n"
        "30100-89||ვეფხისტყაოსანი, Bd. 2\n#MultipleItemsEnd#</note>",
        "<deliveryInfo><dateSent>",
        absent=("<itemId>",),
        details={"note": "Vorsicht"},
        request={"volumes": (replace(TWO_VOLUMES[0], call_number="QL 737"), TWO_VOLUMES[1])},
    ),
    lend(
        "crosslink-items-in-notes",
        "crosslink-18626",
        K.SHIPPED,
        "<note>#MultipleItems#\n30100-88|QL\\|737|ვეფხისტყაოსანი\n#MultipleItemsEnd#</note>",
        "<itemId>30100-88</itemId>",
        request={"item_barcode": "30100-88", "volumes": (Volume("1", "", call_number="QL|737"),)},
    ),
    lend(
        "crosslink-whole-amounts",
        "crosslink-18626",
        K.SHIPPED,
        "<monetaryValue>50</monetaryValue>",
        details={"cost": money("50.00"), "barcode": "30100-88"},
    ),
    lend(
        "crosslink-whole-amounts",
        "crosslink-18626",
        K.SHIPPED,
        "<note>cost: 12.50 EUR\n#MultipleItems#",
        details={"cost": money("12.50"), "barcode": "30100-88"},
        absent=("monetaryValue",),
    ),
    borrow(
        "crosslink-whole-amounts",
        "crosslink-18626",
        K.REQUEST,
        "<note>maximum cost: 12.50 EUR</note>",
        absent=("monetaryValue", "maximumCosts"),
        request={"costs": RequestCosts(maximum=money("12.50"))},
    ),
    lend(
        "crosslink-reason-duplicate",
        "crosslink-18626",
        K.UNFILLED,
        "<note>reason: duplicate; alt sendt</note><reasonUnfilled>PolicyProblem</reasonUnfilled>",
        details={"reason": "duplicate", "note": "alt sendt"},
    ),
    borrow("crosslink-knows-2017", "crosslink-18626", K.LOST, "<action>Notification</action><note>item lost</note>"),
    borrow(
        "crosslink-knows-2017",
        "crosslink-18626",
        K.MESSAGE,
        "<action>Notification</action><note>return on hold</note>",
        details={"return_on_hold": True},
    ),
    lend(
        "crosslink-knows-2017",
        "crosslink-18626",
        K.MESSAGE,
        "<reasonForMessage>Notification</reasonForMessage><note>return on hold</note>",
        absent=("<status>HoldReturn",),
        details={"return_on_hold": True},
    ),
    lend(
        "crosslink-no-contradictions",
        "crosslink-18626",
        K.CANCEL_REFUSED,
        "<answerYesNo>N</answerYesNo>",
        "<status>Loaned</status>",
    ),
    lend(
        "crosslink-no-contradictions",
        "crosslink-18626",
        K.CANCEL_ACCEPTED,
        "<answerYesNo>Y</answerYesNo>",
        "<status>Cancelled</status>",
    ),
    borrow("lost-in-2017", "iso18626-2017", K.LOST, "<action>Notification</action><note>item lost</note>"),
    borrow("lost-in-2017", "iso18626-2021", K.LOST, "<action>Lost</action>", absent=("<note>",)),
    borrow("koha-few-actions", "koha-18626", K.RECEIVED, "<action>Received</action>"),
    borrow("koha-few-actions", "koha-18626", K.RENEW),
    borrow("koha-few-actions", "koha-18626", K.MESSAGE),
    borrow("koha-few-actions", "koha-18626", K.LOST),
    borrow(
        "koha-own-number-alone",
        "koha-18626",
        K.RECEIVED,
        "<supplyingAgencyRequestId>L-4</supplyingAgencyRequestId>",
    ),
    borrow(
        "koha-fixed-agencies",
        "koha-18626",
        K.RECEIVED,
        "<agencyIdValue>sup_agency_value</agencyIdValue>",
        "<agencyIdValue>req_agency_value</agencyIdValue>",
    ),
    lend(
        "koha-fixed-agencies",
        "koha-18626",
        K.WILL_SUPPLY,
        "<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>sup_agency_value</agencyIdValue>",
        "<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>req_agency_value</agencyIdValue>",
    ),
    borrow(
        "koha-account",
        "koha-18626",
        K.RECEIVED,
        "<accountId>vaar-konto</accountId><securityCode>hemmelig</securityCode>",
        account=True,
    ),
    borrow("koha-closed-lists", "koha-18626", K.REQUEST, "<request>", absent=("preferredEdition", "scheme=")),
    lend(
        "koha-reads-status-alone",
        "koha-18626",
        K.SHIPPED,
        "<supplyingAgencyRequestId>L-4</supplyingAgencyRequestId>",
        "<status>Loaned</status>",
        details={"due": date(2026, 12, 24)},
    ),
    lend(
        "oclc-completes-by-response",
        "worldshare-18626",
        K.CHECKED_IN,
        ">RequestResponse</ns1:reasonForMessage>",
        "<ns1:status>LoanCompleted</ns1:status>",
    ),
    lend(
        "oclc-completes-by-response",
        "worldshare-18626",
        K.SHIPPED,
        ">RequestResponse</ns1:reasonForMessage>",
        "<ns1:status>Loaned</ns1:status>",
        request={"answered_in": 1, "version": 1},
    ),
    borrow(
        "oclc-prefix",
        "worldshare-18626",
        K.RECEIVED,
        'ns1:version="v1_2_2017"',
        'ns1:scheme="http://illtransactions.org/ISO18626/OpenCodeList/AgencyIdTypeList-V1.0">ISIL</ns1:agencyIdType>',
    ),
    lend(
        "oclc-lists-of-others",
        "worldshare-18626",
        K.SHIPPED,
        f'<ns1:currencyCode ns1:scheme="{CURRENCIES}">EUR</ns1:currencyCode>',
        "<ns1:line1>岡崎成勝寺町 9-1</ns1:line1><ns1:locality>京都市</ns1:locality>",
        "<ns1:postalCode>606-8343</ns1:postalCode>"
        f'<ns1:region ns1:scheme="{COUNTRIES}#2012_iso3166-2">JP-26</ns1:region>'
        f'<ns1:country ns1:scheme="{COUNTRIES}">JP</ns1:country>',
        details={"cost": money("15.00")},
        postal_address=KYOTO,
    ),
    borrow(
        "oclc-lists-of-others",
        "worldshare-18626",
        K.REQUEST,
        "<ns1:line2>Mazowsze</ns1:line2><ns1:locality>Warszawa</ns1:locality>",
        f'<ns1:currencyCode ns1:scheme="{CURRENCIES}">EUR</ns1:currencyCode>',
        absent=("<ns1:region",),
        request={"costs": RequestCosts(maximum=money("15.00"))},
        postal_address=WARSAW,
    ),
    borrow(
        "oclc-addresses-in-fields",
        "iso18626-2021",
        K.REQUEST,
        "<line1>ul. Dobra 56/66</line1><locality>Warszawa</locality><postalCode>00-312</postalCode>"
        "<region>Mazowsze</region><country>PL</country>",
        absent=("scheme",),
        postal_address=WARSAW,
    ),
    borrow(
        "oclc-addresses-in-fields",
        "worldshare-18626",
        K.REQUEST,
        "<ns1:line1>ul. Dobra 56/66</ns1:line1><ns1:line2>00-312 Warszawa</ns1:line2>",
        absent=("locality",),
    ),
    borrow(
        "record-of-the-supplier",
        "iso18626-2017",
        K.REQUEST,
        "<supplierUniqueRecordId>1310</supplierUniqueRecordId>",
        request={"attempts": (attempt(transaction="B-17", record="1310"),)},
    ),
    borrow(
        "record-of-the-supplier",
        "iso18626-2017",
        K.REQUEST,
        "<title>Sult</title>",
        absent=("1310",),
        request={"citation": Citation(title="Sult", identifiers=(RecordId("supplier-record", "1310"),))},
    ),
    lend(
        "forwarded-is-unfilled",
        "alma-18626",
        K.FORWARDED,
        "<reasonForMessage>RequestResponse</reasonForMessage><note>forwarded to hagestad</note>",
        "<status>Unfilled</status>",
        "<reasonForMessage>Notification</reasonForMessage><note>forwarded to hagestad</note>",
        details={"partner": "hagestad"},
        messages=2,
    ),
    borrow("plain-attributes", "iso18626-2017", K.RECEIVED, 'ill:version="1.2"'),
)
