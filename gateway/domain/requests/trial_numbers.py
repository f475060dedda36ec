"""Numbers of the requests by which `illgate conformance` tries a partner's system: the daemon knows them without having
kept them, since only who has the library's secret can make one.

What the partner says about such a request has nothing here that it could change. It is confirmed, so that nobody there
looks for what went wrong.
"""

from __future__ import annotations

import hashlib
import hmac
import re

NONCE_CHARS = 6
_MAC_CHARS = 6
_MAX_CHARS = 200
"""Partners may put something before a number."""
_RUN = re.compile(rf"T(?P<nonce>[0-9a-z]{{{NONCE_CHARS}}})(?P<mac>[0-9a-z]{{{_MAC_CHARS}}})(?![0-9a-z])")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def name_trial_run(nonce: int, profile: str, secret: bytes) -> str:
    """Return the beginning of the numbers of all requests of a trial. Short, since some systems cut numbers."""
    written = _write_number(nonce, NONCE_CHARS)
    return f"T{written}{_sign_nonce(written, profile, secret)}"


def is_trial_number(number: str, profile: str, secret: bytes) -> bool:
    """Return whether a request of this number was made in a trial of this profile's partner."""
    return any(
        hmac.compare_digest(match["mac"], _sign_nonce(match["nonce"], profile, secret))
        for match in _RUN.finditer(number, 0, _MAX_CHARS)
    )


def _sign_nonce(nonce: str, profile: str, secret: bytes) -> str:
    digest = hmac.new(secret, f"{nonce} {profile.casefold()}".encode(), hashlib.sha256).digest()
    return _write_number(int.from_bytes(digest[:8], "big"), _MAC_CHARS)


def _write_number(number: int, length: int) -> str:
    """Its last digits to the base of 36."""
    digits = ""
    for _ in range(length):
        number, last = divmod(number, len(_DIGITS))
        digits = _DIGITS[last] + digits
    return digits
