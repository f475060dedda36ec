"""Z39.50 on the wire: values to APDUs, and APDUs to values. Pure: no I/O, no clock, no settings.

    init(...), search(...), present(...), scan(...), close()   -> bytes
    decode(bytes, charset)                                     -> InitAnswer | Found | Scanned | Closed
    decode_opac(bytes)                                         -> an OPAC record, as asn1tools has it

asn1tools does the BER by `z3950.asn`; what can't be read is `MalformedMessage` with place and reason.
"""

from __future__ import annotations

from adapters.z3950.codec.compiled import module
from adapters.z3950.codec.hearing import Texts, decode, decode_opac
from adapters.z3950.codec.saying import SCAN, Login, close, init, present, scan, search

__all__ = ["SCAN", "Login", "Texts", "close", "decode", "decode_opac", "init", "module", "present", "scan", "search"]
