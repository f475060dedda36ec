"""Object identifiers of Z39.50 that are met here (Z39.50 maintenance agency; facts/openurl.md section 3)."""

from __future__ import annotations

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


def syntax_of(oid: str) -> str:
    """Its word; empty: none that we read."""
    return _WORDS.get(oid, "")


_WORDS = {
    **dict.fromkeys(MARC_OTHERS, "marc21"),
    **dict.fromkeys(OLD_XML, "xml"),
    **{oid: word for word, oid in SYNTAXES.items()},
}
