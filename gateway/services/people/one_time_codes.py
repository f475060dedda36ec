"""Codes that change every half minute, as apps on telephones show them: TOTP (RFC 6238) over HOTP (RFC 4226).

SHA-1, six digits and 30 seconds are what every app can do; some read nothing else from a QR code. The codes are
`cryptography`'s work.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import UTC, datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES = 20
"""RFC 4226 section 4, R6: 160 bits are recommended."""

DIGITS = 6
STEP_SECONDS = 30

MAX_LABEL_CHARS = 40
"""Of the names in a QR code: apps show no more, and each sign of a long one makes the code harder to read, until none
holds it."""

STEPS_ASIDE = 1
"""Codes of the step before and after are good too, for clocks that are apart (RFC 6238 section 5.2)."""


def make_code_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def make_code(secret: bytes, step: int) -> str:
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode()


def step_of_moment(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_SECONDS


def find_code_step(secret: bytes, code: str, now: datetime, last_step: int) -> int | None:
    """The step whose code it is, of those that are good now and come after `last_step`: a code is good once. None: it
    is none of them."""
    current = step_of_moment(now)
    code_step = None
    for step in range(current - STEPS_ASIDE, current + STEPS_ASIDE + 1):
        if hmac.compare_digest(make_code(secret, step).encode(), code.encode()) and step > last_step:
            code_step = step
    return code_step


def moment_of_step(step: int) -> datetime:
    """Return when a step began."""
    return datetime.fromtimestamp(step * STEP_SECONDS, UTC)


def write_code_secret(secret: bytes) -> str:
    """Write a secret as apps take it by hand: Base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def make_key_uri(secret: bytes, account: str, issuer: str) -> str:
    """Make the text of the QR code (`otpauth://`, as Google Authenticator defined it). A colon would end the issuer's
    name."""
    named = issuer.replace(":", " ")[:MAX_LABEL_CHARS].strip()
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS).get_provisioning_uri(account[:MAX_LABEL_CHARS], named)
