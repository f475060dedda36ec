"""APDUs as people write them: hexadecimal digits with blanks, line ends and colons between them."""

from __future__ import annotations

import re

_HEX = re.compile(rb"[0-9A-Fa-f\s:]+")


def octets_of(data: bytes) -> bytes:
    """What the digits stand for; BER as it is, since an APDU never begins with a digit. Raises ValueError."""
    if not data or not _HEX.fullmatch(data):
        return data
    try:
        return bytes.fromhex(re.sub(rb"[\s:]", b"", data).decode())
    except ValueError as error:
        raise ValueError(f"not hexadecimal digits: {error}") from error
