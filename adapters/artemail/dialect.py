"""Section `artemail` of a profile: orders, addresses, layouts.

Codes, words and layouts are all data: they change over the years, and other services that grew from the format have
others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from adapters.artemail import codec
from adapters.artemail.reply_rules import Replies, ReplyPatterns
from adapters.artemail.text_templates import check_template
from gateway.domain.circulation_policy import Pattern, ProfileSection
from gateway.domain.profile import Profile
from gateway.domain.profile_values import MailAddress, make_subject_template
from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import ServiceType
from gateway.domain.secret_reference import SecretReference

ITEM_FIELDS = (
    "container",
    "title",
    "author",
    "year",
    "volume",
    "issue",
    "pages",
    "edition",
    "publisher",
    "place",
    "series",
    "number",
    "isbn",
    "issn",
    "doi",
    "pmid",
    "oclc",
    "language",
    "call_number",
    "need_by",
    "maximum_cost",
    "note",
)
"""`container` holds a part (journal, book, proceedings); `title` and `author` are those of the part, or of the whole
work; `number` is an ISSN or ISBN."""

SECTION = "artemail"

SUBJECT_FIELDS = ("number", "customer", "name")


def _check_item_line(value: str) -> str:
    check_template(value, ITEM_FIELDS)
    return value


def _check_keyword_code(value: str) -> str:
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9*/&+-]*", value):
        raise ValueError("a code is one word of capitals, digits and * / & + -")
    return value


def _require_ascii(value: str) -> str:
    if not value.isascii():
        raise ValueError("the format is in ASCII")
    return value


ItemLine = Annotated[str, AfterValidator(_require_ascii), AfterValidator(_check_item_line)]
Code = Annotated[str, AfterValidator(_check_keyword_code)]
Ascii = Annotated[str, AfterValidator(_require_ascii)]


class Mode(StrEnum):
    LIVE = "live"
    TEST = "test"


class TestOrders(ProfileSection):
    """How a test order differs."""

    __test__ = False  # or pytest takes it for a test

    address: str = Field("", pattern=r"^([^@\s<>]+@[^@\s<>]+)?$", description="where it goes instead")
    keywords: tuple[Code, ...] = Field((), description="added to each request's first line")


class Conditions(ProfileSection):
    """All that are set must fit."""

    services: tuple[ServiceType, ...] = Field((), description="loan, copy, copy-or-loan; empty: all")
    levels: tuple[str, ...] = Field((), description="service levels of ISO 18626, such as urgent; empty: all")
    formats: tuple[str, ...] = Field((), description="formats wanted, such as pdf; empty: all")
    types: tuple[CitationType, ...] = Field((), description="what is asked for: book, article, thesis …; empty: all")


class Customer(Conditions):
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")] = Field(description="such as 99-9999")
    password: SecretReference = Field("", description="authorisation code, by reference: env:NAME or file:PATH")
    branches: tuple[str, ...] = Field((), description="our branches that order under it; empty: all")


class RequestNumbers(ProfileSection):
    """Request numbers as the service takes them."""

    pattern: Pattern = Field(
        r"[A-Z0-9](?:[A-Z0-9./-]{0,28}[A-Z0-9])?",
        description="what a number must be as a whole, its prefix included; ours are made by `partner.number`",
    )
    prefix: str = Field("", pattern=r"^[A-Z0-9./-]*$", description="put before ours, and taken off what comes back")


class FileLayout(ProfileSection):
    start: Ascii = Field("TX", pattern=r"^\S+$", description="what a request's first line begins with")
    end: Ascii = Field("NNNN", pattern=r"^\S+$", description="last line of the file")
    blank_lines: int = Field(3, ge=1, le=20, description="between parts: n + 1 line feeds (facts: four)")
    length: int = Field(40, ge=20, le=200, description="most characters of a line of the item")
    overflow: Literal["wrap", "cut"] = Field("wrap", description="a longer one continues on the next line, or is cut")
    indent: int = Field(1, ge=0, le=4, description="blanks before the next line of a wrapped one")
    customer_pattern: Pattern = Field(r"\d{2}-\d{4}", description="what a customer code looks like in received files")
    item_address: Ascii = Field(":DELIVER ABOVE ITEM TO:", min_length=3, description="line above an item's address")
    file_address: Ascii = Field("", description="line above an address for the whole file; empty: there is none")

    @property
    def codec_layout(self) -> codec.OrderFileLayout:
        return codec.OrderFileLayout(
            start=self.start,
            end=self.end,
            item_address=self.item_address,
            file_address=self.file_address,
            gap=self.blank_lines,
            length=self.length,
            overflow=self.overflow,
            indent=self.indent,
            customer=self.customer_pattern,
        )


class Characters(ProfileSection):
    """The ASCII that the format allows."""

    allowed: Pattern = Field("[ -~]", description="regular expression of one allowed character")
    own: dict[str, Ascii] = Field({}, description="characters that become something else than by the library: {Ä: AE}")
    instead: Ascii = Field("?", max_length=3, description="for what cannot be written at all; empty: omitted")

    @field_validator("own")
    @classmethod
    def _require_single_characters(cls, value: dict[str, str]) -> dict[str, str]:
        wrong = next((key for key in value if len(key) != 1), None)
        if wrong is not None:
            raise ValueError(f"'{wrong}' is not one character")
        return value


class KeywordRule(Conditions):
    codes: tuple[Code, ...] = Field(description="in this order")


class Keywords(ProfileSection):
    """Codes on a request's first line, in three groups; of each the first rule that fits counts."""

    service: tuple[KeywordRule, ...] = ()
    delivery: tuple[KeywordRule, ...] = ()
    queries: tuple[KeywordRule, ...] = Field((), description="other instructions and queries")

    @property
    def groups(self) -> tuple[tuple[KeywordRule, ...], ...]:
        return (self.service, self.delivery, self.queries)


class OrderItems(ProfileSection):
    """Lines of an item, by kind of citation, in order. {field}; [part that goes when its fields are not known]."""

    article: tuple[ItemLine, ...] = Field(
        (
            "{container}",
            "{year}[ VOL {volume}][ PT {issue}][ PP {pages}]",
            "{title}",
            "{author}",
            "{number}",
        ),
        description="articles and chapters",
    )
    book: tuple[ItemLine, ...] = Field(
        ("{title}", "{author}", "{publisher}", "{year}[ ED/PT: {edition}]", "{number}"),
        description="books, and all that is neither of the others",
    )
    conference: tuple[ItemLine, ...] = Field(
        ("{container}[, {place}][, {year}]", "[VOL {volume}][ PT {issue}][ PP {pages}]", "{title}", "{author}"),
        description="conference papers; the order is unverified",
    )
    missing: Ascii = Field(
        "-",
        max_length=10,
        description="stands for a line that isn't known, so that those below keep their place; empty: they move up",
    )


AddressForm = Literal["none", "postal", "email"]


class OrderDelivery(ProfileSection):
    """Where it is to be delivered: our library's address, below the item or for the whole file. A loan that we broker
    and that goes straight to the requester has its address below the item in any case."""

    loans: AddressForm = Field("none", description="below an item that is to be lent")
    copies: AddressForm = Field("none", description="below an item that is to be copied")
    keywords: tuple[Code, ...] = Field(("ADD",), description="with an address below the item")
    file: AddressForm = Field("none", description="above all items; needs `layout.file_address`")


_SAYABLE = frozenset(
    {
        EventKind.CANCEL,
        EventKind.RENEW,
        EventKind.STATUS_QUERY,
        EventKind.MESSAGE,
        EventKind.RECEIVED,
        EventKind.RETURNED,
        EventKind.CONDITION_ACCEPTED,
        EventKind.CONDITION_REFUSED,
        EventKind.LOST,
        EventKind.DAMAGED,
        EventKind.STATUS_REPORT,
    }
)


class Actions(ProfileSection):
    """What else is said about an order: codes in place of keywords, the note as lines below."""

    codes: Mapping[EventKind, tuple[Code, ...]] = Field(
        {}, description="kind of message, such as cancel, renew or status-query (a chaser) -> codes"
    )

    @model_validator(mode="after")
    def _require_requester_kinds(self) -> Actions:
        for kind, codes in self.codes.items():
            if kind not in _SAYABLE:
                raise ValueError(f"{kind.value} is nothing that a requester says: {', '.join(sorted(_SAYABLE))}")
            if not codes:
                raise ValueError(f"{kind.value} has no code")
        return self


class ArtemailDialect(ProfileSection):
    mode: Mode = Field(Mode.LIVE, description="`test`: everything goes out as a test order")
    test: TestOrders = TestOrders.model_construct()
    address: MailAddress = Field("", description="where orders go; empty: `partner.email`")
    sender: MailAddress = Field("", description="sender address of its emails; empty: `mail.sender`")
    reply_to: MailAddress = Field("", description="where its answers go; empty: the library's")
    subject: Annotated[str, make_subject_template(SUBJECT_FIELDS)] = Field(
        "FILEREFNO {number}",
        description="of orders and replies; with {number} (of the file, or of the request that goes alone: the service "
        "quotes it), {customer} (code), {name} (of our library)",
    )
    reference: str = Field(
        "FILEREFNO", min_length=1, description="word before our file number in subject or body of an answer"
    )
    customers: tuple[Customer, ...] = Field(
        (), description="customer codes; the first whose conditions fit counts. Other codes in received orders: refused"
    )
    numbers: RequestNumbers = RequestNumbers.model_construct()
    layout: FileLayout = FileLayout.model_construct()
    characters: Characters = Characters.model_construct()
    keywords: Keywords = Keywords.model_construct()
    items: OrderItems = OrderItems.model_construct()
    delivery: OrderDelivery = OrderDelivery.model_construct()
    actions: Actions = Actions.model_construct()
    replies: Replies = Replies.model_construct()

    @cached_property
    def reply_patterns(self) -> ReplyPatterns:
        """Compiled when the first mail is read, and then kept with the profile."""
        return ReplyPatterns(self.replies, self.reference, self.layout.customer_pattern)

    @cached_property
    def order_codes(self) -> frozenset[str]:
        """All that may stand on a request's first line."""
        rules = (rule.codes for group in self.keywords.groups for rule in group)
        lists = (*rules, *self.actions.codes.values(), self.delivery.keywords, self.test.keywords)
        return frozenset(code for codes in lists for code in codes)

    @model_validator(mode="after")
    def _require_test_destination(self) -> ArtemailDialect:
        if self.mode is Mode.TEST and not (self.test.address or self.test.keywords):
            raise ValueError("mode test needs `test.address` or `test.keywords`: nothing would tell the orders apart")
        return self

    @model_validator(mode="after")
    def _require_file_address_line(self) -> ArtemailDialect:
        if self.delivery.file != "none" and not self.layout.file_address:
            raise ValueError("delivery.file needs `layout.file_address`, the line above the address")
        return self


DEFAULT = ArtemailDialect()


def dialect_of(profile: Profile) -> ArtemailDialect:
    dialect = profile.dialects.get(SECTION)
    return dialect if isinstance(dialect, ArtemailDialect) else DEFAULT
