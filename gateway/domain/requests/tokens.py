"""Signed tokens for links: `PAYLOAD.SIGNATURE`, both base64url without padding.

The payload is JSON with short keys; the signature is HMAC-SHA-256 over it with a secret of the library, so that no row
is needed to check one. What a token says is believed only after `is_signed`.
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

from gateway.domain.frozen import frozen

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,900}\.[A-Za-z0-9_-]{43}")


class LinkFault(StrEnum):
    FORGED = "forged"
    EXPIRED = "expired"
    USED_UP = "used up"


class BadLink(Exception):
    def __init__(self, fault: LinkFault) -> None:
        super().__init__(f"the link is {fault.value}")
        self.fault = fault


def token(said: Mapping[str, str | int], secret: bytes) -> str:
    payload = _encode(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())
    return f"{payload}.{_encode(_signature(payload, secret))}"


def is_signed(text: str, secret: bytes) -> bool:
    payload, _, signature = text.partition(".")
    return hmac.compare_digest(_encode(_signature(payload, secret)), signature)


@frozen
class Said:
    """What a token says, by key. Every look raises BadLink where it is not there, or is something else."""

    _values: Mapping[str, object]

    def has(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str) -> str:
        value = self._values.get(key)
        if not isinstance(value, str) or "\x00" in value or not value.isprintable():
            raise BadLink(LinkFault.FORGED)
        return value

    def number(self, key: str) -> int:
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadLink(LinkFault.FORGED)
        return value

    def moment(self, key: str) -> datetime:
        """In UTC, from seconds since 1970."""
        try:
            return datetime.fromtimestamp(self.number(key), UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise BadLink(LinkFault.FORGED) from error


def said_by(text: str) -> Said:
    """Not believed yet. Raises BadLink for anything that is no token."""
    if not _TOKEN.fullmatch(text):
        raise BadLink(LinkFault.FORGED)
    try:
        values = json.loads(_decode(text.partition(".")[0]))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise BadLink(LinkFault.FORGED) from error
    if not isinstance(values, dict):
        raise BadLink(LinkFault.FORGED)
    return Said(values)


def _signature(payload: str, secret: bytes) -> bytes:
    return hmac.new(secret, payload.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
