"""Values that many models share.

Texts are bounded and never hold NUL; days and moments lie in living memory. Which files may be attached a library's
rules say.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, Strict, StringConstraints

from gateway.domain.library import Money, RecordId
from gateway.domain.requests.attachments import FileType, detect_file_type
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType
from gateway.domain.requests.request import LibraryParty, RequestDates, RequestedService, ServiceType
from gateway.domain.value import replace
from gateway.web.api.models.bases import InputModel, OutputModel

NO_NUL = r"^[^\x00]*$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$"

Line = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line of text."""

Text = Annotated[str, StringConstraints(max_length=5_000, pattern=NO_NUL)]
Name = Annotated[str, StringConstraints(max_length=100, pattern=NAME)]
Identifier = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9_-]{1,100}$")]
Cursor = Annotated[str, StringConstraints(max_length=500, pattern=r"^[A-Za-z0-9_.:|-]*$")]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

EARLIEST, LATEST = 1900, 2199

MEDIA_TYPES = tuple(file_type.value for file_type in FileType)


def _check_year(day: date) -> date:
    if not EARLIEST <= day.year <= LATEST:
        raise ValueError(f"the year must be between {EARLIEST} and {LATEST}")
    return day


def _check_moment(moment: object) -> object:
    """Check a moment of a body: a text of ISO 8601 (pydantic would take seconds since 1970)."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and _DAY.match(moment)):
        return moment
    raise ValueError("must be a moment such as 2026-03-01T10:00:00Z")


def _to_utc(moment: datetime) -> datetime:
    _check_year(moment)
    return moment.astimezone(UTC)


Day = Annotated[date, AfterValidator(_check_year)]
Moment = Annotated[AwareDatetime, Strict(False), BeforeValidator(_check_moment), AfterValidator(_to_utc)]
"""Not strict, since a text that a function has looked at counts as Python's and no longer as JSON's."""


def _parse_whole_number(text: object) -> object:
    """Parse a number of a query string: digits and nothing else."""
    if isinstance(text, str):
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise ValueError("must be a whole number")
        return int(text)
    return text


Whole = Annotated[int, BeforeValidator(_parse_whole_number)]

PageCount = Annotated[int, Field(ge=1, le=100_000), BeforeValidator(_parse_whole_number)]
"""Its bounds stand before the function: of a `Whole | None` they would be in the schema as `ge` and `le`."""


def _check_day_text(text: object) -> object:
    """Check a day of a query string: ISO 8601 and nothing else (pydantic would take seconds since 1970)."""
    if isinstance(text, str) and not _DAY.fullmatch(text):
        raise ValueError("must be a day such as 2026-03-01")
    return text


DayText = Annotated[Day, BeforeValidator(_check_day_text)]


def _parse_truth(text: object) -> object:
    if isinstance(text, str):
        if text not in ("true", "false"):
            raise ValueError("must be true or false")
        return text == "true"
    return text


Truth = Annotated[bool, BeforeValidator(_parse_truth)]


class MoneyIn(InputModel):
    amount: str = Field(pattern=r"^[0-9]{1,8}(\.[0-9]{1,4})?$", examples=["12.50"], description="as text: it is exact")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")

    def to_value(self) -> Money:
        return Money(Decimal(self.amount), self.currency)


class MoneyOut(OutputModel):
    amount: Decimal
    currency: str


class IdentifierIn(InputModel):
    value_class = RecordId
    type: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="isbn, issn, ismn, doi, pmid, oclc, lccn, …")
    value: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class IdentifierOut(OutputModel):
    type: str
    value: str


class ExtraIn(InputModel):
    """A field that the gateway has no place for: kept, shown and passed on."""

    value_class = CitationExtra
    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    value: Text
    kind: str = Field("text", pattern=r"^(text|number|date|boolean)$")


class ExtraOut(OutputModel):
    name: str
    value: str
    kind: str


class CitationIn(InputModel):
    """A part (article, chapter) has its own title and author in `component_…`."""

    value_class = Citation
    type: CitationType = CitationType.OTHER
    title: Line = ""
    subtitle: Line = ""
    author: Line = ""
    component_title: Line = ""
    component_author: Line = ""
    series: Line = ""
    edition: Line = ""
    publisher: Line = ""
    place: Line = ""
    published: Line = Field("", description="as cited: 1987, 2014-03")
    volume: Line = ""
    issue: Line = ""
    pages: Line = Field("", description="pages requested")
    language: Line = ""
    call_number: Line = ""
    identifiers: tuple[IdentifierIn, ...] = Field((), max_length=50)
    source: Line = Field("", description="where the citation was found")
    note: Text = ""
    extras: tuple[ExtraIn, ...] = Field((), max_length=100)

    def apply_to(self, citation: Citation) -> Citation:
        """Return a citation with the fields that were sent; all others stay."""
        sent = self.to_value()
        return replace(citation, **{name: getattr(sent, name) for name in self.model_fields_set})


class CitationOut(OutputModel):
    type: CitationType
    title: str
    subtitle: str
    author: str
    component_title: str
    component_author: str
    series: str
    edition: str
    publisher: str
    place: str
    published: str
    volume: str
    issue: str
    pages: str
    language: str
    call_number: str
    identifiers: tuple[IdentifierOut, ...]
    source: str
    note: str
    extras: tuple[ExtraOut, ...]


class ServiceIn(InputModel):
    value_class = RequestedService
    type: ServiceType = ServiceType.LOAN
    format: str = Field("", pattern=r"^[a-z0-9-]{0,40}$", description="ISO 18626 ItemFormat in lower case; empty: any")
    level: str = Field("", pattern=r"^[a-z0-9-]{0,40}$", description="ISO 18626 ServiceLevel; empty: any")


class ServiceOut(OutputModel):
    type: ServiceType
    format: str
    level: str


class DatesIn(InputModel):
    value_class = RequestDates
    need_by: Day | None = Field(None, description="of no use after this day")
    start: Day | None = None
    end: Day | None = None


class DatesOut(OutputModel):
    need_by: date | None
    start: date | None
    end: date | None


class PartyIn(InputModel):
    value_class = LibraryParty
    symbol: Annotated[str, StringConstraints(max_length=100, pattern=NAME)]
    profile: Annotated[str, StringConstraints(max_length=100, pattern=r"^([a-z0-9][a-z0-9._-]*)?$")] = Field(
        "", description="its integration profile; empty: found by the symbol"
    )
    name: Line = ""
    email: Line = ""
    address: Text = ""


class PartyOut(OutputModel):
    symbol: str
    profile: str
    name: str
    email: str
    address: str


def has_media_type(media_type: str, content: bytes) -> bool:
    kind = detect_file_type(content)
    return kind is not None and kind.value == media_type
