"""Signed tokens: links to delivered copies and links that answer a question.

The payload is JSON with short keys; the signature is HMAC-SHA-256 over it with a secret of the library, so that no row
is needed to check one. What a token says is believed only after `is_signed`.

How often a copy was fetched is the store's to count, by `link_id`. Whoever holds a link to a question may answer until
the time for it is over; that a question is answered once is the services' to see to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from gateway.domain.requests.partner_answers import ANSWERS as PARTNER_ANSWERS
from gateway.domain.value import value_object

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,900}\.[A-Za-z0-9_-]{43}")

ANSWERS = ("yes", "no")
"""Of patrons."""


class LinkFault(StrEnum):
    FORGED = "forged"
    EXPIRED = "expired"
    USED_UP = "used up"


class InvalidLinkError(Exception):
    def __init__(self, fault: LinkFault) -> None:
        super().__init__(f"the link is {fault.value}")
        self.fault = fault


def make_token(content: Mapping[str, str | int], secret: bytes) -> str:
    payload = _encode_urlsafe(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
    return f"{payload}.{_encode_urlsafe(_compute_signature(payload, secret))}"


def is_signed(text: str, secret: bytes) -> bool:
    payload, _, signature = text.partition(".")
    return hmac.compare_digest(_encode_urlsafe(_compute_signature(payload, secret)), signature)


@value_object
class TokenPayload:
    """The values of a token, by key. Every look raises InvalidLinkError where it is not there, or is something else."""

    _values: Mapping[str, object]

    def has_key(self, key: str) -> bool:
        return key in self._values

    def get_text(self, key: str) -> str:
        value = self._values.get(key)
        if not isinstance(value, str) or "\x00" in value or not value.isprintable():
            raise InvalidLinkError(LinkFault.FORGED)
        return value

    def get_number(self, key: str) -> int:
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidLinkError(LinkFault.FORGED)
        return value

    def get_moment(self, key: str) -> datetime:
        """Return a moment in UTC, from seconds since 1970."""
        try:
            return datetime.fromtimestamp(self.get_number(key), UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise InvalidLinkError(LinkFault.FORGED) from error


def read_token(text: str) -> TokenPayload:
    """Read a token, which is not believed yet. Raises InvalidLinkError for anything that is no token."""
    if not _TOKEN.fullmatch(text):
        raise InvalidLinkError(LinkFault.FORGED)
    try:
        values = json.loads(_decode_urlsafe(text.partition(".")[0]))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise InvalidLinkError(LinkFault.FORGED) from error
    if not isinstance(values, dict):
        raise InvalidLinkError(LinkFault.FORGED)
    return TokenPayload(values)


def _compute_signature(payload: str, secret: bytes) -> bytes:
    return hmac.new(secret, payload.encode(), hashlib.sha256).digest()


def _encode_urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode_urlsafe(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@value_object(kw_only=True)
class CopyLink:
    """`expires` is aware UTC, in whole seconds; `nonce` makes two links to one file differ."""

    library: str
    request_id: str
    attachment_id: str
    expires: datetime
    downloads: int
    nonce: str


def sign_copy_link(link: CopyLink, secret: bytes) -> str:
    """The token. Raises ValueError for a link that nobody could fetch."""
    if link.downloads < 1:
        raise ValueError("a link needs at least one download")
    content: dict[str, str | int] = {
        "l": link.library,
        "r": link.request_id,
        "a": link.attachment_id,
        "e": int(link.expires.timestamp()),
        "d": link.downloads,
        "n": link.nonce,
    }
    return make_token(content, secret)


def library_of_copy_link(text: str) -> str:
    """Return the library whose secret to check the link with: what the token says, which is not believed yet. Raises
    InvalidLinkError."""
    return read_copy_link(text).library


def verify_copy_link(text: str, secret: bytes, now: datetime) -> CopyLink:
    """Verify a link; raises InvalidLinkError."""
    link = read_copy_link(text)
    if not is_signed(text, secret):
        raise InvalidLinkError(LinkFault.FORGED)
    if now >= link.expires:
        raise InvalidLinkError(LinkFault.EXPIRED)
    return link


def link_id(text: str) -> str:
    """Return the id by which downloads are counted: says nothing about the token."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_copy_link(text: str) -> CopyLink:
    """Read what the token says, which is not believed yet. Raises InvalidLinkError."""
    token = read_token(text)
    return CopyLink(
        library=token.get_text("l"),
        request_id=token.get_text("r"),
        attachment_id=token.get_text("a"),
        expires=token.get_moment("e"),
        downloads=token.get_number("d"),
        nonce=token.get_text("n"),
    )


@value_object(kw_only=True)
class QuestionLink:
    """`query`: id of the question; `answer`: one of ANSWERS, for a partner a name of `partner_answers`; `attempt`: to
    which supplier the letter went (0: to the library that borrows from us), None where it went to the patron;
    `expires`: aware UTC, in whole seconds."""

    library: str
    request_id: str
    query: str
    answer: str
    expires: datetime
    attempt: int | None = None

    @property
    def is_partners(self) -> bool:
        return self.attempt is not None


def sign_question_link(link: QuestionLink, secret: bytes) -> str:
    """The token, always the same for the same link. Raises ValueError for an answer that there isn't."""
    if not _is_known_answer(link):
        raise ValueError(f"'{link.answer}' is no answer to this")
    content: dict[str, str | int] = {
        "l": link.library,
        "r": link.request_id,
        "q": link.query,
        "y": link.answer,
        "e": int(link.expires.timestamp()),
    }
    if link.attempt is not None:
        content["n"] = link.attempt
    return make_token(content, secret)


def library_of_question_link(text: str) -> str:
    """Return the library whose secret to check the link with: what the token says, which is not believed yet. Raises
    InvalidLinkError."""
    return read_token(text).get_text("l")


def verify_question_link(text: str, secret: bytes) -> QuestionLink:
    """Signed; whether its time is over is the caller's to say. Raises InvalidLinkError (FORGED)."""
    token = read_token(text)
    if not is_signed(text, secret):
        raise InvalidLinkError(LinkFault.FORGED)
    link = QuestionLink(
        library=token.get_text("l"),
        request_id=token.get_text("r"),
        query=token.get_text("q"),
        answer=token.get_text("y"),
        expires=token.get_moment("e"),
        attempt=_read_attempt_number(token),
    )
    if not _is_known_answer(link):
        raise InvalidLinkError(LinkFault.FORGED)
    return link


def _read_attempt_number(payload: TokenPayload) -> int | None:
    return payload.get_number("n") if payload.has_key("n") else None


def _is_known_answer(link: QuestionLink) -> bool:
    return link.answer in (PARTNER_ANSWERS if link.is_partners else ANSWERS)
