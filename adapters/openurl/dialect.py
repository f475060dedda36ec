"""Settings of requests that are pushed to a system as OpenURLs (section `openurl` of a profile): which keys, which
version, how the answer is understood (facts/openurl.md section 2)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from yarl import URL

from adapters.openurl.link_parser import charset_of
from gateway.domain.circulation_policy import Pattern, ProfileSection
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import ServiceType
from gateway.domain.secret_reference import SecretReference, UrlWithoutSecret

SECTION = "openurl"


class Said(StrEnum):
    """What is told beside the citation."""

    NUMBER = "number"  # of the request, as the partner is told it
    PATRON = "patron"  # identifier; only a system of the library's own ever gets it
    CATEGORY = "category"  # of the patron
    PICKUP = "pickup"  # location code
    SERVICE = "service"  # by `services`
    FORMAT = "format"
    LEVEL = "level"
    NEED_BY = "need_by"  # by `date_format`
    NOTE = "note"  # the requester's own
    MAXIMUM_COST = "maximum_cost"
    LIBRARY = "library"  # our symbol
    KIND = "kind"  # what happened: submit, request …
    STATUS = "status"  # of a status report: the state of the request
    MESSAGE = "message"  # id of the message, the same at each try


def _check_template(text: str) -> str:
    try:
        text.format(**{name.value: "x" for name in Said})
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        known = ", ".join(f"{{{name.value}}}" for name in Said)
        raise ValueError(f"can't be filled in ({error}); it may contain {known}") from error
    return text


def _check_url(text: str) -> str:
    try:
        url = URL(text)
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("not a URL with http or https")
    return text


def _check_charset(text: str) -> str:
    if not charset_of(text):
        raise ValueError("no character set of texts, such as utf-8 or iso-8859-1")
    return text


def _check_date_format(text: str) -> str:
    if not date(2026, 3, 2).strftime(text).strip():
        raise ValueError("writes nothing; a date looks like %Y-%m-%d or %m/%d/%Y")
    return text


Template = Annotated[str, AfterValidator(_check_template)]
Key = Annotated[str, Field(min_length=1, max_length=100)]


class OpenUrlVersion(StrEnum):
    OLD = "0.1"
    NEW = "1.0"
    BOTH = "both"


class PushAuthKind(StrEnum):
    NONE = "none"
    BASIC = "basic"
    HEADER = "header"
    QUERY_KEY = "query-key"


class PushAuth(ProfileSection):
    """How we show who we are."""

    kind: PushAuthKind = PushAuthKind.NONE
    user: str = Field("", description="user name for basic")
    secret: SecretReference = Field("", description="env:NAME or file:PATH: password, or what the header or key holds")
    parameter: str = Field("", description="name of the header or of the query's key")

    @model_validator(mode="after")
    def _require_complete(self) -> Self:
        needed = {PushAuthKind.NONE: (), PushAuthKind.BASIC: ("user", "secret")}.get(self.kind, ("parameter", "secret"))
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"authentication by {self.kind.value} needs {' and '.join(missing)}")
        return self


class AnswerRules(ProfileSection):
    """Patterns are searched in the answer's text, without case, first as it came and then without HTML. The group `1`
    of a pattern, or else all that it found, is what is shown."""

    taken: Pattern | None = Field(None, description="text of a positive answer; not set: any answer is positive")
    refused: tuple[Pattern, ...] = Field(
        (), description="text of a refusal with a status of success: staff get it, the call is not retried"
    )
    later: tuple[Pattern, ...] = Field(
        (), description="text that means 'not now', such as maintenance: the call is retried, until tries are over"
    )
    number: Pattern | None = Field(None, description="the other system's number of the request, for the history")
    elsewhere: Literal["refused", "taken"] = Field(
        "refused", description="meaning of an answer that leads to another host, which is never followed"
    )
    unknown: Literal["again", "staff"] = Field(
        "again",
        description="when no answer came to what was sent: again, for a system that knows a repeat by the request's "
        "number; staff: they look first whether it is there, then release it",
    )


class Timing(ProfileSection):
    """Seconds."""

    connect: float = Field(10.0, gt=0, le=60)
    total: float = Field(45.0, gt=0, le=600, description="less than `outbox.handler_seconds` of gateway.yml")


class OpenUrlDialect(ProfileSection):
    url: Annotated[UrlWithoutSecret, AfterValidator(_check_url)] = Field(
        description="the base; its query is sent along"
    )
    method: Literal["GET", "POST"] = Field("GET", description="POST: the keys are a form, the URL is as it is")
    version: OpenUrlVersion = Field(OpenUrlVersion.NEW, description="both: the keys of 1.0, then those of 0.1")
    prefix: str = Field("rft.", pattern=r"^[a-z.]*$", description="before the keys of the item in version 1.0")
    charset: Annotated[str, AfterValidator(_check_charset)] = Field(
        "utf-8", description="what it lacks is written as &#8211;, as browsers do"
    )
    fixed: dict[Key, str] = Field({}, description="keys that are always sent, before all others and instead of ours")
    names: dict[Key, str] = Field(
        {}, description="a key as we would write it (rft.jtitle) -> its name there; empty: it is omitted"
    )
    genres: dict[CitationType, str] = Field({}, description="type of what is asked for -> genre, where it isn't ours")
    services: dict[ServiceType, str] = Field({}, description="loan, copy, copy-or-loan -> the word there")
    fields: dict[Said, tuple[Key, ...]] = Field(
        {Said.NOTE: ("rft.notes",)}, description="what is told beside the citation -> the keys that it goes into"
    )
    note: tuple[Template, ...] = Field(
        ("{note}", "Our request {number}", "Needed by {need_by}"),
        description="lines of the note; a line with an empty field is omitted",
    )
    date_format: Annotated[str, AfterValidator(_check_date_format)] = Field("%Y-%m-%d", description="of `need_by`")
    max_length: int = Field(0, ge=0, le=1_000_000, description="of URL or form in bytes; 0: as long as it gets")
    drop: tuple[Key, ...] = Field(
        ("rft.callnumber", "rft.language", "rft.place", "rft.pub", "rft.series", "rft.edition", "rft.au", "rft_id"),
        description="keys, by the name there, that are omitted one after the other if it would be too long",
    )
    push: tuple[EventKind, ...] = Field(
        (EventKind.SUBMIT,), min_length=1, description="what is told this way; request: it is asked as a supplier"
    )
    auth: PushAuth = PushAuth.model_construct()
    answer: AnswerRules = AnswerRules.model_construct()
    timing: Timing = Timing.model_construct()

    def service_word(self, service: ServiceType) -> str:
        return self.services.get(service, service.value)


def dialect_of(profile: Profile) -> OpenUrlDialect | None:
    dialect = profile.dialects.get(SECTION)
    return dialect if isinstance(dialect, OpenUrlDialect) else None
