"""Signed links to delivered copies: whoever holds one may fetch the file, until it expires or was fetched too often.

How often it was fetched is the store's to count, by `link_id`. What a token is made of: `tokens`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from gateway.domain.frozen import frozen_by_name
from gateway.domain.requests.tokens import BadLink, LinkFault, is_signed, said_by, token

__all__ = ["BadLink", "CopyLink", "LinkFault", "library_of_copy_link", "link_id", "sign_copy_link", "verify_copy_link"]


@frozen_by_name
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
    said: dict[str, str | int] = {
        "l": link.library,
        "r": link.request_id,
        "a": link.attachment_id,
        "e": int(link.expires.timestamp()),
        "d": link.downloads,
        "n": link.nonce,
    }
    return token(said, secret)


def library_of_copy_link(text: str) -> str:
    """Whose secret to check it with: what the token says, which is not believed yet. Raises BadLink."""
    return _payload(text).library


def verify_copy_link(text: str, secret: bytes, now: datetime) -> CopyLink:
    """Raises BadLink."""
    link = _payload(text)
    if not is_signed(text, secret):
        raise BadLink(LinkFault.FORGED)
    if now >= link.expires:
        raise BadLink(LinkFault.EXPIRED)
    return link


def link_id(text: str) -> str:
    """By which downloads are counted: says nothing about the token."""
    return hashlib.sha256(text.encode()).hexdigest()


def _payload(text: str) -> CopyLink:
    said = said_by(text)
    return CopyLink(
        library=said.text("l"),
        request_id=said.text("r"),
        attachment_id=said.text("a"),
        expires=said.moment("e"),
        downloads=said.number("d"),
        nonce=said.text("n"),
    )
