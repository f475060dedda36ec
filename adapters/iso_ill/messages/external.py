"""EXTERNAL: a value whose syntax is defined elsewhere."""

from __future__ import annotations

from enum import IntEnum

from gateway.domain.frozen import frozen


class Encoding(IntEnum):
    """How the value is wrapped; the numbers are the tags."""

    SINGLE_ASN1_TYPE = 0  # one TLV
    OCTET_ALIGNED = 1
    ARBITRARY = 2  # a BIT STRING; its first octet counts the unused bits


@frozen
class External:
    """`value`: the TLV of a single ASN.1 type, else the octets."""

    direct_reference: str = ""  # object identifier, dotted
    value: bytes = b""
    encoding: Encoding = Encoding.SINGLE_ASN1_TYPE
    indirect_reference: int | None = None
    descriptor: str = ""
