"""Queries, diagnostics, answers and object identifiers. No bytes of BER."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object

BIB_1 = "1.2.840.10003.3.1"
BIB_1_DIAGNOSTICS = "1.2.840.10003.4.1"
INIT_DIAGNOSTICS = "1.2.840.10003.10.1000.3"

ATTRIBUTE_SETS = {
    "bib-1": BIB_1,
    "exp-1": "1.2.840.10003.3.2",
    "ext-1": "1.2.840.10003.3.3",
    "gils": "1.2.840.10003.3.5",
    "zthes": "1.2.840.10003.3.13",
    "bib-2": "1.2.840.10003.3.18",
}
"""By the names that PQF has for them."""

SYNTAXES = {
    "marc21": "1.2.840.10003.5.10",
    "unimarc": "1.2.840.10003.5.1",
    "xml": "1.2.840.10003.5.109.10",
    "opac": "1.2.840.10003.5.102",
    "sutrs": "1.2.840.10003.5.101",
}
"""Record syntaxes by the words that profiles have for them."""

_MARC_BRANCH = "1.2.840.10003.5."

MARC_OTHERS = frozenset(_MARC_BRANCH + str(number) for number in (*range(11, 32), 33, 34))
"""National formats in ISO 2709 (UKMARC, NORMARC, …): close to MARC 21, and read as such."""

OLD_XML = frozenset({"1.2.840.10003.5.1000.81.2", "1.2.840.10003.5.109.11"})
"""Other identifiers under which XML is sent."""

SYNTAX_NOT_SUPPORTED = frozenset({227, 238, 239})
"""Another record syntax may do: none available in it, not available in it, not supported."""

OUT_OF_RANGE = 13

PASSING = frozenset({2, 28, 29, 31, 32})
"""Trouble at the target that isn't the query's: it may be gone the next time."""

SIGNING_IN = frozenset({101, 236, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017, 1018, 1019, 1020, 1021, 1022})

TEXTS = {
    1: "permanent system error",
    2: "temporary system error",
    3: "unsupported search",
    4: "terms only exclusion (stop) words",
    5: "too many argument words",
    6: "too many boolean operators",
    7: "too many truncated words",
    8: "too many incomplete subfields",
    9: "truncated words too short",
    10: "invalid format for record number (search term)",
    11: "too many characters in search statement",
    12: "too many records retrieved",
    13: "present request out of range",
    14: "system error in presenting records",
    15: "record not authorized to be sent intersystem",
    16: "record exceeds preferred message size",
    17: "record exceeds exceptional record size",
    18: "result set not supported as a search term",
    19: "only single result set as search term supported",
    20: "only ANDing of a single result set as search term supported",
    21: "result set exists and replace indicator off",
    22: "result set naming not supported",
    23: "specified combination of databases not supported",
    24: "element set names not supported",
    25: "specified element set name not valid for specified database",
    26: "only generic form of element set name supported",
    27: "result set no longer exists - unilaterally deleted by target",
    28: "result set is in use",
    29: "one of the specified databases is locked",
    30: "specified result set does not exist",
    31: "resources exhausted - no results available",
    32: "resources exhausted - unpredictable partial results available",
    33: "resources exhausted - valid subset of results available",
    100: "unspecified error",
    101: "access-control failure",
    102: "challenge required, could not be issued - operation terminated",
    103: "challenge required, could not be issued - record not included",
    104: "challenge failed - record not included",
    105: "terminated at origin request",
    106: "no abstract syntaxes agreed to for this record",
    107: "query type not supported",
    108: "malformed query",
    109: "database unavailable",
    110: "operator unsupported",
    111: "too many databases specified",
    112: "too many result sets created",
    113: "unsupported attribute type",
    114: "unsupported use attribute",
    115: "unsupported term value for use attribute",
    116: "use attribute required but not supplied",
    117: "unsupported relation attribute",
    118: "unsupported structure attribute",
    119: "unsupported position attribute",
    120: "unsupported truncation attribute",
    121: "unsupported attribute set",
    122: "unsupported completeness attribute",
    123: "unsupported attribute combination",
    124: "unsupported coded value for term",
    125: "malformed search term",
    126: "illegal term value for attribute",
    127: "unparsable format for un-normalized value",
    128: "illegal result set name",
    129: "proximity search of sets not supported",
    130: "illegal result set in proximity search",
    131: "unsupported proximity relation",
    132: "unsupported proximity unit code",
    201: "proximity not supported with this attribute combination",
    202: "unsupported distance for proximity",
    203: "ordered flag not supported for proximity",
    205: "only zero step size supported for scan",
    206: "specified step size not supported for scan",
    207: "cannot sort according to sequence",
    227: "no data available in requested record syntax",
    228: "scan: malformed scan",
    229: "term type not supported",
    232: "scan: illegal position in response",
    233: "scan: unsupported number of terms requested",
    235: "database does not exist",
    236: "access to specified database denied",
    238: "record not available in requested syntax",
    239: "record syntax not supported",
    240: "scan: resources exhausted looking for satisfying terms",
    241: "scan: beginning or end of term list",
    243: "present: additional ranges parameter not supported",
    244: "present: comp-spec parameter not supported",
    245: "type-1 query: restriction operand not supported",
    246: "type-1 query: complex attribute value not supported",
    247: "type-1 query: attribute set in attribute element not supported",
    1001: "malformed APDU",
    1010: "init: bad user id",
    1011: "init: bad user id or password",
    1012: "init: no search units left",
    1013: "init: missing or bad service",
    1014: "init: authentication system error",
    1015: "init: maximum number of simultaneous sessions for user id",
    1016: "init: blocked network address",
    1017: "init: no databases available for specified user id",
    1018: "init: system temporarily out of resources",
    1019: "init: system not available due to maintenance",
    1020: "init: system temporarily unavailable",
    1021: "init: account has expired",
    1022: "init: password has expired",
    1024: "unsupported attribute",
    1025: "service not supported for this database",
    1026: "record can't be opened because it is locked",
    1028: "record deleted",
    1040: "ES: invalid function",
    1050: "explain category: term list is missing",
}

_AWAY = frozenset({1018, 1019, 1020})


def syntax_word(oid: str) -> str:
    """Its word; empty: none that we read."""
    return _WORDS.get(oid, "")


_WORDS = {
    **dict.fromkeys(MARC_OTHERS, "marc21"),
    **dict.fromkeys(OLD_XML, "xml"),
    **{oid: word for word, oid in SYNTAXES.items()},
}


# --- queries ---------------------------------------------------------------------------------------------


@value_object
class TermAttribute:
    """One attribute of a term. `set` empty: the query's own attribute set."""

    type: int
    value: int | str
    set: str = ""


class TermKind(StrEnum):
    GENERAL = "general"
    NUMERIC = "numeric"
    STRING = "string"
    NULL = "null"


@value_object
class QueryOperand:
    """A term and how it is to be taken."""

    attributes: tuple[TermAttribute, ...]
    term: str
    kind: TermKind = TermKind.GENERAL


@value_object
class ResultSet:
    name: str


class BooleanOperator(StrEnum):
    AND = "and"
    OR = "or"
    NOT = "not"


@value_object
class Proximity:
    """A proximity operator; numbers as the standard has them. `private`: the unit is the target's own."""

    exclusion: bool
    distance: int
    ordered: bool
    relation: int
    private: bool
    unit: int


@value_object
class BooleanQuery:
    op: BooleanOperator | Proximity
    left: Rpn
    right: Rpn


Rpn = QueryOperand | ResultSet | BooleanQuery


@value_object
class RpnQuery:
    """Type-1."""

    rpn: Rpn
    attribute_set: str = BIB_1


# --- answers ---------------------------------------------------------------------------------------------


@value_object
class Z3950Diagnostic:
    """`set`: object identifier of the list in which `condition` is; empty where the target gave only words."""

    condition: int
    additional: str = ""
    set: str = ""


@value_object
class RawRecord:
    """`syntax`: object identifier. `data` as it stood in the EXTERNAL."""

    syntax: str
    data: bytes = field(repr=False)


@value_object(kw_only=True)
class InitAnswer:
    accepted: bool
    version: int  # the highest that both speak: 2 or 3
    options: frozenset[int]  # numbers of the bits
    implementation: str = ""
    diagnostics: tuple[Z3950Diagnostic, ...] = ()


@value_object(kw_only=True)
class Z3950SearchAnswer:
    """The answer to a search or a present. `records` may hold diagnostics in place of single records; `diagnostics` are
    about the whole. `hits` is 0 in the answer to a present."""

    succeeded: bool
    hits: int = 0
    records: tuple[RawRecord | Z3950Diagnostic, ...] = ()
    diagnostics: tuple[Z3950Diagnostic, ...] = ()


@value_object
class ScanEntry:
    term: str
    count: int


@value_object(kw_only=True)
class Z3950ScanAnswer:
    entries: tuple[ScanEntry, ...] = ()
    diagnostics: tuple[Z3950Diagnostic, ...] = ()


@value_object
class CloseNotice:
    """The target takes leave. `reason` as a word of the standard."""

    reason: str
    said: str = ""


Answer = InitAnswer | Z3950SearchAnswer | Z3950ScanAnswer | CloseNotice


def describe_diagnostic(diagnostic: Z3950Diagnostic) -> str:
    """'114 unsupported use attribute: 1211', in one line."""
    known = TEXTS.get(diagnostic.condition, "") if diagnostic.set in ("", BIB_1_DIAGNOSTICS) else diagnostic.set
    head = " ".join(part for part in (str(diagnostic.condition or ""), known) if part)
    return (
        ": ".join(part for part in (head, " ".join(diagnostic.additional.split())) if part) or "an unnamed diagnostic"
    )


def error_of_diagnostics(diagnostics: tuple[Z3950Diagnostic, ...], name: str) -> Refused | Unavailable:
    """The error for an answer that is a 'no'. `name`: of the target."""
    words = "; ".join(map(describe_diagnostic, diagnostics)) or write_sentence("no reason given")
    conditions = {diagnostic.condition for diagnostic in diagnostics}
    if conditions & (PASSING | _AWAY):
        return Unavailable(write_about(name, words))
    reason = RefusalReason.SENDER_AUTH_FAILED if conditions & SIGNING_IN else RefusalReason.INVALID_VALUE
    return Refused(reason, write_sentence("%(name)s: %(report)s", name=name, report=words))
