"""Versions, value lists, money in minor units and characters on the wire.

The lists are open: partners send words of their own, so messages hold plain `Code`s. Words that aren't the
standard's carry the short name of the source where they were seen. Lists that a profile may tailor stand in the
dialect.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from gateway.domain.library import Money
from gateway.domain.romanisation import romanise_character

NAMESPACE = "http://www.niso.org/2008/ncip"
VERSION_MESSAGE_STRING = "http://www.niso.org/ncip/v1_0/imp1/xsd/ncip_version.xsd"
"""What the root NCIPVersionMessage carries as its version (OCLC lookup_version)."""


_SINCE_2_02 = frozenset({"LookupItemSet"})
_IN_NO_VERSION = frozenset({"RenewAllItem"})

SCHEMES = "http://www.niso.org/ncip/v1_0/schemes/"

RENEW_ALL_ERROR_SCHEME = "http://worldcat.org/ncip/schemes/v2/processingerrortype/wclrenewallitemprocessingerror.scm"
"""OCLC's own, for its own service (facts/ncip.md 2.6)."""

NO_CURRENCY = "XXX"
"""ISO 4217: no currency involved."""

_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
            "XXX",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    "CLF": 4,
    "UYW": 4,
}
"""ISO 4217 list one: currencies that don't have two decimal places."""

_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL_IN_ATTRIBUTE = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_MEMORABLE = 300
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_NOT_ASCII = re.compile("[^\x00-\x7f]")


class NamespaceStyle(StrEnum):
    """How elements are named."""

    STANDARD = "standard"  # what the version's standard shows: prefix in version 2, none in version 1
    PREFIX = "prefix"
    DEFAULT = "default"
    NONE = "none"


class Version(StrEnum):
    V1_0 = "1.0"
    V1_01 = "1.01"
    V2_0 = "2.0"
    V2_01 = "2.01"
    V2_02 = "2.02"

    @property
    def is_v1(self) -> bool:
        return self in (Version.V1_0, Version.V1_01)

    def has_service(self, service: str) -> bool:
        """Return whether its schema has this service and the answer to it (facts/ncip.md 3.5)."""
        return service not in _IN_NO_VERSION and (self is Version.V2_02 or service not in _SINCE_2_02)


V2 = (Version.V2_0, Version.V2_01, Version.V2_02)

VERSION_STRINGS = {
    Version.V1_0: "http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd",
    Version.V1_01: "http://www.niso.org/ncip/v1_01/imp1/dtd/ncip_v1_01.dtd",
    Version.V2_0: "http://www.niso.org/schemas/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd",
    Version.V2_01: "http://www.niso.org/schemas/ncip/v2_01/ncip_v2_01.xsd",
    Version.V2_02: "http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd",
}
"""What we write where a profile names no exact string."""

_NAMED = re.compile(r"v([12])_0?([0-9]{0,2})")
_BY_DIGITS = {
    ("1", "01"): Version.V1_01,
    ("1", "1"): Version.V1_01,
    ("2", "01"): Version.V2_01,
    ("2", "1"): Version.V2_01,
    ("2", "02"): Version.V2_02,
    ("2", "2"): Version.V2_02,
}


def recognise_version(text: str) -> Version | None:
    """The version that a version string means, or None when it says nothing known (`5.6`, empty).

    The last `vN_NN` counts: in `…/ncip/v1_0/imp1/dtd/ncip_v1_01.dtd` the file name is the more exact.
    """
    return _parse_version_string(text[-200:])


@lru_cache(maxsize=256)
def _parse_version_string(text: str) -> Version | None:
    versions = _NAMED.findall(text)
    if not versions:
        return None
    major, minor = versions[-1]
    return _BY_DIGITS.get((major, minor), Version.V1_0 if major == "1" else Version.V2_0)


def processing_error_scheme(service: str) -> str:
    """The scheme of a service's problem types: `AcceptItem` -> …/acceptitemprocessingerror.scm."""
    if service == "RenewAllItem":
        return RENEW_ALL_ERROR_SCHEME
    return f"{SCHEMES}processingerrortype/{service.lower()}processingerror.scm"


GENERAL_PROCESSING_ERROR_SCHEME = processing_error_scheme("general")
MESSAGING_ERROR_SCHEME = f"{SCHEMES}messagingerrortype/messagingerrortype.scm"


class GeneralProblemType(StrEnum):
    """Problem types that any service may answer with."""

    AGENCY_AUTHENTICATION_FAILED = "Agency Authentication Failed"
    INVALID_AMOUNT = "Invalid Amount"
    INVALID_DATE = "Invalid Date"
    NEEDED_DATA_MISSING = "Needed Data Missing"
    SYSTEM_AUTHENTICATION_FAILED = "System Authentication Failed"
    TEMPORARY_PROCESSING_FAILURE = "Temporary Processing Failure"
    UNAUTHORIZED_COMBINATION_FOR_AGENCY = "Unauthorized Combination Of Element Values For Agency"
    UNAUTHORIZED_COMBINATION_FOR_SYSTEM = "Unauthorized Combination Of Element Values For System"
    UNAUTHORIZED_SERVICE_FOR_AGENCY = "Unauthorized Service For Agency"
    UNAUTHORIZED_SERVICE_FOR_SYSTEM = "Unauthorized Service For System"
    UNKNOWN_AGENCY = "Unknown Agency"
    UNKNOWN_SYSTEM = "Unknown System"
    UNSUPPORTED_SERVICE = "Unsupported Service"


class MessagingProblem(StrEnum):
    """Problem types for messages that can't be dealt with as a whole."""

    INVALID_MESSAGE_SYNTAX = "Invalid Message Syntax Error"
    PROTOCOL_ERROR = "Protocol Error"
    UNKNOWN_ELEMENT = "Unknown Element"
    UNKNOWN_SCHEME = "Unknown Scheme"
    UNKNOWN_SERVICE = "Unknown Service"
    UNKNOWN_VALUE = "Unknown Value From Known Scheme"


class RequestStatus(StrEnum):
    """RequestStatusType."""

    AVAILABLE_FOR_PICKUP = "Available For Pickup"
    CANNOT_FULFILL_REQUEST = "Cannot Fulfill Request"
    EXPIRED = "Expired"
    IN_PROCESS = "In Process"
    NEED_TO_ACCEPT_CONDITIONS = "Need to Accept Conditions"
    REQUESTED_VIA_ILL = "Requested Via ILL"


class CirculationState(StrEnum):
    """CirculationStatus."""

    AVAILABLE_FOR_PICKUP = "Available For Pickup"
    AVAILABLE_ON_SHELF = "Available On Shelf"
    UNDEFINED = "Circulation Status Undefined"
    CLAIMED_RETURNED = "Claimed Returned Or Never Borrowed"
    IN_PROCESS = "In Process"
    IN_TRANSIT = "In Transit Between Library Locations"
    LOST = "Lost"
    MISSING = "Missing"
    NOT_AVAILABLE = "Not Available"
    ON_LOAN = "On Loan"
    ON_ORDER = "On Order"
    PENDING_TRANSFER = "Pending Transfer"
    RECALLED = "Recalled"
    WAITING_TO_BE_RESHELVED = "Waiting To Be Reshelved"
    CHECKED_IN = "Checked In"  # KOHA
    ON_HOLD = "On Hold"  # OCLC


def currency_exponent(currency: str) -> int:
    """Decimal places of a currency."""
    return _EXPONENTS.get(currency, 2)


def money_of_minor_units(units: int, currency: str) -> Money:
    """150, 'EUR' -> 1.50 EUR. Raises ValueError for what is no ISO 4217 code."""
    code = currency.strip().upper()
    return Money(Decimal(units).scaleb(-currency_exponent(code)), code)


def minor_units_of_money(money: Money) -> int:
    """1.50 EUR -> 150. Raises ValueError when the amount has a finer fraction than its currency."""
    units = money.amount.scaleb(currency_exponent(money.currency))
    if units != units.to_integral_value():
        raise ValueError(f"{money.amount} has more decimal places than {money.currency}")
    return int(units)


def _escape_character(match: re.Match[str]) -> str:
    """Characters that XML can't carry at all are dropped."""
    return _ESCAPES.get(match[0], "")


def escape_text(text: str) -> str:
    """Escape text between tags. Words of letters and digits, the most part, are told apart first: it is cheaper."""
    return text if text.isalnum() or not _SPECIAL.search(text) else _SPECIAL.sub(_escape_character, text)


def escape_attribute(text: str) -> str:
    """Escape attribute values; the same few scheme URLs come again and again."""
    return (
        _escape_short_attribute(text) if len(text) < _MEMORABLE else _SPECIAL_IN_ATTRIBUTE.sub(_escape_character, text)
    )


@lru_cache(maxsize=1024)
def _escape_short_attribute(text: str) -> str:
    return _SPECIAL_IN_ATTRIBUTE.sub(_escape_character, text)


def to_ascii(markup: str) -> str:
    """A document with letters of ASCII alone, those of other scripts romanised."""
    if markup.isascii():
        return markup
    composed = unicodedata.normalize("NFC", markup)
    return _NOT_ASCII.sub(lambda match: escape_attribute(romanise_character(match[0])), composed)
