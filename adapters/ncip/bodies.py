"""A document inside an HTTP body: plain, URL-encoded as a whole (USMAI), or in a form field (KOHA). Pure."""

from __future__ import annotations

from urllib.parse import quote_plus, unquote_to_bytes

from adapters.ncip.dialect.http import BodyEncoding, HttpDialect
from gateway.domain.frozen import frozen

FORM_TYPE = "application/x-www-form-urlencoded"
_ENCODED_STARTS = (b"%3c", b"%ef%bb%bf%3c", b"%0d%0a%3c", b"%0a%3c", b"+%3c", b"%20%3c")


@frozen
class Unwrapped:
    """The document's bytes, and what was taken off."""

    document: bytes
    notes: tuple[str, ...] = ()


def unwrap(body: bytes, http: HttpDialect) -> Unwrapped:
    """The document in a body. What doesn't fit the dialect is returned as it is, for the parser to refuse."""
    if body[:1] == b"<":
        return Unwrapped(body)
    encoding = http.body_encoding
    if encoding in (BodyEncoding.AUTO, BodyEncoding.FORM):
        value = _form_value(body, http.form_fields)
        if value is not None:
            return Unwrapped(value, ("form field",))
    if encoding in (BodyEncoding.AUTO, BodyEncoding.URL_ENCODED) and _is_encoded(body):
        return Unwrapped(_unquote(body), ("URL-encoded body",))
    return Unwrapped(body)


def wrap(document: bytes, http: HttpDialect) -> bytes:
    """A document as the body of a request to this partner; AUTO and PLAIN leave it as it is."""
    if http.body_encoding is BodyEncoding.URL_ENCODED:
        return quote_plus(document).encode("ascii")
    if http.body_encoding is BodyEncoding.FORM:
        return f"{quote_plus(http.form_fields[0])}={quote_plus(document)}".encode("ascii")
    return document


def _is_encoded(body: bytes) -> bool:
    return body[:64].lstrip().lower().startswith(_ENCODED_STARTS)


def _unquote(value: bytes) -> bytes:
    return unquote_to_bytes(value.strip().replace(b"+", b" "))


def _form_value(body: bytes, names: tuple[str, ...]) -> bytes | None:
    if b"=" not in body:
        return None
    # A document put behind `xml=` without any encoding: everything up to the end belongs to it.
    name, _, value = body.partition(b"=")
    if _field(name) in names and value.lstrip()[:1] == b"<":
        return value
    for pair in body.split(b"&"):
        name, found, value = pair.partition(b"=")
        if found and _field(name) in names:
            return _unquote(value)
    return None


def _field(name: bytes) -> str:
    return _unquote(name[:200]).decode("utf-8", "replace").strip()
