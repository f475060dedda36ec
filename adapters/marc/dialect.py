"""Settings of a profile for reading records: the key `records` in the sections `z3950` and `sru`."""

from __future__ import annotations

import codecs
import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile_values import DateForm

MARC_8 = "marc-8"
AUTO = "auto"


def canonical_charset(value: str) -> str:
    """A character set of texts. Raises ValueError."""
    try:
        "ä".encode(value, "replace")
        return codecs.lookup(value).name
    except (LookupError, UnicodeError, TypeError) as error:
        raise ValueError("no character set of texts, such as utf-8 or iso-8859-1") from error


def _check_record_charset(value: str) -> str:
    return value if value in (AUTO, MARC_8) else canonical_charset(value)


def _check_subfield_codes(value: str) -> str:
    if not re.fullmatch(r"([a-z0-9]+(\|[a-z0-9]+)*)?", value):
        raise ValueError("not subfield codes such as 'b', 'hi' (joined) or 'b|a' (the first that is there)")
    return value


Charset = Annotated[str, AfterValidator(canonical_charset)]
RecordCharset = Annotated[str, AfterValidator(_check_record_charset)]
Codes = Annotated[str, AfterValidator(_check_subfield_codes)]
Tag = Annotated[str, Field(pattern=r"^[0-9A-Z]{3}$")]


class HeldField(ProfileSection):
    """A MARC field that shows a copy or a run of volumes: subfield codes for what is known of it.

    'hi': both, with a blank between; 'b|a': b, or else a."""

    tag: Tag
    indicators: str = Field("..", pattern="^[0-9#.]{2}$", description="which ones: # is a blank, . is any")
    under: Literal["", "before"] = Field(
        "", description="before: it belongs to the preceding field of this list, and adds to it"
    )
    location: Codes = ""
    sublocation: Codes = ""
    call_number: Codes = ""
    barcode: Codes = ""
    policy: Codes = ""
    status: Codes = ""
    due: Codes = ""
    volumes: Codes = ""
    note: Codes = ""

    @cached_property
    def text_codes(self) -> dict[str, tuple[str, ...]]:
        """The codes of what is taken as it stands, by the names of HeldItem, and those to be looked at else."""
        names = ("location", "sublocation", "call_number", "barcode", "policy", "status", "note")
        return {name: tuple(codes.split("|")) for name in names if (codes := getattr(self, name))}


STANDARD_HOLDINGS = (
    HeldField(tag="852", location="b|a", sublocation="c", call_number="hi|j|l", barcode="p", note="z"),
    HeldField(tag="863", under="before", volumes="abcdefghijklm", note="z"),
    HeldField(tag="866", under="before", volumes="a", note="z"),
    HeldField(tag="867", under="before", volumes="a", note="z"),
    HeldField(tag="868", under="before", volumes="a", note="z"),
    HeldField(tag="876", under="before", sublocation="l", barcode="p", policy="h", status="j", volumes="3", note="z"),
    HeldField(tag="877", under="before", sublocation="l", barcode="p", policy="h", status="j", volumes="3", note="z"),
    HeldField(tag="878", under="before", sublocation="l", barcode="p", policy="h", status="j", volumes="3", note="z"),
)
"""MARC 21 Format for Holdings Data; 863 is read with the captions of its 853."""

OpacField = Literal[
    "", "nucCode", "localLocation", "shelvingLocation", "publicNote", "restrictions", "temporaryLocation", "midspine"
]


class OpacHoldings(ProfileSection):
    """Which element of an OPAC record says what; how catalogues fill them differs.

    ReShare's readers of OPAC records take Sierra's status from publicNote, and Alma's policy from another element than
    its location [unverified].
    """

    location: OpacField = "localLocation"
    sublocation: OpacField = "shelvingLocation"
    policy: OpacField = "restrictions"
    status: OpacField = ""


class Records(ProfileSection):
    format: Literal["auto", "marc21", "unimarc"] = Field(
        "auto", description="what MARC records are, where the target calls them otherwise"
    )
    charset: RecordCharset = Field(
        AUTO, description="auto: as the record states, unless its octets show otherwise; marc-8, utf-8, or another"
    )
    local: Literal["001", "none"] | Annotated[str, Field(pattern=r"^[0-9]{3}[a-z0-9]$")] = Field(
        "001", description="field with the target's own number of a record: 001, or tag and code such as 907a"
    )
    holdings: tuple[HeldField, ...] = Field(
        STANDARD_HOLDINGS, description="fields that show holdings; empty: none does"
    )
    opac: OpacHoldings = OpacHoldings.model_construct()
    without_holdings: Literal["unknown", "none"] = Field(
        "unknown", description="meaning of a record without these fields: unknown, or no holdings"
    )
    available: tuple[str, ...] = Field(
        ("available", "not checked out", "on shelf", "check shelf", "in", "-"),
        description="statuses, without case, of what is there",
    )
    unavailable: tuple[str, ...] = Field(
        ("checked out", "on loan", "due", "missing", "lost", "in transit", "on hold", "billed", "withdrawn", "out"),
        description="statuses, or how they begin, of what is not",
    )
    dates: tuple[DateForm, ...] = Field(
        ("%Y-%m-%d", "%Y%m%d", "%m-%d-%y", "%m/%d/%Y", "%d.%m.%Y"), description="forms of due dates"
    )

    @field_validator("available", "unavailable")
    @classmethod
    def _fold_statuses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(status.strip().casefold() for status in value)

    @field_validator("holdings")
    @classmethod
    def _require_own_field(cls, value: tuple[HeldField, ...]) -> tuple[HeldField, ...]:
        if value and all(field.under for field in value):
            raise ValueError("every field belongs to one before it: at least one must stand for itself")
        return value

    @cached_property
    def holding_tags(self) -> frozenset[str]:
        """The tags of fields that show holdings."""
        return frozenset(holding.tag for holding in self.holdings)


DEFAULT = Records()
