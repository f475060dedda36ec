"""Settings of SRU in a profile (section `sru`): one target. Evidence: facts/openurl.md section 4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from adapters.marc.citation_texts import NumberForm
from adapters.marc.dialect import Records
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.secret_reference import SecretReference, UrlWithoutSecret, refuse_secret_names
from gateway.ports.catalogue import SearchIndex, TermMatch

SECTION = "sru"


def _check_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise ValueError("not a URL with http or https, without user and fragment")
    return value


def _check_index_name(value: str) -> str:
    if not re.fullmatch(r"[^\s\"()=<>/]+", value):
        raise ValueError("not the name of an index, such as dc.title")
    return value


Url = Annotated[UrlWithoutSecret, AfterValidator(_check_url)]
IndexName = Annotated[str, AfterValidator(_check_index_name)]
Relation = Annotated[str, Field(pattern=r"^(=|==|[A-Za-z][A-Za-z.]*)(/[A-Za-z.]+(=[A-Za-z0-9.]+)?)*$")]


class CqlIndex(ProfileSection):
    """An index of the target: its name in CQL, and how it is asked."""

    name: IndexName = Field(description="with the prefix of its context set, such as dc.title")
    relation: Relation | None = Field(None, description="instead of that of the match, such as ==")
    form: NumberForm = Field(NumberForm.AS_IS, description="how ISBN and ISSN are written: compact, hyphens or as-is")


DEFAULT_INDEXES: Mapping[SearchIndex, CqlIndex] = {
    SearchIndex.ANY: CqlIndex(name="cql.serverChoice"),
    SearchIndex.TITLE: CqlIndex(name="dc.title"),
    SearchIndex.AUTHOR: CqlIndex(name="dc.creator"),
    SearchIndex.ISBN: CqlIndex(name="bath.isbn", relation="=", form=NumberForm.COMPACT),
    SearchIndex.ISSN: CqlIndex(name="bath.issn", relation="=", form=NumberForm.HYPHENS),
    SearchIndex.LCCN: CqlIndex(name="bath.lccn", relation="="),
    SearchIndex.STANDARD: CqlIndex(name="bath.standardIdentifier", relation="="),
    SearchIndex.LOCAL: CqlIndex(name="rec.id", relation="="),
    SearchIndex.SUBJECT: CqlIndex(name="dc.subject"),
    SearchIndex.PUBLISHER: CqlIndex(name="dc.publisher"),
    SearchIndex.YEAR: CqlIndex(name="dc.date", relation="="),
}
"""Of the context sets that all targets share (dc, bath, rec, cql). None of them has OCLC numbers."""

DEFAULT_RELATIONS: Mapping[TermMatch, Relation] = {TermMatch.WORDS: "all", TermMatch.PHRASE: "=", TermMatch.BEGINS: "="}


class SruSignIn(ProfileSection):
    """Who we are: user and password (HTTP Basic), or a key as a parameter of the URL."""

    user: str = Field("", pattern="^[^:]*$")
    password: SecretReference = ""
    parameter: str = Field("", pattern=r"^[A-Za-z0-9._-]*$", description="name of the parameter that takes the key")
    key: SecretReference = ""

    @model_validator(mode="after")
    def _require_pairs(self) -> SruSignIn:
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password belong together")
        if bool(self.parameter) != bool(self.key):
            raise ValueError("parameter and key belong together")
        return self


class Seconds(ProfileSection):
    connect: float = Field(5.0, gt=0, le=120)
    answer: float = Field(20.0, gt=0, le=600, description="for each answer, whole")


class SruDialect(ProfileSection):
    url: Url = Field(description="of the database, to which the parameters are added")
    version: Literal["1.1", "1.2", "2.0"] = "1.2"
    method: Literal["GET", "POST"] = Field("GET", description="POST: parameters as a form, for long queries")
    sign_in: SruSignIn = SruSignIn.model_construct()
    parameters: Annotated[Mapping[str, str], AfterValidator(refuse_secret_names)] = Field(
        {}, description="further parameters of every request, such as x-collection"
    )
    indexes: Mapping[SearchIndex, CqlIndex | None] = Field(
        {}, description="index -> its name in CQL, instead of the usual ones; null: not an index of the target"
    )
    relations: Mapping[TermMatch, Relation] = Field(
        {}, description="words, phrase, begins -> relation, instead of all, = and = (with * behind the term)"
    )
    schemas: tuple[str, ...] = Field(
        ("marcxml",), min_length=1, description="record schemas by the target's names, in order of preference"
    )
    slice: int = Field(50, ge=1, le=1000, description="most records asked for at once")
    redirects: int = Field(2, ge=0, le=10, description="how many are followed; never from https to http")
    max_bytes: int = Field(8_000_000, ge=65_536, le=64_000_000, description="largest answer that is read")
    seconds: Seconds = Seconds.model_construct()
    records: Records = Records.model_construct()

    def cql_index(self, index: SearchIndex) -> CqlIndex | None:
        """None: the target has no such index."""
        return self.indexes[index] if index in self.indexes else DEFAULT_INDEXES.get(index)

    def cql_relation(self, match: TermMatch) -> Relation:
        return self.relations.get(match, DEFAULT_RELATIONS[match])
