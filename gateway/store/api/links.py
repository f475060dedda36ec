"""Making links to delivered copies, in the transaction that delivers them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.domain.requests.links import CopyLink, sign_copy_link
from gateway.store.api.secrets import COPY_LINKS, secret

LONGEST = timedelta(days=366)
"""Counts of downloads are forgotten when no link can be valid any more."""


def copy_token(
    c: Connection, library: str, request_id: str, attachment_id: str, expires: datetime, downloads: int, now: datetime
) -> str:
    """For `/d/TOKEN`. Raises ValueError for less than one download, or a time that is too long."""
    if expires - now > LONGEST:
        raise ValueError(f"a link may last {LONGEST.days} days")
    link = CopyLink(
        library=library,
        request_id=request_id,
        attachment_id=attachment_id,
        expires=expires,
        downloads=downloads,
        nonce=secrets.token_urlsafe(9),
    )
    return sign_copy_link(link, secret(c, library, COPY_LINKS, now))
