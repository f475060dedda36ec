"""An app that shows codes (TOTP, RFC 6238), by the standard and nothing of ours: it knows what a person types in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from datetime import datetime


def show_code(key: str, moment: datetime) -> str:
    """`key`: Base32, as a page shows it."""
    counter = struct.pack(">Q", int(moment.timestamp() // 30))
    digest = hmac.new(base64.b32decode(key.replace(" ", "")), counter, hashlib.sha1).digest()
    (number,) = struct.unpack_from(">I", digest, digest[19] % 16)
    return f"{(number % 0x80000000) % 1_000_000:06}"
