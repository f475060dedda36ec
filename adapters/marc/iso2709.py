"""ISO 2709 to a record, in whatever character set it really is. Never raises: what is wrong is said.

Leader position 9 says MARC-8 (blank) or UTF-8 (a), and servers lie about it (facts/openurl.md section 3). MARC-8 is
read by pymarc. The directory is read here: pymarc gives a whole record up for one bad entry, and takes four times as
long (docs/decisions/0012-z3950.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from pymarc import marc8_to_unicode

from adapters.marc.dialect import AUTO, MARC_8
from adapters.marc.fields import Field, Marc
from gateway.domain.frozen import frozen

LEADER = 24
END_OF_FIELD = b"\x1e"
SUBFIELD = b"\x1f"

_ENTRY = re.compile(r"(.{3})([0-9]{4})([0-9]{5})|.{12}", re.DOTALL)
_ESCAPE = b"\x1b"
_UNIMARC_UNICODE = b"50"
_CHARSET_OF_100 = re.compile(rb"\x1fa.{26}(..)", re.DOTALL)

Decode = Callable[[bytes], str]


@frozen
class Read:
    """`record` None: nothing could be made of it. `problem` empty: nothing was wrong."""

    record: Marc | None
    problem: str = ""


def read_iso2709(data: bytes, charset: str, *, unimarc: bool = False) -> Read:
    """`charset`: auto, marc-8 or a codec of Python's."""
    if len(data) <= LEADER:
        return Read(None, "no ISO 2709 record: not even a leader")
    base = _base(data)
    if not base:
        return Read(None, "no ISO 2709 record: its directory has no end")
    decode, oddity = _decoder(data, charset, unimarc)
    fields, lost = _fields(data, base, decode)
    if not fields:
        return Read(None, "no ISO 2709 record: no field could be read")
    return Read(Marc.of(data[:LEADER].decode("ascii", "replace"), fields), oddity or lost)


def _base(data: bytes) -> int:
    """Where the fields begin: as the leader says, or else behind the directory. 0: nowhere."""
    said = data[12:17]
    base = int(said) if said.isdigit() else 0
    if LEADER < base <= len(data) and data[base - 1 : base] == END_OF_FIELD:
        return base
    return data.find(END_OF_FIELD, LEADER) + 1


def _fields(data: bytes, base: int, decode: Decode) -> tuple[list[Field], str]:
    found, bad, cut = [], 0, 0
    for tag, length, offset in _ENTRY.findall(data[LEADER : base - 1].decode("latin-1")):
        if not tag:
            bad += 1
            continue
        begin = base + int(offset)
        end = begin + int(length)
        cut += end > len(data)
        if begin < len(data):
            found.append(Field(tag, data[begin:end], decode))
    problems = (f"{bad} entries of its directory can't be read" if bad else "", "it is cut off" if cut else "")
    return found, "; ".join(filter(None, problems))


# --- character sets --------------------------------------------------------------------------------------


def _decoder(data: bytes, wanted: str, unimarc: bool) -> tuple[Decode, str]:
    """And what was odd about it."""
    if wanted == MARC_8:
        return _marc_8, ""
    if wanted != AUTO:
        return partial(str, encoding=wanted, errors="replace"), ""
    if data.isascii() and _ESCAPE not in data:
        return _utf_8, ""
    says_utf_8 = _unimarc_says_unicode(data) if unimarc else data[9:10] == b"a"
    if _ESCAPE not in data and _is_utf_8(data):
        return _utf_8, "" if says_utf_8 or unimarc else "it calls itself MARC-8 and is UTF-8"
    if says_utf_8:
        return _marc_8, "it calls itself UTF-8 and is not; read as MARC-8"
    return _marc_8, "its character set, perhaps ISO 5426, was read as MARC-8" if unimarc else ""


_utf_8: Decode = partial(str, encoding="utf-8", errors="replace")


def _marc_8(octets: bytes) -> str:
    """Each subfield by itself: its escapes end with it."""
    parts = [_marc_8_part(part) for part in octets.split(SUBFIELD)]
    return SUBFIELD.decode().join(parts)


def _marc_8_part(octets: bytes) -> str:
    if octets.isascii() and _ESCAPE not in octets:
        return octets.decode("ascii")
    try:
        return str(marc8_to_unicode(octets, hide_utf8_warnings=True))
    except (UnicodeDecodeError, ValueError, KeyError, TypeError):  # escapes that lead nowhere
        return octets.decode("ascii", "replace")


def _unimarc_says_unicode(data: bytes) -> bool:
    found = _CHARSET_OF_100.search(data)
    return found is not None and found[1] == _UNIMARC_UNICODE


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
