"""PINs, passwords and credentials of senders taken out of the bytes of a message, for all that is kept. Pure.

The bytes are looked at as they are, not parsed: what can't be read, was cut off or is of an unknown partner holds
secrets too. Start and end tags are recognised with any prefix and letter case, URL-encoded, escaped once more inside
another document, and in UTF-16 and UTF-32. All else stays byte for byte. Where an end tag is missing, everything up to
the end counts as the secret.

Data of an AuthenticationInput stay only where the one type beside them surely names somebody (a barcode, a user name);
of a type that nobody knows they may be a password.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property

from gateway.domain.secret_reference import CONCEALED
from gateway.domain.value import value_object

DATA = "AuthenticationInputData"
AGENCY_AUTHENTICATION = "FromAgencyAuthentication"
SENDER_ELEMENTS = ("FromSystemAuthentication", AGENCY_AUTHENTICATION)
"""In both headers, in all versions."""

REFUSED_VALUES = ("ProblemValue", "ProcessingErrorValue")
"""Where a refused PIN comes back from Koha (facts/ils-backends.md 1.6)."""

IDENTITY_TYPES = frozenset(
    {
        *("barcode", "barcodeid", "userbarcode", "patronbarcode", "librarybarcode"),
        *("user", "userid", "username", "useridentifier", "visibleuserid", "ldapusername", "externalsystemid"),
        *("patron", "patronid", "patronnumber", "borrowerid", "borrowernumber", "externalid", "institutionid"),
        *("card", "cardid", "cardnumber", "librarycard", "librarycardnumber", "librarycardid"),
        *("student", "studentid", "studentnumber", "memberid", "membernumber", "netid", "email", "emailaddress"),
    }
)
"""AuthenticationInputTypes that name a patron (facts/ncip.md 3.5 and those of other systems): letters and digits only,
in lower case."""

_ESCAPED = rb"%(?:25)*+"
"""The beginning of a character that is URL-encoded, once or several times."""


@value_object
class _Spelling:
    """The spelling of the characters of tags, as patterns. `letter`: those for one letter of a name."""

    less: bytes
    greater: bytes
    slash: bytes
    blank: bytes
    prefix: bytes
    inside_tag: bytes
    letter: Callable[[str], bytes]


def _coded(octet: str, *entities: str) -> bytes:
    """Write an octet as it is, URL-encoded, or as a reference."""
    code = ord(octet)
    cases = "".join(f"[{digit.upper()}{digit.lower()}]" for digit in f"{code:02x}")
    either = [re.escape(octet).encode(), _ESCAPED + cases.encode()]
    if entities:
        names = "|".join((*entities, f"#{code}", f"#[xX]{cases}"))
        either.append(rb"&(?:amp;)*+(?:" + names.encode() + rb");")
    return b"(?:" + b"|".join(either) + b")"


_PLAIN = _Spelling(
    less=b"<",
    greater=b">",
    slash=b"/",
    blank=rb"\s",
    prefix=rb"(?:[^\s<>/:!?\"'=&]{1,64}+:)?",
    inside_tag=rb"(?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+'|[\"'])",
    letter=lambda letter: f"[{letter.lower()}{letter.upper()}]".encode(),
)
_LETTERS = rb"[^\s<>/:!?\"'=&%+]{0,64}+"
_CODED_LETTER = _ESCAPED + rb"(?!3[aAcCeE]|2[fF]|20|09|0[aAdD])[0-9A-Fa-f]{2}"
_CODED = _Spelling(
    less=_coded("<", "lt"),
    greater=_coded(">", "gt"),
    slash=_coded("/"),
    blank=rb"(?:[\s+]|" + _ESCAPED + rb"(?:20|09|0[aAdD]))",
    # not possessive as a whole: Python before 3.11.5, as Debian 12 has it, matches such a group wrongly
    prefix=b"(?:" + _LETTERS + b"(?:" + _CODED_LETTER + _LETTERS + rb"){0,64}" + _coded(":") + b")?",
    inside_tag=(
        rb"(?:[^<>%&\"']|\"[^\"<]*+\"|'[^'<]*+'|[\"']|%(?!(?:25)*+3[cCeE])"
        rb"|&(?!(?:amp;)*+(?:lt|gt|#6[02]|#[xX]3[cCeE]);))"
    ),
    letter=lambda letter: b"(?:" + _coded(letter.lower()) + b"|" + _coded(letter.upper()) + b")",
)
"""What is inside another document, or comes as a form; some clients encode every letter."""

_INPUT, _TYPE = "AuthenticationInput", "AuthenticationInputType"
_PLAIN_TYPE = re.compile(r"[\w .+-]*+", re.ASCII)
_REFUSAL = re.compile(rb"authentication(?:[\s_+-]|%20)++failed", re.IGNORECASE)
_MASK = CONCEALED.encode("ascii")


class _TagPatterns:
    """Tags in one spelling; compiled when they are needed, since most messages hold no secret."""

    def __init__(self, spelling: _Spelling) -> None:
        self._spelling = spelling
        self.start_tag = cache(self._compile_start_tag)
        self.end_tag = cache(self._compile_end_tag)

    @cached_property
    def empty_end(self) -> re.Pattern[bytes]:
        """The pattern of the rest of a start tag that is an end tag too."""
        return re.compile(self._spelling.slash + self._spelling.blank + rb"{0,8}\Z")

    @cached_property
    def v1_value(self) -> re.Pattern[bytes]:
        """Group `type`: the contents of Value."""
        text = rb"(?P<type>(?:[^<>%&]|" + _ESCAPED + rb"20)*+)"
        return re.compile(self.start_tag("Value").pattern + text + self._spelling.less)

    def _compile_start_tag(self, *names: str) -> re.Pattern[bytes]:
        """One of the names; the group of that name has matched. Group `rest`: what else stands in the tag."""
        s = self._spelling
        either = b"|".join(b"(?P<" + name.encode() + b">" + self._name_pattern(name) + b")" for name in names)
        rest = b"(?P<rest>(?:(?:" + s.blank + b"|" + s.slash + b")" + s.inside_tag + b"*+)?)"
        return re.compile(s.less + s.blank + b"{0,8}" + s.prefix + b"(?:" + either + b")" + rest + s.greater)

    def _compile_end_tag(self, name: str) -> re.Pattern[bytes]:
        s, blanks = self._spelling, self._spelling.blank + b"{0,8}"
        return re.compile(s.less + blanks + s.slash + blanks + s.prefix + self._name_pattern(name) + blanks + s.greater)

    def _name_pattern(self, name: str) -> bytes:
        """Write the pattern of a name in any letter case."""
        return b"".join(map(self._spelling.letter, name))


_PLAIN_TAGS, _CODED_TAGS = _TagPatterns(_PLAIN), _TagPatterns(_CODED)
_CODED_LESS = re.compile(rb"%(?:25)*+3[cC]|&(?:amp;)*+(?:lt|#60|#[xX]3[cC]);")


def is_identity_type(type_: str) -> bool:
    """Return whether what stands under this AuthenticationInputType names a patron, and proves nothing."""
    if not _PLAIN_TYPE.fullmatch(type_.strip()):
        return False
    return re.sub(r"[\W_]", "", type_).lower() in IDENTITY_TYPES


def conceal_secrets(body: bytes) -> bytes:
    """The body without them; the same object where there are none. Never raises; takes time in proportion to the
    size."""
    if not _is_worth_a_look(body):
        return body
    width, place = _find_code_width(body)
    text = body if width == 1 else _narrow(body, width, place)
    mask = _MASK if width == 1 else _widen(_MASK, width, place)
    pieces: list[bytes] = []
    at = 0
    for start, end in _TextScan(text).find_secrets():
        until = len(body) if end == len(text) else end * width
        pieces += (body[at : start * width], mask)
        at = until
    return b"".join((*pieces, body[at:])) if pieces else body


def has_concealed_input(body: bytes) -> bool:
    """Return whether what a patron proves itself by was taken out of this message."""
    return _holds_mask(body, DATA)


def has_concealed_agency(body: bytes) -> bool:
    """Return whether FromAgencyAuthentication was taken out of this message."""
    return _holds_mask(body, AGENCY_AUTHENTICATION)


def _holds_mask(body: bytes, element: str) -> bool:
    width, place = _find_code_width(body)
    text = body if width == 1 else _narrow(body, width, place)
    return any(name == element and text[start:end] == _MASK for name, start, end in _TextScan(text).iter_values())


def _is_worth_a_look(body: bytes) -> bool:
    """Cheap, since every message is asked: most hold no secret."""
    if b"authenticat" in body.lower():
        return True
    return b"\0" in body[:8] or (b"%" in body and not body.startswith(b"<"))


# --- in one octet a character ----------------------------------------------------------------------------


class _TextScan:
    def __init__(self, text: bytes) -> None:
        self._text = text
        self._tags = _CODED_TAGS if _CODED_LESS.search(text) else _PLAIN_TAGS

    def find_secrets(self) -> Iterator[tuple[int, int]]:
        """Find where something is to be taken out."""
        named: set[int] | None = None
        for name, start, end in self.iter_values():
            value = self._text[start:end]
            if not value or value.isspace() or value == _MASK:
                continue
            if name == DATA:
                named = self._find_named_data() if named is None else named
                if start in named:
                    continue
            yield start, end

    def iter_values(self) -> Iterator[tuple[str, int, int]]:
        """Name of the element, start and end of its contents."""
        names = (DATA, *SENDER_ELEMENTS, *(REFUSED_VALUES if _REFUSAL.search(self._text) else ()))
        tags = self._tags.start_tag(*names)
        at = 0
        while (tag := tags.search(self._text, at)) is not None:
            at = tag.end()
            if self._tags.empty_end.search(tag["rest"]):
                continue
            name = next(group for group in names if tag[group] is not None)
            start, at = at, self._find_end(name, at)
            yield name, start, at

    def _find_end(self, name: str, start: int, end: int | None = None) -> int:
        """Find where the contents end that begin at `start`: before the end tag, or else at `end` or that of the
        text."""
        most = len(self._text) if end is None else end
        closing = self._tags.end_tag(name).search(self._text, start, most)
        return closing.start() if closing is not None else most

    def _find_named_data(self) -> set[int]:
        """Find where data start that only say who it is: one piece of data and one type that names somebody, in an
        input that has an end."""
        text, tags = self._text, self._tags
        named_data: set[int] = set()
        at = 0
        while (opening := tags.start_tag(_INPUT).search(text, at)) is not None:
            start, at = opening.end(), self._find_end(_INPUT, opening.end())
            data = list(tags.start_tag(DATA).finditer(text, start, at))
            types = list(tags.start_tag(_TYPE).finditer(text, start, at))
            if len(data) == len(types) == 1 and at < len(text):
                type_start = types[0].end()
                if self._names_patron(text[type_start : self._find_end(_TYPE, type_start, at)]):
                    named_data.add(data[0].end())
        return named_data

    def _names_patron(self, type_text: bytes) -> bool:
        """`type_text`: as it stands, in version 1 with Scheme and Value."""
        value = self._tags.v1_value.search(type_text)
        type_value = value["type"] if value is not None else type_text
        return is_identity_type(type_value.replace(b"%20", b" ").decode("ascii", "replace"))


# --- in several octets a character -----------------------------------------------------------------------

_BOMS = (
    (codecs.BOM_UTF32_LE, 4, 0),
    (codecs.BOM_UTF32_BE, 4, 3),
    (codecs.BOM_UTF16_LE, 2, 0),
    (codecs.BOM_UTF16_BE, 2, 1),
)


def _find_code_width(body: bytes) -> tuple[int, int]:
    """Octets of a character, and which of them is the one that ASCII has."""
    for bom, width, place in _BOMS:
        if body.startswith(bom):
            return width, place
    head = body[:4]
    if head[:1] == b"\0":
        return (4, 3) if head[1:2] == b"\0" else (2, 1)
    if head[1:2] == b"\0":
        return (4, 0) if head[2:4] == b"\0\0" else (2, 0)
    return 1, 0


def _narrow(body: bytes, width: int, place: int) -> bytes:
    """One octet a character, 0x80 for those that ASCII doesn't have."""
    columns: Sequence[bytes] = [body[offset::width] for offset in range(width)]
    others = [column for offset, column in enumerate(columns) if offset != place]
    return bytes(0x80 if any(rest) else own for own, *rest in zip(columns[place], *others, strict=False))


def _widen(text: bytes, width: int, place: int) -> bytes:
    wide = bytearray(len(text) * width)
    wide[place::width] = text
    return bytes(wide)
