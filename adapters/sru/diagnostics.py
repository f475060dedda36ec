"""What a diagnostic of SRU means, in words (info:srw/diagnostic/1, the list of the SRU maintenance agency)."""

from __future__ import annotations

from adapters.sru.values import Diagnostic
from gateway.domain.problems import Reason, Refused, Unavailable

PREFIX = "info:srw/diagnostic/1/"

OUT_OF_RANGE = 61
SCHEMA_NOT_KNOWN = frozenset({66, 67})
PASSING = frozenset({2, 52, 64})
"""Temporarily unavailable: the system, a result set, a record."""

SIGNING_IN = frozenset({3, 68})

TEXTS = {
    1: "general system error",
    2: "system temporarily unavailable",
    3: "authentication error",
    4: "unsupported operation",
    5: "unsupported version",
    6: "unsupported parameter value",
    7: "mandatory parameter not supplied",
    8: "unsupported parameter",
    9: "unsupported combination of parameters",
    10: "query syntax error",
    11: "unsupported query type",
    12: "too many characters in query",
    13: "invalid or unsupported use of parentheses",
    14: "invalid or unsupported use of quotes",
    15: "unsupported context set",
    16: "unsupported index",
    17: "unsupported combination of indexes",
    18: "unsupported combination of index and relation",
    19: "unsupported relation",
    20: "unsupported relation modifier",
    21: "unsupported combination of relation modifiers",
    22: "unsupported combination of relation and index",
    23: "too many characters in term",
    24: "unsupported combination of relation and term",
    25: "special characters not quoted in term",
    26: "non special character escaped in term",
    27: "empty term unsupported",
    28: "masking character not supported",
    29: "masked words too short",
    30: "too many masking characters in term",
    31: "anchoring character not supported",
    32: "anchoring character in unsupported position",
    33: "combination of proximity/adjacency and masking characters not supported",
    34: "combination of proximity/adjacency and anchoring characters not supported",
    35: "term contains only stopwords",
    36: "term in invalid format for index or relation",
    37: "unsupported boolean operator",
    38: "too many boolean operators in query",
    39: "proximity not supported",
    40: "unsupported proximity relation",
    41: "unsupported proximity distance",
    42: "unsupported proximity unit",
    43: "unsupported proximity ordering",
    44: "unsupported combination of proximity modifiers",
    45: "prefix assigned to multiple identifiers",
    46: "unsupported boolean modifier",
    47: "cannot process query; reason unknown",
    48: "query feature unsupported",
    49: "masking character in unsupported position",
    50: "result sets not supported",
    51: "result set does not exist",
    52: "result set temporarily unavailable",
    53: "result sets only supported for retrieval",
    55: "combination of result sets with search terms not supported",
    58: "result set created with unpredictable partial results available",
    59: "result set created with valid partial results available",
    60: "result set not created: too many matching records",
    61: "first record position out of range",
    62: "negative number of records requested",
    63: "system error in retrieving records",
    64: "record temporarily unavailable",
    65: "record does not exist",
    66: "unknown schema for retrieval",
    67: "record not available in this schema",
    68: "not authorised to send record",
    69: "not authorised to send record in this schema",
    70: "record too large to send",
    71: "unsupported record packing",
    72: "XPath retrieval unsupported",
    73: "XPath expression contains unsupported feature",
    74: "unable to evaluate XPath expression",
    80: "sort not supported",
    110: "stylesheets not supported",
    120: "response position out of range",
    121: "too many terms requested",
}


def number(diagnostic: Diagnostic) -> int:
    """0: none of the standard list. Some servers send the bare number."""
    digits = diagnostic.uri.strip().removeprefix(PREFIX)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0


def words(diagnostic: Diagnostic) -> str:
    """'16 unsupported index: dc.titel', in one line. The target's own message only where there is no other."""
    known = number(diagnostic)
    head = f"{known} {TEXTS.get(known, '')}".strip() if known else diagnostic.uri
    said = diagnostic.message if known not in TEXTS else ""
    return ": ".join(filter(None, (head, said, diagnostic.details))) or "an unnamed diagnostic"


def raised(diagnostics: tuple[Diagnostic, ...], name: str) -> Refused | Unavailable:
    """The error for an answer that is a 'no'. `name`: of the target."""
    said = "; ".join(words(one) for one in diagnostics) or "an answer without a count"
    numbers = {number(one) for one in diagnostics}
    if numbers & PASSING or not diagnostics:
        return Unavailable(f"{name}: {said}")
    reason = Reason.SENDER_AUTH_FAILED if numbers & SIGNING_IN else Reason.INVALID_VALUE
    return Refused(reason, f"{name}: {said}")
