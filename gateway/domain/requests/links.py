"""Signed links to delivered copies: whoever holds one may fetch the file, until it expires or was fetched too often.

A token is `PAYLOAD.SIGNATURE`, both base64url without padding. The payload is JSON with short keys; the signature is
HMAC-SHA-256 over it with a secret of the library, so that no row is needed to check one. How often it was fetched is
the store's to count, by `link_id`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from enum import StrEnum

from gateway.domain.frozen import frozen_by_name

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,900}\.[A-Za-z0-9_-]{43}")


@frozen_by_name
class CopyLink:
    """`expires` is aware UTC, in whole seconds; `nonce` makes two links to one file differ."""

    library: str
    request_id: str
    attachment_id: str
    expires: datetime
    downloads: int
    nonce: str


class LinkFault(StrEnum):
    FORGED = "forged"
    EXPIRED = "expired"
    USED_UP = "used up"


class BadLink(Exception):
    def __init__(self, fault: LinkFault) -> None:
        super().__init__(f"the link is {fault.value}")
        self.fault = fault


def sign(link: CopyLink, secret: bytes) -> str:
    """The token. Raises ValueError for a link that nobody could fetch."""
    if link.downloads < 1:
        raise ValueError("a link needs at least one download")
    payload = _encode(
        json.dumps(
            {
                "l": link.library,
                "r": link.request_id,
                "a": link.attachment_id,
                "e": int(link.expires.timestamp()),
                "d": link.downloads,
                "n": link.nonce,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
    )
    return f"{payload}.{_encode(_signature(payload, secret))}"


def library_of(token: str) -> str:
    """Whose secret to check it with: what the token says, which is not believed yet. Raises BadLink."""
    return _payload(token).library


def verify(token: str, secret: bytes, now: datetime) -> CopyLink:
    """Raises BadLink."""
    link = _payload(token)
    payload, _, signature = token.partition(".")
    if not hmac.compare_digest(_encode(_signature(payload, secret)), signature):
        raise BadLink(LinkFault.FORGED)
    if now >= link.expires:
        raise BadLink(LinkFault.EXPIRED)
    return link


def link_id(token: str) -> str:
    """By which downloads are counted: says nothing about the token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _payload(token: str) -> CopyLink:
    if not _TOKEN.fullmatch(token):
        raise BadLink(LinkFault.FORGED)
    try:
        said = json.loads(_decode(token.partition(".")[0]))
        return CopyLink(
            library=_text(said["l"]),
            request_id=_text(said["r"]),
            attachment_id=_text(said["a"]),
            expires=datetime.fromtimestamp(_number(said["e"]), UTC),
            downloads=_number(said["d"]),
            nonce=_text(said["n"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError, binascii.Error) as error:
        raise BadLink(LinkFault.FORGED) from error


def _text(value: object) -> str:
    if not isinstance(value, str) or "\x00" in value or not value.isprintable():
        raise TypeError("text is expected")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a number is expected")
    return value


def _signature(payload: str, secret: bytes) -> bytes:
    return hmac.new(secret, payload.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
