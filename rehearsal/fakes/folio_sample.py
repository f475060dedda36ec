"""Content of a fake FOLIO at the start: codes, patrons and items, made up."""

from __future__ import annotations

from datetime import timedelta

from rehearsal.fakes.folio import FakeFolio
from rehearsal.fakes.folio_circulation import ITEMS
from rehearsal.fakes.folio_queries import FolioRecord
from rehearsal.fakes.folio_records import make_id, write_moment

SERVICE_POINTS = (("MAIN", "Main desk"), ("NORTH", "North branch"), ("RS", "Interlibrary loan office"))
LOCATIONS = (("stacks", "Stacks", "MAIN"), ("north", "North shelves", "NORTH"), ("ill", "Interlibrary loan", "RS"))
LOAN_TYPES = ("standard", "reference", "ill")
GROUPS = ("adult", "visitor")
FEE_TYPES = ("ill-fee", "lost-item", "Overdue fine")
IDENTIFIER_TYPES = ("ISBN", "ISSN", "OCLC", "LCCN", "DOI")

PEOPLE = (
    ("21000000000017", "Müller", "Ana"),
    ("21000000000025", "Папалазарова", "Нина"),
    ("21000000000033", "欧阳", "思远"),
    ("21000000000041", "אלמוגי", "נועה"),
    ("21000000000049", "شمس", "ليلى"),
)
BLOCKED, EXPIRED = "21000000000041", "21000000000049"
PIN = "1234"

ITEMS_OF_TITLES = (
    ("Вишнёвый сад", "Чехов, Антон", ("ISBN", "978-0-00-001001-8"), "standard", ("39000000000011",)),
    ("紅楼夢", "曹雪芹", ("OCLC", "90001002"), "standard", ("39000000000019", "39000000000027")),
    ("Atlas für den Lesesaal", "Söhnlein, Grete", None, "reference", ("39000000000035",)),
)


def fill_sample(fake: FakeFolio) -> None:
    """Codes, five patrons (one blocked, one expired) and four items."""
    _fill_codes(fake)
    for barcode, surname, given in PEOPLE:
        _add_person(fake, barcode, surname, given)
    for title, author, number, loan_type, barcodes in ITEMS_OF_TITLES:
        _add_title(fake, title, author, number, loan_type, barcodes)
    fake.rules.not_lent = frozenset({"reference"})


def _fill_codes(fake: FakeFolio) -> None:
    def add(path: str, word: str, /, **fields: object) -> None:
        fake.records.insert_record(path, {"id": make_id(f"{path}/{word}"), **fields})

    for group in GROUPS:
        add("/groups", group, group=group)
    add("/addresstypes", "Home", addressType="Home")
    for code, name in SERVICE_POINTS:
        add("/service-points", code, code=code, name=name, discoveryDisplayName=name, pickupLocation=True)
    for code, name, point in LOCATIONS:
        primary = make_id(f"/service-points/{point}")
        add("/locations", code, code=code, name=name, primaryServicePoint=primary, servicePointIds=[primary])
    for name in LOAN_TYPES:
        add("/loan-types", name, name=name)
    for name in ("book", "interlibrary loan"):
        add("/material-types", name, name=name)
    add("/instance-types", "zzz", name="unspecified", code="zzz", source="rdacontent")
    for name in IDENTIFIER_TYPES:
        add("/identifier-types", name, name=name)
    for name in ("Personal name", "Corporate name"):
        add("/contributor-name-types", name, name=name)
    for name in ("FOLIO", "MARC"):
        add("/holdings-sources", name, name=name)
    add("/cancellation-reason-storage/cancellation-reasons", "ILL", name="Interlibrary loan ended")
    add("/owners", "ILL", owner="Interlibrary loan")
    for name in FEE_TYPES:
        add("/feefines", name, feeFineType=name, ownerId=make_id("/owners/ILL"))


def _add_person(fake: FakeFolio, barcode: str, surname: str, given: str) -> None:
    user_id = make_id(f"/users/{barcode}")
    ends = fake.now() + timedelta(days=-1 if barcode == EXPIRED else 900)
    fake.records.insert_record(
        "/users",
        {
            "id": user_id,
            "barcode": barcode,
            "username": f"user{barcode[-3:]}",
            "active": True,
            "patronGroup": make_id("/groups/adult"),
            "expirationDate": write_moment(ends),
            "personal": {
                "lastName": surname,
                "firstName": given,
                "email": f"{barcode}@library.example",
                "preferredContactTypeId": "002",
            },
        },
    )
    fake.records.insert_record(
        "/service-points-users",
        {
            "userId": user_id,
            "defaultServicePointId": make_id("/service-points/MAIN"),
            "servicePointsIds": [make_id("/service-points/MAIN")],
        },
    )
    fake.records.pins[user_id] = PIN
    if barcode == BLOCKED:
        fake.do_damage("block-patron", barcode)


def _add_title(
    fake: FakeFolio, title: str, author: str, number: tuple[str, str] | None, loan_type: str, barcodes: tuple[str, ...]
) -> None:
    instance_id, holdings_id = make_id(f"instance/{title}"), make_id(f"holdings/{title}")
    instance: FolioRecord = {
        "id": instance_id,
        "hrid": f"in{instance_id[:8]}",
        "title": title,
        "source": "FOLIO",
        "instanceTypeId": make_id("/instance-types/zzz"),
        "contributors": [
            {"name": author, "contributorNameTypeId": make_id("/contributor-name-types/Personal name"), "primary": True}
        ],
    }
    if number is not None:
        type_id = make_id(f"/identifier-types/{number[0]}")
        instance["identifiers"] = [{"identifierTypeId": type_id, "value": number[1]}]
    fake.records.insert_record("/inventory/instances", instance)
    fake.records.insert_record(
        "/holdings-storage/holdings",
        {
            "id": holdings_id,
            "instanceId": instance_id,
            "permanentLocationId": make_id("/locations/stacks"),
            "sourceId": make_id("/holdings-sources/FOLIO"),
        },
    )
    for barcode in barcodes:
        fake.records.insert_record(
            ITEMS,
            {
                "id": make_id(f"{ITEMS}/{barcode}"),
                "holdingsRecordId": holdings_id,
                "barcode": barcode,
                "status": {"name": "Available"},
                "materialType": {"id": make_id("/material-types/book")},
                "permanentLoanType": {"id": make_id(f"/loan-types/{loan_type}")},
            },
        )
