"""Fields that the bodies of a fake Koha may have, and how it refuses (facts/ils-backends.md 1.2)."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

PATRON_TEXTS = [
    "cardnumber",
    "surname",
    "firstname",
    "middle_name",
    "title",
    "initials",
    "address",
    "address2",
    "city",
    "state",
    "postal_code",
    "country",
    "email",
    "phone",
    "mobile",
    "secondary_email",
    "userid",
    "staff_notes",
    "opac_notes",
    "date_of_birth",
    "expiry_date",
    "date_enrolled",
]
PATRON_FLAGS = ("incorrect_address", "patron_card_lost")
PATRON_KEYS = frozenset({*PATRON_TEXTS, *PATRON_FLAGS, "library_id", "category_id", "lang", "patron_id"})
PATRON_READ_ONLY = frozenset({"restricted", "anonymized"})
ITEM_KEYS = frozenset(
    [
        "item_id",
        "biblio_id",
        "external_id",
        "home_library_id",
        "holding_library_id",
        "location",
        "permanent_location",
        "item_type_id",
        "not_for_loan_status",
        "damaged_status",
        "lost_status",
        "withdrawn",
        "restricted_status",
        "callnumber",
        "copy_number",
        "public_notes",
        "internal_notes",
        "checked_out_date",
        "acquisition_source",
        "inventory_number",
        "extended_subfields",
        "effective_not_for_loan_status",
        "effective_item_type_id",
        "serial_issue_number",
        "materials_notes",
        "timestamp",
    ]
)
HOLD_KEYS = frozenset(
    [
        "patron_id",
        "biblio_id",
        "item_group_id",
        "hold_date",
        "item_id",
        "pickup_library_id",
        "expiration_date",
        "notes",
        "item_type",
        "non_priority",
    ]
)
DEBIT_KEYS = frozenset(
    [
        "amount",
        "type",
        "description",
        "internal_note",
        "item_id",
        "library_id",
        "date",
        "checkout_id",
        "user_id",
        "interface",
        "status",
    ]
)


class KohaError(Exception):
    """The answer of Koha instead: status, words and, in newer releases, a code."""

    def __init__(self, status: int, error: str, code: str = "", **more: object) -> None:
        super().__init__(error)
        self.status = status
        self.body: Row = {"error": error, **({"error_code": code} if code else {}), **more}


def invalid_body(path: str, message: str) -> KohaError:
    """Make the answer of Koha's check of a body against its schema."""
    error = KohaError(400, message)
    error.body = {"errors": [{"message": message, "path": path}], "status": 400}
    return error
