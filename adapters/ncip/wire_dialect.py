"""Parts `xml`, `http`, `tcp` of the dialect, and dates read and written by it.

Standard style for the version is the default everywhere; the sources named are those of facts/ncip.md section 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from adapters.ncip.wire_values import NamespaceStyle, Version
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile_values import Charset, ZoneName
from gateway.domain.secret_reference import SecretReference, UrlWithoutSecret

if TYPE_CHECKING:
    from adapters.ncip.messages.declaration import When

END_OF_DAY = time(23, 59)
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_MIDNIGHT_24 = re.compile(r"(\d{4}-\d\d-\d\d)T24:00:00(?:\.0+)?((?:Z|[+-]\d\d:\d\d)?)")


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
    """Damage that is repaired, not refused; each repair is reported with the message."""

    BARE_AMPERSAND = "bare-ampersand"
    BARE_LESS_THAN = "bare-less-than"
    TAGS_IN_TEXT = "tags-in-text"  # <br> in a title
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


class DateIn(ProfileSection):
    """How dates are read."""

    zone: ZoneName | None = Field(
        None, description="zone of times without one; none: the installation's (VCU and KOHA send no zone)"
    )
    day: DayReading = Field(DayReading.KEEP, description="what a date without a time becomes (PUL)")
    formats: tuple[str, ...] = Field(
        (), description="strptime formats tried after ISO 8601, such as %d/%m/%Y (old KOHA installations)"
    )


class DateOut(ProfileSection):
    """How dates are written."""

    style: DateStyle = Field(DateStyle.UTC, description="UTC (OCLC), with offset (VF wants a zone), local (KOHA, VCU)")
    zone: ZoneName | None = Field(None, description="zone for offset and local; none: the installation's")
    fraction: Fraction = Field(Fraction.NONE, description="milliseconds, as VDX writes them")
    day: DayStyle = Field(DayStyle.END_OF_DAY, description="how a day is written where a time is due (VCU: T23:59:00)")


class ElementOrder(ProfileSection):
    """In one structure, these elements are written in this order, at the place of the first that the schema has."""

    structure: str = Field(description="name of the message or structure, such as AcceptItem")
    elements: tuple[str, ...] = Field(
        min_length=2,
        description="element names of version 2, in whatever version it is written, in the partner's order",
    )

    @field_validator("structure")
    @classmethod
    def _check_structure(cls, name: str) -> str:
        known = _load_messages().structure_types()
        if name not in known:
            raise ValueError(f"NCIP has no such message or structure{_suggest_name(name, known)}")
        return name

    @field_validator("elements")
    @classmethod
    def _check_elements(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        messages = _load_messages()
        structure = messages.structure_types().get(info.data.get("structure", ""))
        if structure is None:  # which is reported as itself
            return names
        known = {element.name: name for name, element in messages.declaration.elements_of(structure).items()}
        for name in names:
            if name not in known:
                which = f"{info.data['structure']} has no element {name}"
                raise ValueError(f"{which}{_suggest_name(name, known)}; it has {', '.join(sorted(known))}")
            if names.count(name) > 1:
                raise ValueError(f"{name} stands here more than once")
        return names


def _load_messages() -> ModuleType:
    """Load all of NCIP's messages, for the few profiles that order their elements."""
    from adapters.ncip import messages

    return messages


def _suggest_name(name: str, known: Collection[str]) -> str:
    older = next(
        (new for new, old in _load_messages().declaration.V1_NAMES.items() if old == name and new in known), ""
    )
    near = [older] if older else get_close_matches(name, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _require_single_orders(orders: tuple[ElementOrder, ...]) -> tuple[ElementOrder, ...]:
    names = [order.structure for order in orders]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} stands here more than once")
    return orders


class XmlDialect(ProfileSection):
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
    schemes: bool = Field(
        False,
        description="out: codes name their list and are spelled as it spells them (toolkits of XC and OCLC know a code "
        "by Scheme and word); a code in no list is omitted where the schema allows it, or another takes its place",
    )
    declaration: Declaration = Field(
        Declaration.ENCODING, description="out: XML declaration; some servers choke on it, XC writes standalone"
    )
    doctype: str = Field("", description="out: public id of a DOCTYPE (BIB and INC answer with one)")
    charset_in: Charset | None = Field(
        None, description="in: character set, against the message's own; none: found out (VCU declares it wrongly)"
    )
    charset_out: Charset = Field("utf-8", description="out: character set (Voyager's socket takes one byte each)")
    ascii_fold: bool = Field(False, description="out: letters of ASCII alone, others are romanised (Voyager by LNC)")
    repair: tuple[Repair, ...] = Field(
        tuple(Repair), description="in: damage that is repaired (KOHA sample, INC, FOLIO mock data, VCU titles)"
    )
    strictness: Strictness = Field(
        Strictness.LENIENT, description="in: schema refuses what the schema doesn't have (XC ValidateMessages…)"
    )
    element_order: Annotated[tuple[ElementOrder, ...], AfterValidator(_require_single_orders)] = Field(
        (), description="out: partner's order instead of the schema's (ULS, MTX: PickupLocation early)"
    )
    extra_elements: Extras = Field(
        Extras.OMIT, description="out: send known elements beyond the schema (VCU: UserId in CheckInItem)"
    )
    date_in: DateIn = Field(DateIn.model_construct(), description="in: how dates are read")
    date_out: DateOut = Field(DateOut.model_construct(), description="out: how dates are written")

    @model_validator(mode="after")
    def _check_schemes(self) -> Self:
        if self.schemes and self.scheme_style is SchemeStyle.NONE:
            raise ValueError("schemes: true has codes name their lists, and scheme_style: none leaves that out")
        return self

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


class BodyEncoding(StrEnum):
    AUTO = "auto"  # plain, URL-encoded or form, whatever it is
    PLAIN = "plain"
    URL_ENCODED = "url-encoded"
    FORM = "form"


class HttpAuthKind(StrEnum):
    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    PATH_KEY = "path-key"
    QUERY_KEY = "query-key"
    OAUTH2 = "oauth2-client-credentials"


_NEEDED: dict[HttpAuthKind, tuple[str, ...]] = {
    HttpAuthKind.NONE: (),
    HttpAuthKind.BASIC: ("user", "secret"),
    HttpAuthKind.BEARER: ("secret",),
    HttpAuthKind.PATH_KEY: ("secret",),
    HttpAuthKind.QUERY_KEY: ("secret",),
    HttpAuthKind.OAUTH2: ("user", "secret", "token_url"),
}


class HttpAuth(ProfileSection):
    """How we show a responder who we are."""

    kind: HttpAuthKind = Field(
        HttpAuthKind.NONE, description="path-key and query-key: FOLIO edge, Koha token; oauth2: WorldShare (LNC WMS)"
    )
    user: str = Field("", description="user name for basic, client id for oauth2")
    secret: SecretReference = Field("", description="env:NAME or file:PATH: password, token, key or client secret")
    parameter: str = Field("apikey", description="name of the query parameter for query-key (FOLIO edge)")
    token_url: UrlWithoutSecret = Field("", description="where oauth2 tokens come from")
    scope: str = Field("", description="scope asked for with oauth2")

    @model_validator(mode="after")
    def _check_completeness(self) -> Self:
        missing = [name for name in _NEEDED[self.kind] if not getattr(self, name)]
        if missing:
            raise ValueError(f"authentication by {self.kind.value} needs {' and '.join(missing)}")
        return self


class HttpDialect(ProfileSection):
    """What a partner's HTTP looks like. In: when we answer. Out: when we call; `content_type` is for both."""

    content_type: str = Field(
        "application/xml; charset=utf-8", description="out and answers (XL takes nothing but application/xml)"
    )
    content_type_in: str = Field(
        "",
        description="in: what its messages call themselves, for `illgate send` and `illgate mock`: a media type, or "
        "`none` (VCU sends none, USMAI text/html); empty: as content_type, an encoded body as a form",
    )
    accepted: tuple[str, ...] = Field(
        (),
        description="in: media types accepted, lower case, others get a Protocol Error; empty: all, even none "
        "(VCU sends none, USMAI text/html)",
    )
    body_encoding: BodyEncoding = Field(
        BodyEncoding.AUTO, description="in and out: URL-encoded whole (USMAI) or a form field (KOHA); auto writes plain"
    )
    form_fields: tuple[str, ...] = Field(
        ("xml", "XForms:Model"), min_length=1, description="names of the form field; the first is written (KOHA)"
    )
    status_on_problem: int = Field(
        200, ge=200, le=599, description="status of an answer with a Problem (VCU, ULS, MTX and XL need 200)"
    )
    auth: HttpAuth = Field(HttpAuth.model_construct(), description="out: how we show a responder who we are")


class TcpDialect(ProfileSection):
    address: str = Field("", description="host:port of the partner, for messages that we send")
    end: Literal["tag", "newline", "close"] = Field(
        "tag", description="what ends a message: its closing tag, a line end, or the end of the connection"
    )
    keep_open: bool = Field(True, description="wait for further messages on the same connection; BIB closes")
    answer_end: Literal["crlf", "lf", "none"] = Field(
        "crlf", description="after the answer; the Voyager client reads lines and stops at the first silence"
    )
    idle_seconds: float = Field(60, gt=0, le=86_400, description="a connection without a message is closed after this")
    message_seconds: float = Field(30, gt=0, le=3_600, description="longest time from first to last byte of a message")


def make_date_reader(dialect: DateIn, fallback: tzinfo) -> Callable[[str], When]:
    """Make a reader of this partner's dates: aware UTC, or a date. The function raises ValueError for nonsense."""
    zone = ZoneInfo(dialect.zone) if dialect.zone else fallback
    keep_days = dialect.day is DayReading.KEEP

    def read_date(text: str) -> When:
        value = _parse_date_or_time(text, dialect.formats)
        if isinstance(value, datetime):
            return _to_utc(value, zone)
        return value if keep_days else _to_utc(datetime.combine(value, END_OF_DAY), zone)

    return read_date


def _parse_date_or_time(text: str, formats: tuple[str, ...]) -> When:
    day = _DAY.fullmatch(text)
    if day:
        return date.fromisoformat(day[1])
    if "T24:00:00" in text and (late := _MIDNIGHT_24.fullmatch(text)):
        return datetime.fromisoformat(f"{late[1]}T00:00:00{late[2]}") + timedelta(days=1)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _parse_by_formats(text, formats)


def _parse_by_formats(text: str, formats: tuple[str, ...]) -> When:
    for pattern in formats:
        try:
            value = datetime.strptime(text, pattern)  # noqa: DTZ007 (the caller adds the zone)
        except ValueError:
            continue
        return value if "%H" in pattern or "%I" in pattern or "%X" in pattern else value.date()
    raise ValueError("not a date or time")


def _to_utc(value: datetime, zone: tzinfo) -> datetime:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=zone)
    try:
        return aware.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the calendar") from error


def make_date_writer(dialect: DateOut, fallback: tzinfo) -> Callable[[When], str]:
    """Make a writer of moments and days for this partner. Naive datetimes raise ValueError."""
    zone = ZoneInfo(dialect.zone) if dialect.zone else fallback
    timespec = "milliseconds" if dialect.fraction is Fraction.MILLISECONDS else "seconds"
    day_time = time(0) if dialect.day is DayStyle.START_OF_DAY else END_OF_DAY

    short_utc = dialect.style is DateStyle.UTC and timespec == "seconds"

    def write_date(value: When) -> str:
        if short_utc and isinstance(value, datetime) and value.tzinfo is UTC:
            return f"{value.isoformat(timespec='seconds')[:-6]}Z"
        if not isinstance(value, datetime):
            if dialect.day is DayStyle.DATE_ONLY:
                return value.isoformat()
            value = datetime.combine(value, day_time, zone)
        elif value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return _format_moment(value, dialect.style, zone, timespec)

    return write_date


def make_day_writer(dialect: DateOut) -> Callable[[date], str]:
    """Make a writer for elements that mean a day (DateOfBirth): the day itself, never moved by a time zone."""
    if dialect.day is DayStyle.DATE_ONLY:
        return date.isoformat
    suffix = "T00:00:00Z" if dialect.style is DateStyle.UTC else "T00:00:00"
    return lambda value: value.isoformat() + suffix


def _format_moment(value: datetime, style: DateStyle, zone: tzinfo, timespec: str) -> str:
    try:
        moved = value.astimezone(UTC if style is DateStyle.UTC else zone)
    except OverflowError:
        moved = value  # the ends of the calendar can't be moved
    if style is DateStyle.UTC:
        return moved.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
    return (moved if style is DateStyle.OFFSET else moved.replace(tzinfo=None)).isoformat(timespec=timespec)
