"""Octets of a partner, and what is understood of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from adapters.iso18626.codec import NAMESPACE
from gateway.domain.library import Money, RecordId
from gateway.domain.requests.events import EventKind, FieldChange, LoanCondition, NamedSupplier, ShippedItem
from gateway.domain.requests.request import ServiceType
from tests.protocol.iso18626.habit_rows.messages import (
    ASKING_HEADER,
    BOOK,
    HEADER,
    LOAN,
    MOMENT,
    ROOT,
    SUPPLIER,
    THEIRS,
    write_action,
    write_due,
    write_request,
    write_service,
    write_status,
    write_work,
)

K = EventKind


@dataclass(frozen=True)
class HeardHabit:
    """`understood`: paths into the event; of extras a mapping with those that must be among them. `remarks`: on what is
    out of the ordinary. `profile`: of the shipped ones."""

    habit: str
    octets: str
    kind: EventKind
    understood: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    profile: str = "iso18626-2017"


OF_2021 = ROOT.replace("1.2", "2021-2")
SENT = f"<deliveryInfo><dateSent>{MOMENT}</dateSent>{{}}</deliveryInfo>"
COPY_LINK = "https://copies.example/9.pdf"
SCHEMES = "http://illtransactions.org/ISO18626/OpenCodeList"

FORM = (
    HeardHabit(
        "plain-attributes",
        write_status("Unfilled", info='<reasonUnfilled scheme="x">NotHeld</reasonUnfilled>', root=ROOT).replace(
            "ill:version", "version"
        ),
        K.UNFILLED,
        {"details.reason": "not-held"},
    ),
    HeardHabit(
        "schema-attribute",
        write_status("Unfilled", info='<reasonUnfilled schema="x">NotHeld</reasonUnfilled>'),
        K.UNFILLED,
        {"details.reason": "not-held"},
    ),
    HeardHabit(
        "schema-location",
        write_request(
            root=ROOT.replace(
                ' ill:version="1.2"',
                ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ill:version="1.2" '
                f'xsi:schemaLocation="{NAMESPACE} http://illtransactions.org/schemas/ISO-18626-v1_2.xsd"',
            )
        ),
        K.REQUEST,
    ),
    HeardHabit("oclc-version", write_request(root=ROOT.replace("1.2", "v1_2_2017")), K.REQUEST),
    HeardHabit(
        "reshare-empty-version", write_request(root=ROOT.replace("1.2", "")), K.REQUEST, {}, ("says no version",)
    ),
    HeardHabit(
        "reshare-version-1.0",
        write_request(root=ROOT.replace("1.2", "1.0")).replace("<multipleItemRequestId/>", ""),
        K.REQUEST,
    ),
    HeardHabit("koha-version-2021-3", write_status("WillSupply", root=ROOT.replace("1.2", "2021-3")), K.WILL_SUPPLY),
    HeardHabit(
        "koha-several-formats",
        write_service(
            "<serviceType>Loan</serviceType><serviceLevel>Rush</serviceLevel>"
            "<itemFormat>LargePrint</itemFormat><itemFormat>Printed</itemFormat>",
            OF_2021,
        ),
        K.REQUEST,
        {"request.service.format": "large-print", "request.service.level": "rush"},
        ("a second time",),
    ),
    HeardHabit(
        "version-by-content",
        write_status("RetryPossible", behind="<retryInfo><retryAfter>2026-12-01T23:59:59Z</retryAfter></retryInfo>"),
        K.RETRY,
        {"details.retry_after": date(2026, 12, 1)},
    ),
    HeardHabit("no-namespace", write_request(root='<ISO18626Message version="1.2">'), K.REQUEST, {}, ("no namespace",)),
    HeardHabit(
        "koha-bare-request",
        f'<request xmlns="http://example.com/ill/request">{LOAN}{BOOK}{ASKING_HEADER}</request>',
        K.REQUEST,
        {"request.citation.title": "Sult", "transaction": "4711"},
        ("stands without ISO18626Message", "another namespace"),
        profile="koha-18626",
    ),
    HeardHabit(
        "koha-bare-action",
        f"<requestingAgencyMessage>{HEADER}<action>ShippedReturn</action></requestingAgencyMessage>",
        K.RETURNED,
        {},
        ("stands without ISO18626Message", "no namespace"),
        profile="koha-18626",
    ),
    HeardHabit(
        "oclc-prefix",
        write_status(
            "Unfilled",
            info=f'<reasonUnfilled scheme="{SCHEMES}/ReasonUnfilledList-V1.0">NotOnShelf</reasonUnfilled>',
        )
        .replace("<", "<ns1:")
        .replace("<ns1:/", "</ns1:")
        .replace('xmlns="', 'xmlns:ns1="'),
        K.UNFILLED,
        {"details.reason": "not-on-shelf"},
        profile="worldshare-18626",
    ),
    HeardHabit(
        "code-first",
        write_work(
            "<bibliographicItemId><bibliographicItemIdentifierCode>ISBN</bibliographicItemIdentifierCode>"
            "<bibliographicItemIdentifier>978-82-00-00001-1</bibliographicItemIdentifier></bibliographicItemId>"
        ),
        K.REQUEST,
        {"request.citation.identifiers": (RecordId("isbn", "978-82-00-00001-1"),)},
    ),
    HeardHabit(
        "code-last",
        write_work(
            "<bibliographicItemId><bibliographicItemIdentifier>978-82-00-00001-1</bibliographicItemIdentifier>"
            "<bibliographicItemIdentifierCode>ISBN</bibliographicItemIdentifierCode></bibliographicItemId>"
        ),
        K.REQUEST,
        {"request.citation.identifiers": (RecordId("isbn", "978-82-00-00001-1"),)},
    ),
    HeardHabit(
        "nanoseconds", write_due("2026-12-24T22:30:00.123456789Z"), K.SHIPPED, {"details.due": date(2026, 12, 24)}
    ),
    HeardHabit(
        "zone-without-colon", write_due("2026-12-24T23:59:59+0000"), K.SHIPPED, {"details.due": date(2026, 12, 24)}
    ),
    HeardHabit(
        "koha-local-times",
        write_due("2026-05-21 23:59:00"),
        K.SHIPPED,
        {"details.due": date(2026, 5, 21)},
        profile="koha-18626",
    ),
    HeardHabit("go-empty-time", write_due("0001-01-01T00:00:00Z"), K.SHIPPED, {"details.due": None}, ("not a moment",)),
    HeardHabit("reshare-empty-dates", write_due(""), K.SHIPPED, {"details.due": None}, profile="reshare-18626"),
    HeardHabit(
        "codes-in-lower-case",
        write_status("retrypossible", info="<reasonRetry>onloan</reasonRetry>"),
        K.RETRY,
        {"details.reason": "on-loan"},
    ),
    HeardHabit(
        "codes-of-ones-own",
        write_status("Unfilled", info="<reasonUnfilled>AfterTheFlood</reasonUnfilled>"),
        K.UNFILLED,
        {"details.reason": "other", "details.note": "reason: AfterTheFlood"},
    ),
    HeardHabit(
        "later-schemes",
        write_status(
            "RetryPossible",
            info=f'<reasonRetry ill:scheme="{SCHEMES}/ReasonRetryList-V2.0">AtBindery</reasonRetry>',
            root=OF_2021,
        ),
        K.RETRY,
        {"details.reason": "at-bindery"},
        profile="iso18626-2021",
    ),
    HeardHabit(
        "zfl-records",
        write_work(
            '<title>Faust</title><bibliographicRecordId><bibliographicRecordIdentifierCode ill:scheme="ZFL">TitelId'
            "</bibliographicRecordIdentifierCode><bibliographicRecordIdentifier>1017</bibliographicRecordIdentifier>"
            "</bibliographicRecordId>"
        ),
        K.REQUEST,
        {"request.citation.identifiers": (RecordId("titelid", "1017"),)},
        profile="reshare-18626",
    ),
)

PARTIES = (
    HeardHabit(
        "koha-no-supplier",
        write_request(header=ASKING_HEADER.replace(SUPPLIER, "")),
        K.REQUEST,
        {"receiver": "", "sender": "NO-0030101"},
        profile="koha-18626",
    ),
    HeardHabit(
        "koha-fixed-agencies",
        write_status("Loaned").replace("DE-Brt1", "sup_agency_value").replace("NO-0030101", "req_agency_value"),
        K.SHIPPED,
        {"sender": THEIRS, "receiver": "", "details.transaction": "S-88"},
        profile="koha-18626",
    ),
    HeardHabit(
        "koha-fixed-agencies",
        write_action("Received").replace("DE-Brt1", "sup_agency_value").replace("NO-0030101", "req_agency_value"),
        K.RECEIVED,
        {"sender": THEIRS, "receiver": ""},
        profile="koha-18626",
    ),
    HeardHabit(
        "crosslink-answers-to-the-last",
        write_status("Loaned", "StatusRequestResponse", dates="<dueDate>2026-12-24T23:59:59Z</dueDate>"),
        K.STATUS_REPORT,
        {"details.reported": K.SHIPPED, "details.status": "Loaned", "details.due": date(2026, 12, 24)},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-answers-to-the-last",
        write_status("Unfilled", "StatusRequestResponse", info="<reasonUnfilled>NotOnShelf</reasonUnfilled>"),
        K.STATUS_REPORT,
        {"details.reported": K.UNFILLED, "details.reason": "not-on-shelf"},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-answers-to-the-last",
        write_status("Beamed up", "StatusRequestResponse"),
        K.STATUS_REPORT,
        {"details.reported": None, "details.status": "Beamed up"},
        ("a word that the list doesn't have",),
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-answers-to-the-last",
        write_status("Recalled", "RenewResponse", dates="<dueDate>2026-12-10T23:59:59Z</dueDate>"),
        K.RECALL,
        {"details.due": date(2026, 12, 10)},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-drops-numbers",
        write_action("Received").replace("S-88", ""),
        K.RECEIVED,
        {"transaction": "4711"},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "authority-as-type",
        write_request().replace(
            "<agencyIdType>ISIL</agencyIdType><agencyIdValue>NO-0030101",
            "<agencyIdType>RESHARE</agencyIdType><agencyIdValue>FJORD:1",
        ),
        K.REQUEST,
        {"sender": "RESHARE:FJORD:1"},
        profile="reshare-18626",
    ),
    HeardHabit(
        "oclc-symbols",
        write_request().replace("NO-0030101", "OCLC-FJORD"),
        K.REQUEST,
        {"sender": "OCLC-FJORD"},
        profile="worldshare-18626",
    ),
    HeardHabit(
        "reshare-rota-place",
        write_request().replace("4711", "FJORD-1042~2"),
        K.REQUEST,
        {"transaction": "FJORD-1042~2"},
        profile="reshare-18626",
    ),
    HeardHabit(
        "retry-with-a-new-id",
        write_service(
            "<requestType>Retry</requestType>"
            "<requestingAgencyPreviousRequestId>4710</requestingAgencyPreviousRequestId><serviceType>Loan</serviceType>"
        ),
        K.REQUEST,
        {"request.extras": {"retry": "true", "previous-request": "4710"}},
    ),
    HeardHabit(
        "retry-keeps-its-id",  # test_responder.py shows that it is taken
        write_service(
            "<requestType>Retry</requestType>"
            "<requestingAgencyPreviousRequestId>4711</requestingAgencyPreviousRequestId><serviceType>Loan</serviceType>"
        ),
        K.REQUEST,
        {"transaction": "4711", "request.extras": {"retry": "true", "previous-request": "4711"}},
    ),
    HeardHabit(
        "record-of-the-supplier",
        write_work("<supplierUniqueRecordId>1310</supplierUniqueRecordId>"),
        K.REQUEST,
        {"request.citation.identifiers": (RecordId("supplier-record", "1310"),)},
    ),
    HeardHabit(
        "url-as-address",
        write_service(
            "<serviceType>Copy</serviceType>",
            more="<requestedDeliveryInfo><sortOrder>1</sortOrder><address><electronicAddress>"
            "<electronicAddressType>url</electronicAddressType><electronicAddressData>https://lever.example/17"
            "</electronicAddressData></electronicAddress></address></requestedDeliveryInfo>",
        ),
        K.REQUEST,
        {"request.extras": {"electronic-delivery": "url https://lever.example/17"}},
        profile="reshare-18626",
    ),
    HeardHabit(
        "url-as-address",
        write_service(
            "<serviceType>Copy</serviceType>",
            more="<requestedDeliveryInfo><address><electronicAddress><electronicAddressType>url</electronicAddressType>"
            "<electronicAddressData/></electronicAddress></address></requestedDeliveryInfo>",
        ),
        K.REQUEST,
        {"request.extras": {"delivery-method": "URL"}},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reminder",  # test_responder.py shows that it makes no second request
        write_service("<requestType>Reminder</requestType><serviceType>Loan</serviceType><note>Haster!</note>"),
        K.MESSAGE,
        {"details.note": "The partner reminds us of its request.; Haster!", "details.written": "Haster!"},
    ),
    HeardHabit(
        "lost-in-2017",
        write_action("Notification", "item lost; beklager"),
        K.LOST,
        {"details.note": "item lost; beklager"},
    ),
)

ALMA = (
    HeardHabit(
        "alma-empty-status",
        write_status("", "Notification", "Welche Auflage?"),
        K.MESSAGE,
        {"details.note": "Welche Auflage?"},
        profile="alma-18626",
    ),
    HeardHabit(
        "alma-accepts-by-note", write_action("Notification", "Accept"), K.CONDITION_ACCEPTED, profile="alma-18626"
    ),
    HeardHabit(
        "alma-rejects-by-note", write_action("Notification", "REJECT"), K.CONDITION_REFUSED, profile="alma-18626"
    ),
    HeardHabit(
        "alma-duplicate",
        write_status(
            "Unfilled", "RequestResponse", "DUPLICATE of 01FJ4710", "<reasonUnfilled>NotHeld</reasonUnfilled>"
        ),
        K.UNFILLED,
        {"details.reason": "duplicate", "details.note": "DUPLICATE of 01FJ4710"},
        profile="alma-18626",
    ),
    HeardHabit(
        "alma-addresses",
        write_service("<serviceType>Loan</serviceType><note>Bd. 2 #SHIP_TO#\nUB Fjordby\nStorgata 1\n#ST_END#</note>"),
        K.REQUEST,
        {"request.requester.address": "UB Fjordby\nStorgata 1", "request.citation.note": "Bd. 2"},
        profile="alma-18626",
    ),
    HeardHabit(
        "alma-addresses",
        write_status("Loaned", note="#RETURN_TO#\nUB Graz\nUniversitätsplatz 3a\n#RT_END#"),
        K.SHIPPED,
        {"details.extras": {"return-to": "UB Graz\nUniversitätsplatz 3a"}, "details.note": ""},
        profile="alma-18626",
    ),
    HeardHabit(
        "alma-prefixes",
        write_status("WillSupply", "RequestResponse", "Condition: LibraryUseOnly, Cost: 15.00 EUR"),
        K.CONDITIONAL,
        {"details.cost": Money(Decimal("15.00"), "EUR")},
        profile="alma-18626",
    ),
    HeardHabit(
        "alma-prefixes",
        write_status("CopyCompleted", note="URL: https://kopi.example/17"),
        K.COPY_DELIVERED,
        {"details.link": "https://kopi.example/17"},
        profile="alma-18626",
    ),
    HeardHabit(
        "alma-joined-items",
        write_status("Loaned", behind=SENT.format("<itemId>30100-88,30100-89</itemId>")),
        K.SHIPPED,
        {"details.items": (ShippedItem("30100-88"), ShippedItem("30100-89"))},
        profile="alma-18626",
    ),
    HeardHabit(
        "alma-costs-when-sent",
        write_status(
            "Loaned",
            behind=SENT.format(
                "<deliveryCosts><currencyCode>EUR</currencyCode><monetaryValue>8</monetaryValue></deliveryCosts>"
            ),
        ),
        K.SHIPPED,
        {"details.cost": Money(Decimal(8), "EUR")},
        profile="alma-18626",
    ),
)

RESHARE = (
    HeardHabit(
        "reshare-sequence-numbers",
        write_status("Loaned", note="Handle with care#seq:4#"),
        K.SHIPPED,
        {"details.note": "Handle with care", "details.written": "Handle with care"},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-sequence-numbers",
        write_action("StatusRequest", "#lastSeq:7#"),
        K.STATUS_QUERY,
        {"details.note": ""},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-condition-marker",
        write_status(
            "WillSupply",
            "Notification",
            "#ReShareAddLoanCondition#",
            behind=SENT.format("<loanCondition>LibraryUseOnly</loanCondition>"),
        ).replace("Notification", "RequestResponse"),
        K.CONDITIONAL,
        {"details.conditions": (LoanCondition.LIBRARY_USE_ONLY,), "details.note": ""},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-agrees-by-marker",
        write_action("Notification", "#ReShareLoanConditionAgreeResponse##seq:2#"),
        K.CONDITION_ACCEPTED,
        {"details.note": ""},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-packed-items",
        write_status("Loaned", behind=SENT.format("<itemId>vol. 1##QL737 .C2##30100-88</itemId>")),
        K.SHIPPED,
        {"details.barcode": "30100-88", "details.extras": {"call-number": "QL737 .C2"}},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-packed-items",
        write_status("Loaned", behind=SENT.format("<itemId>multivol:a##b##1###multivol:c##d##2</itemId>")),
        K.SHIPPED,
        {"details.items": (ShippedItem("1", "a", "b"), ShippedItem("2", "c", "d"))},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-link-in-item-id",
        write_status("CopyCompleted", behind=SENT.format(f"<itemId>{COPY_LINK}</itemId><sentVia>URL</sentVia>")),
        K.COPY_DELIVERED,
        {"details.link": COPY_LINK, "details.barcode": "", "details.items": (), "details.note": ""},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-digital-loan",
        write_status(
            "Loaned",
            note="#seq:1#",
            behind=SENT.format(
                f"<itemId>{COPY_LINK}</itemId><sentVia>URL</sentVia><deliveredFormat>URL</deliveredFormat>"
            ),
        ),
        K.COPY_DELIVERED,
        {"details.link": COPY_LINK, "details.barcode": "", "details.items": (), "details.note": ""},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-no-status",
        write_status("", "RequestResponse"),
        K.ACKNOWLEDGED,
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-records",
        write_work(
            "<bibliographicItemId><bibliographicItemIdentifier>978-82-00-00001-1</bibliographicItemIdentifier>"
            "<bibliographicItemIdentifierCode>isbn</bibliographicItemIdentifierCode></bibliographicItemId>"
            '<bibliographicRecordId><bibliographicRecordIdentifierCode ill:scheme="RESHARE">DOI'
            "</bibliographicRecordIdentifierCode><bibliographicRecordIdentifier>10.1000/182"
            "</bibliographicRecordIdentifier></bibliographicRecordId>"
        ),
        K.REQUEST,
        {"request.citation.identifiers": (RecordId("isbn", "978-82-00-00001-1"), RecordId("doi", "10.1000/182"))},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-any-edition",
        write_service("<serviceType>Loan</serviceType><anyEdition>Y</anyEdition>"),
        K.REQUEST,
        {"request.extras": {"any-edition": "true"}},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-delivery-always",
        write_status("WillSupply", "RequestResponse", behind=SENT.format("")),
        K.WILL_SUPPLY,
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-repeats-the-date",  # test_borrowing_effects.py shows that a date that is known is none of its news
        write_status("Loaned", "Notification", "Kart mangler#seq:6#", dates="<dueDate>2026-05-21T23:59:59Z</dueDate>"),
        K.DUE_DATE_CHANGED,
        {"details.due": date(2026, 5, 21), "details.note": "Kart mangler"},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-repeats-the-date",
        write_status("Recalled", "Notification", "Haster#seq:7#", dates="<dueDate>2026-05-21T23:59:59Z</dueDate>"),
        K.MESSAGE,
        {"details.due": date(2026, 5, 21), "details.note": "Haster"},
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-changes-fields",
        write_action(
            "Notification",
            "#ReShareUpdatedField-Neededby:2027-02-15##ReShareUpdatedField-Volume:3##ReShareUpdatedField-Title:C# in a "
            "day##ReShareUpdatedField-MaximumCostsMonetaryValue-25##ReShareUpdatedField-MaximumCostsCurrencyCode-USD#"
            "#ReShareUpdatedField-ServiceLevel-Rush##ReShareUpdatedField-PatronNote:null##ReShareUpdatedField-Mood:calm#"
            "#seq:3#",
        ),
        K.MESSAGE,
        {
            "details.changes": (
                FieldChange("need_by", "2027-02-15"),
                FieldChange("volume", "3"),
                FieldChange("title", "C# in a day"),
                FieldChange("maximum_cost", "25 USD"),
                FieldChange("level", "rush"),
                FieldChange("note", ""),
                FieldChange("Mood", "calm"),
            ),
            "details.note": "Changed by the borrower: Needed by: 2027-02-15; Volume: 3; Title: C# in a day; "
            "Maximum cost: 25 USD; Service level: rush; Note: removed; Mood: calm",
        },
        profile="reshare-18626",
    ),
    HeardHabit(
        "reshare-no-renewal",
        write_status("Overdue", dates="<dueDate>2026-12-24T23:59:59Z</dueDate>"),
        K.OVERDUE,
        {"details.due": date(2026, 12, 24)},
        profile="reshare-18626",
    ),
    HeardHabit("reshare-no-renewal", write_status("Recalled"), K.RECALL, profile="reshare-18626"),
    HeardHabit("reshare-refuses-by-cancel", write_action("Cancel"), K.CANCEL, profile="reshare-18626"),
)

CROSSLINK = (
    HeardHabit(
        "crosslink-opaque",
        write_status("WillSupply", note="Supplier: DE-1, cost: 12.50 EUR; Lesesaal"),
        K.WILL_SUPPLY,
        {"details.supplier": NamedSupplier(symbol="DE-1"), "details.note": "cost: 12.50 EUR; Lesesaal"},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-notices",
        write_status("ExpectToSupply", "Notification", "Vendor: Alma, Supplier: DE-1"),
        K.EXPECT_TO_SUPPLY,
        {"details.supplier": NamedSupplier(symbol="DE-1"), "details.note": "", "details.written": ""},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-notices",
        write_status("ExpectToSupply", note="Vendor: Alma"),
        K.EXPECT_TO_SUPPLY,
        {"details.supplier": None, "details.note": "", "details.written": ""},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-prefix-before-markers",
        write_status("Loaned", note="Supplier: DE-1#MultipleItems#\n1|QL 737|Bd. 1\n#MultipleItemsEnd#"),
        K.SHIPPED,
        {"details.supplier": NamedSupplier(symbol="DE-1"), "details.barcode": "1", "details.note": ""},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-prefix-before-markers",
        write_status("Loaned", note="Supplier: DE-1#RETURN_TO#\nUB Graz\nUniversitätsplatz 3a\n#RT_END#"),
        K.SHIPPED,
        {"details.supplier": NamedSupplier(symbol="DE-1", address="UB Graz\nUniversitätsplatz 3a")},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-returns-to-the-supplier",
        write_status(
            "Loaned",
            behind="<returnInfo><returnAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>DE-1</agencyIdValue>"
            "</returnAgencyId><name>UB Graz (ISIL:DE-1)</name><physicalAddress><line1>Universitätsplatz 3a</line1>"
            "</physicalAddress></returnInfo>",
        ),
        K.SHIPPED,
        {"details.supplier": NamedSupplier(symbol="DE-1", name="UB Graz", address="Universitätsplatz 3a")},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-unfilled-on-the-way",
        write_status(
            "Unfilled",
            "Notification",
            "Supplier: DE-1, missing",
            "<reasonUnfilled>NotOnShelf</reasonUnfilled>",
        ),
        K.FORWARDED,
        {
            "details.supplier": NamedSupplier(symbol="DE-1"),
            "details.reason": "not-on-shelf",
            "details.note": "missing",
        },
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-unfilled-on-the-way",
        write_status(
            "Unfilled",
            "Notification",
            "Supplier: DE-1, missing, Status: Unfilled, Reason: NotOnShelf",
            "<reasonUnfilled>NotOnShelf</reasonUnfilled>",
        ),
        K.FORWARDED,
        {"details.supplier": NamedSupplier(symbol="DE-1"), "details.note": "missing"},
        profile="alma-18626",
    ),
    HeardHabit(
        "crosslink-unfilled-on-the-way",
        write_status("Unfilled"),
        K.UNFILLED,
        {"details.reason": ""},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-expects-each-time", write_status("ExpectToSupply"), K.EXPECT_TO_SUPPLY, profile="crosslink-18626"
    ),
    HeardHabit(
        "crosslink-directory",
        write_service(
            "<serviceType>Loan</serviceType>",
            more="<supplierInfo><sortOrder>1</sortOrder><supplierCode><agencyIdType>ISIL</agencyIdType>"
            "<agencyIdValue>DE-1</agencyIdValue></supplierCode><callNumber>50 MA 4</callNumber></supplierInfo>"
            "<requestingAgencyInfo><name>Fjordby bibliotek</name><address><physicalAddress><line1>Storgata 1</line1>"
            "<locality>Fjordby</locality><postalCode>0155</postalCode></physicalAddress></address>"
            "</requestingAgencyInfo>",
        ),
        K.REQUEST,
        {
            "request.requester.name": "Fjordby bibliotek",
            "request.requester.address": "Storgata 1\n0155 Fjordby",
            "request.extras": {"possible-supplier": "DE-1", "call-number": "50 MA 4"},
        },
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-directory",
        write_status(
            "Loaned",
            behind="<returnInfo><name>UB Graz</name><physicalAddress><line1>Universitätsplatz 3a</line1>"
            "</physicalAddress></returnInfo>",
        ),
        K.SHIPPED,
        {"details.extras": {"return-to": "UB Graz\nUniversitätsplatz 3a"}},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-items-in-notes",
        write_status("Loaned", note="Vorsicht#MultipleItems#\n1|QL 737|Bd. 1\n2||A\\|B\n#MultipleItemsEnd#"),
        K.SHIPPED,
        {"details.items": (ShippedItem("1", "Bd. 1", "QL 737"), ShippedItem("2", "A|B")), "details.note": "Vorsicht"},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-items-with-commas",
        write_status("Loaned", behind=SENT.format("<itemId>30100-88,QL 737,Sult, og mer</itemId>")),
        K.SHIPPED,
        {"details.items": (ShippedItem("30100-88", "Sult, og mer", "QL 737"),), "details.barcode": "30100-88"},
        profile="reshare-18626",
    ),
    HeardHabit(
        "crosslink-items-with-commas",
        write_status("Loaned", behind=SENT.format("<itemId>multivol:1,b,a, og,multivol:,,c</itemId>")),
        K.SHIPPED,
        {"details.items": (ShippedItem("1", "a, og", "b"), ShippedItem("", "c"))},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-items-twice",
        write_status(
            "Loaned",
            note="Supplier: ELM#MultipleItems#\nvol. 1##QL 737##1\n#MultipleItemsEnd#",
            behind=SENT.format("<itemId>vol. 1##QL 737##1</itemId>"),
        ),
        K.SHIPPED,
        {"details.items": (ShippedItem("1", "vol. 1", "QL 737"),), "details.barcode": "1"},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-reason-duplicate",
        write_status("Unfilled", info="<reasonUnfilled>Duplicate</reasonUnfilled>"),
        K.UNFILLED,
        {"details.reason": "duplicate"},
        profile="crosslink-18626",
    ),
    HeardHabit(
        "crosslink-reason-condition",
        write_status("RetryPossible", "RequestResponse", info="<reasonRetry>LoanCondition</reasonRetry>"),
        K.RETRY,
        {"details.reason": "policy", "details.note": "a condition must be met"},
        profile="crosslink-18626",
    ),
)

OTHERS = (
    HeardHabit(
        "oclc-conditions-in-prose",
        write_status("WillSupply", "RequestResponse", "Loan condition: OTHER"),
        K.WILL_SUPPLY,
        {"details.note": "Loan condition: OTHER"},
        profile="worldshare-18626",
    ),
    HeardHabit(
        "oclc-completes-by-response",
        write_status("LoanCompleted", "RequestResponse"),
        K.CHECKED_IN,
        profile="worldshare-18626",
    ),
    HeardHabit(
        "oclc-says-more",
        write_service(
            "<serviceType>Loan</serviceType><startDate>2027-01-01T23:59:59Z</startDate>"
            "<endDate>2027-01-12T23:59:59Z</endDate>",
            more="<supplierInfo><supplierDescription>Beskrivelse</supplierDescription><callNumber>QA 76</callNumber>"
            "<summaryHoldings>v.1-10</summaryHoldings><availabilityNote>on shelf</availabilityNote></supplierInfo>"
            "<requestingAgencyInfo><name>Fjordby bibliotek</name><contactName>Solveig</contactName><address>"
            "<electronicAddress><electronicAddressType>Phone</electronicAddressType>"
            "<electronicAddressData>+47 22 00 00 00</electronicAddressData></electronicAddress></address>"
            "</requestingAgencyInfo>"
            "<billingInfo><paymentMethod>IFM</paymentMethod><billingMethod>Invoice</billingMethod><billingName>Kassen"
            "</billingName><address><physicalAddress><line1>Storgata 2</line1><locality>Fjordby</locality>"
            "</physicalAddress></address></billingInfo>",
        ),
        K.REQUEST,
        {
            "request.dates.start": date(2027, 1, 1),
            "request.dates.end": date(2027, 1, 12),
            "request.extras": {
                "supplier-description": "Beskrivelse",
                "call-number": "QA 76",
                "supplier-holdings": "v.1-10",
                "supplier-availability": "on shelf",
                "contact-name": "Solveig",
                "contact-address": "Phone +47 22 00 00 00",
                "payment-method": "IFM",
                "billing-method": "Invoice",
                "billing-name": "Kassen",
                "billing-address": "Storgata 2, Fjordby",
            },
        },
        profile="worldshare-18626",
    ),
    HeardHabit(
        "oclc-refuses-as-cancelled",
        write_status("Cancelled", "CancelResponse", info="<answerYesNo>N</answerYesNo>"),
        K.CANCEL_REFUSED,
        profile="worldshare-18626",
    ),
    HeardHabit(
        "koha-says-loaned",
        write_status(
            "Loaned",
            dates="<dueDate>2026-05-21 23:59:00</dueDate>",
            behind="<deliveryInfo><dateSent>2026-04-21 10:00:00</dateSent><itemId>39999000001310</itemId>"
            "<serviceType>Loan</serviceType></deliveryInfo>",
            root=OF_2021,
        ),
        K.SHIPPED,
        {"details.barcode": "39999000001310", "details.due": date(2026, 5, 21)},
        profile="koha-18626",
    ),
    HeardHabit(
        "koha-names-the-copy",  # test_responder.py shows that this copy is found
        write_service(
            "<serviceType>Loan</serviceType>"
            "<note>Barcode: 39999000001310; Callnumber: 839.8 HAM; Library: CPL; Notes: </note>"
        ),
        K.REQUEST,
        {
            "request.service.type": ServiceType.LOAN,
            "request.citation.call_number": "839.8 HAM",
            "request.citation.note": "Barcode: 39999000001310; Callnumber: 839.8 HAM; Library: CPL; Notes:",
            "request.extras": {"wanted-item": "39999000001310"},
        },
        profile="koha-18626",
    ),
    HeardHabit(
        "illmock-renews-without-day",
        write_status("Loaned", "RenewResponse", info="<answerYesNo>Y</answerYesNo>"),
        K.RENEW_ACCEPTED,
        {"details.due": None},
    ),
    HeardHabit("illmock-renews-without-day", write_status("Recalled"), K.RECALL, {"details.due": None}),
    HeardHabit(
        "illmock-cost-as-unfilled",
        write_status("Unfilled", info="<reasonUnfilled>CostExceedsMaxCost</reasonUnfilled>"),
        K.UNFILLED,
        {"details.reason": "cost-exceeds-maximum"},
    ),
)

HEARD = (*FORM, *PARTIES, *ALMA, *RESHARE, *CROSSLINK, *OTHERS)
