"""How a partner speaks HTTP: content types, how the document is wrapped, status, and how we prove who we are."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from gateway.domain.policy import Section
from gateway.domain.secret_ref import SecretRef


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


class HttpAuth(Section):
    """How we show a responder who we are."""

    kind: HttpAuthKind = Field(
        HttpAuthKind.NONE, description="path-key and query-key: FOLIO edge, Koha token; oauth2: WorldShare (LNC WMS)"
    )
    user: str = Field("", description="user name for basic, client id for oauth2")
    secret: SecretRef = Field("", description="env:NAME or file:PATH: password, token, key or client secret")
    parameter: str = Field("apikey", description="name of the query parameter for query-key (FOLIO edge)")
    token_url: str = Field("", description="where oauth2 tokens come from")
    scope: str = Field("", description="scope asked for with oauth2")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in _NEEDED[self.kind] if not getattr(self, name)]
        if missing:
            raise ValueError(f"authentication by {self.kind.value} needs {' and '.join(missing)}")
        return self


class HttpDialect(Section):
    """What a partner's HTTP looks like. In: when we answer. Out: when we call; `content_type` is for both."""

    content_type: str = Field(
        "application/xml; charset=utf-8", description="out and answers (XL takes nothing but application/xml)"
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
    auth: HttpAuth = Field(HttpAuth(), description="out: how we show a responder who we are")
