"""How a partner writes and reads XML: names, attributes, bytes, dates (facts/ncip.md section 5).

Standard style for the version is the default everywhere; the sources named are those of facts/ncip.md section 0.
"""

from __future__ import annotations

import codecs
from enum import StrEnum
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from adapters.ncip.messages.envelope import NamespaceStyle
from adapters.ncip.versions import Version
from gateway.domain.policy import Section


class AttributeStyle(StrEnum):
    QUALIFIED = "qualified"
    PLAIN = "plain"


class SchemeStyle(StrEnum):
    STANDARD = "standard"  # attribute in version 2, children in version 1
    ATTRIBUTE = "attribute"
    CHILDREN = "children"
    NONE = "none"


class Declaration(StrEnum):
    NONE = "none"
    ENCODING = "encoding"
    STANDALONE = "standalone"


class Repair(StrEnum):
    """Damage that is mended, not refused; each mending is reported with the message."""

    BARE_AMPERSAND = "bare-ampersand"
    BARE_LESS_THAN = "bare-less-than"
    CONTROL_CHARACTERS = "control-characters"
    JUNK_AROUND_ROOT = "junk-around-root"


class Strictness(StrEnum):
    LENIENT = "lenient"
    SCHEMA = "schema"


class Extras(StrEnum):
    OMIT = "omit"
    SEND = "send"


class DateStyle(StrEnum):
    UTC = "utc"  # 2026-03-01T12:00:00Z
    OFFSET = "offset"  # 2026-03-01T13:00:00+01:00
    LOCAL = "local"  # 2026-03-01T13:00:00


class Fraction(StrEnum):
    NONE = "none"
    MILLISECONDS = "milliseconds"


class DayStyle(StrEnum):
    """How a value that means a whole day is written."""

    END_OF_DAY = "end-of-day"  # T23:59:00
    START_OF_DAY = "start-of-day"  # T00:00:00
    DATE_ONLY = "date-only"


class DayReading(StrEnum):
    """What a date without a time becomes."""

    KEEP = "keep"  # a day
    END_OF_DAY = "end-of-day"  # 23:59 of that day in the partner's zone


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"not a time zone such as Europe/Berlin: {name}") from error
    return name


def _charset(name: str) -> str:
    try:
        "".encode(name)  # refuses codecs that aren't character sets, such as hex
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"not a character set: {name}") from error


ZoneName = Annotated[str, AfterValidator(_zone)]
Charset = Annotated[str, AfterValidator(_charset)]


class DateIn(Section):
    """How dates are read."""

    zone: ZoneName | None = Field(
        None, description="zone of times without one; none: the installation's (VCU and KOHA send no zone)"
    )
    day: DayReading = Field(DayReading.KEEP, description="what a date without a time becomes (PUL)")
    formats: tuple[str, ...] = Field(
        (), description="strptime formats tried after ISO 8601, such as %d/%m/%Y (old KOHA installations)"
    )


class DateOut(Section):
    """How dates are written."""

    style: DateStyle = Field(DateStyle.UTC, description="UTC (OCLC), with offset (VF wants a zone), local (KOHA, VCU)")
    zone: ZoneName | None = Field(None, description="zone for offset and local; none: the installation's")
    fraction: Fraction = Field(Fraction.NONE, description="milliseconds, as VDX writes them")
    day: DayStyle = Field(DayStyle.END_OF_DAY, description="how a day is written where a time is due (VCU: T23:59:00)")


class ElementOrder(Section):
    """In one structure, these elements are written in this order, at the place of the first that the schema has."""

    structure: str = Field(description="name of the message or structure, such as AcceptItem")
    elements: tuple[str, ...] = Field(min_length=2, description="element names in the partner's order")


class XmlDialect(Section):
    """What a partner's XML looks like. In: how what comes is read. Out: how we write."""

    version: Version = Field(Version.V2_02, description="out: version written; a reply takes the request's")
    version_string: str = Field("", description="out: exact version attribute, where a partner compares it (XL, LNC)")
    namespace_style: NamespaceStyle = Field(
        NamespaceStyle.STANDARD, description="out: prefix (CUL needs ns1:), default, none (USMAI, Koha)"
    )
    prefix: str = Field("ns1", pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", description="out: prefix (XL: ncip)")
    version_attribute: AttributeStyle = Field(
        AttributeStyle.QUALIFIED, description="out: version and Scheme in the namespace, or plain (VCU, CUL, KOHA)"
    )
    scheme_style: SchemeStyle = Field(
        SchemeStyle.STANDARD, description="out: Scheme as attribute, as child (v1, KOHA AcceptItem), or not at all"
    )
    declaration: Declaration = Field(
        Declaration.ENCODING, description="out: XML declaration; some servers choke on it, XC writes standalone"
    )
    doctype: str = Field("", description="out: public id of a DOCTYPE (BIB and INC answer with one)")
    charset_in: Charset | None = Field(
        None, description="in: character set whatever the message says; none: found out (VCU declares it wrongly)"
    )
    charset_out: Charset = Field("utf-8", description="out: character set (Voyager's socket takes one byte each)")
    ascii_fold: bool = Field(False, description="out: letters without diacritics (Voyager by LNC)")
    repair: tuple[Repair, ...] = Field(
        tuple(Repair), description="in: damage that is mended (KOHA sample, INC, FOLIO mock data, VCU titles)"
    )
    strictness: Strictness = Field(
        Strictness.LENIENT, description="in: schema refuses what the schema doesn't have (XC ValidateMessages…)"
    )
    element_order: tuple[ElementOrder, ...] = Field(
        (), description="out: partner's order instead of the schema's (ULS, MTX: PickupLocation early)"
    )
    extra_elements: Extras = Field(
        Extras.OMIT, description="out: send known elements beyond the schema (VCU: UserId in CheckInItem)"
    )
    date_in: DateIn = Field(DateIn(), description="in: how dates are read")
    date_out: DateOut = Field(DateOut(), description="out: how dates are written")

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash
