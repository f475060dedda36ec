"""Settings of Z39.50 in a profile (section `z3950`): one target. Evidence: facts/openurl.md section 3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from adapters.marc.citation_texts import NumberForm
from adapters.marc.dialect import Charset, Records
from adapters.z3950.pqf import attribute_set_identifier
from adapters.z3950.values import SYNTAXES
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.secret_reference import FileName, SecretReference
from gateway.ports.catalogue import SearchIndex, TermMatch
from gateway.ports.tls import ClientTls

SECTION = "z3950"
STANDARD_PORT = 210


def _check_address(value: str) -> str:
    if not re.fullmatch(r"([^\s:/\[\]]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?", value):
        raise ValueError("not HOST, HOST:PORT or [IPv6]:PORT")
    _, port = split_address(value)
    if not 0 < port < 65536:
        raise ValueError(f"no port has the number {port}")
    return value


def split_address(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, str(STANDARD_PORT)
    return host.strip("[]"), int(port)


def _check_use_attribute(value: int | str) -> int | str:
    if isinstance(value, str) and not re.fullmatch(r"[^\s\"]+", value):
        raise ValueError("a name of an index has no blanks")
    return value


def _check_attribute_set(value: str) -> str:
    attribute_set_identifier(value)  # PqfSyntaxError is a ValueError, with the names that there are
    return value


Address = Annotated[str, AfterValidator(_check_address)]
AttributeSet = Annotated[str, AfterValidator(_check_attribute_set)]
Use = Annotated[int | str, AfterValidator(_check_use_attribute)]
SyntaxWord = Literal["marc21", "unimarc", "xml", "opac", "sutrs"]


class Attributes(ProfileSection):
    """Values of Bib-1 attribute types; none: it isn't sent."""

    use: Use | None = Field(
        None, description="type 1: 4 title, 1003 author, 7 ISBN, 1016 any …; a name where the target has names"
    )
    relation: int | None = Field(None, description="type 2: 3 equal, 102 relevance")
    position: int | None = Field(None, description="type 3: 1 first in field, 3 any position")
    structure: int | None = Field(None, description="type 4: 1 phrase, 2 word, 4 year, 6 word list, 109 numeric string")
    truncation: int | None = Field(None, description="type 5: 1 right, 100 none")
    completeness: int | None = Field(None, description="type 6: 1 incomplete subfield, 3 complete field")

    def attribute_pairs(self) -> dict[int, int | str]:
        """Type -> value, of those that are set."""
        values = (self.use, self.relation, self.position, self.structure, self.truncation, self.completeness)
        return {type_: value for type_, value in enumerate(values, start=1) if value is not None}


class IndexAttributes(Attributes):
    form: NumberForm = Field(NumberForm.AS_IS, description="how ISBN and ISSN are written: compact, hyphens or as-is")


DEFAULT_INDEXES: Mapping[SearchIndex, IndexAttributes] = {
    SearchIndex.ANY: IndexAttributes(use=1016),
    SearchIndex.TITLE: IndexAttributes(use=4),
    SearchIndex.AUTHOR: IndexAttributes(use=1003),
    SearchIndex.ISBN: IndexAttributes(use=7, form=NumberForm.COMPACT),
    SearchIndex.ISSN: IndexAttributes(use=8, form=NumberForm.HYPHENS),
    SearchIndex.OCLC: IndexAttributes(use=1211),
    SearchIndex.LCCN: IndexAttributes(use=9),
    SearchIndex.STANDARD: IndexAttributes(use=1007),
    SearchIndex.LOCAL: IndexAttributes(use=12),
    SearchIndex.SUBJECT: IndexAttributes(use=21),
    SearchIndex.PUBLISHER: IndexAttributes(use=1018),
    SearchIndex.YEAR: IndexAttributes(use=31),
}

DEFAULT_MATCHES: Mapping[TermMatch, Attributes] = {
    TermMatch.WORDS: Attributes(structure=6),
    TermMatch.PHRASE: Attributes(structure=1),
    TermMatch.BEGINS: Attributes(position=1, structure=1, truncation=1),
}

NUMBERS = frozenset(
    {
        SearchIndex.ISBN,
        SearchIndex.ISSN,
        SearchIndex.OCLC,
        SearchIndex.LCCN,
        SearchIndex.STANDARD,
        SearchIndex.LOCAL,
        SearchIndex.YEAR,
    }
)
"""Indexes of one word: how the words of a term are taken says nothing there, and some targets refuse it."""


class Z3950SignIn(ProfileSection):
    """Authentication in Init: `open` alone (an identifier, or user/password in one), or user, group and password."""

    open: SecretReference = Field("", description="the whole open string, by reference")
    user: str = ""
    group: str = ""
    password: SecretReference = ""

    @model_validator(mode="after")
    def _require_one_way(self) -> Z3950SignIn:
        if self.open and (self.user or self.group or self.password):
            raise ValueError("either open, or user, group and password")
        if self.password and not self.user:
            raise ValueError("a password needs a user")
        return self


class Z3950Tls(ProfileSection):
    ca: FileName = Field(
        "", description="PEM file of the authorities to trust, with its whole path; empty: the system's"
    )

    def client_tls(self) -> ClientTls:
        return ClientTls(ca=Path(self.ca) if self.ca else None)


class Z3950Seconds(ProfileSection):
    connect: float = Field(5.0, gt=0, le=120)
    answer: float = Field(20.0, gt=0, le=600, description="for each answer")
    idle: float = Field(60.0, ge=0, le=3600, description="how long an unused connection is kept; 0: not at all")


class Z3950Dialect(ProfileSection):
    address: Address = Field(description="HOST:PORT; 210 where no port is given")
    databases: tuple[Annotated[str, Field(min_length=1)], ...] = Field(("Default",), min_length=1)
    sign_in: Z3950SignIn = Z3950SignIn.model_construct()
    tls: Z3950Tls | None = Field(
        None, description="{}: TLS by the system's authorities; none: plain TCP, as nearly all are"
    )
    attribute_set: AttributeSet = Field(
        "bib-1", description="of queries: a name such as bib-1, or an object identifier"
    )
    indexes: Mapping[SearchIndex, IndexAttributes | None] = Field(
        {}, description="index -> attributes, instead of the usual ones; null: not an index of the target"
    )
    matches: Mapping[TermMatch, Attributes] = Field(
        {}, description="words, phrase, begins -> attributes, instead of the usual ones"
    )
    always: Attributes = Field(
        Attributes.model_construct(), description="attributes of every term, where nothing else sets them"
    )
    each_word: bool = Field(False, description="several words are searched one by one, joined by AND (structure 2)")
    charset: Charset = Field("utf-8", description="of terms, and of texts that aren't UTF-8")
    syntaxes: tuple[SyntaxWord, ...] = Field(
        ("marc21", "xml", "sutrs"), min_length=1, description="record syntaxes, in order of preference"
    )
    elements: str = Field(
        "F", description="element set name: F full, B brief, or the target's own; empty: none is sent"
    )
    along: Literal["first-records", "nothing"] = Field(
        "first-records", description="whether the answer to a search brings records (saves a round trip)"
    )
    slice: int = Field(20, ge=1, le=1000, description="most records asked for at once")
    connections: int = Field(4, ge=1, le=50, description="most connections at the same time")
    max_bytes: int = Field(4_000_000, ge=65_536, le=64_000_000, description="largest answer that is read")
    seconds: Z3950Seconds = Z3950Seconds.model_construct()
    records: Records = Records.model_construct()

    @cached_property
    def syntax_identifiers(self) -> tuple[str, ...]:
        """Object identifiers of the syntaxes."""
        return tuple(SYNTAXES[word] for word in self.syntaxes)

    def index_attributes(self, index: SearchIndex) -> IndexAttributes | None:
        """None: the target has no such index."""
        return self.indexes[index] if index in self.indexes else DEFAULT_INDEXES[index]

    def match_attributes(self, match: TermMatch) -> Attributes:
        return self.matches.get(match, DEFAULT_MATCHES[match])
