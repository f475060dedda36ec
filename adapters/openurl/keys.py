"""The keys of OpenURL 0.1 and of the KEV formats of 1.0 (ANSI/NISO Z39.88-2004; facts/openurl.md section 1).

A key of the referent is named here without its `rft.`; 0.1 has the same names, so both versions in one link are one
list of values.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OLD = _words(
    "genre aulast aufirst auinit auinit1 auinitm coden issn eissn isbn title stitle atitle volume part issue spage "
    "epage pages artnum sici bici ssn quarter date"
)
"""Version 0.1, without `sid`, `id` and `pid`, which are not about what the item is."""

AUTHORS = _words("aulast aufirst auinit auinit1 auinitm ausuffix au aucorp")
JOURNAL = (
    _words(
        "genre atitle jtitle title stitle date chron ssn quarter volume part issue spage epage pages artnum issn eissn "
        "isbn coden sici"
    )
    | AUTHORS
)
BOOK = (
    _words("genre btitle atitle title place pub date edition tpages series spage epage pages issn eissn isbn bici")
    | AUTHORS
)
DISSERTATION = _words("title co cc inst advisor tpages date degree") | AUTHORS
PATENT = _words(
    "title co cc kind applcc applnumber applyear appldate number date pubdate prioritydate assignee inv invlast "
    "invfirst invinit invinit1 invinitm invsuffix"
)
DUBLIN_CORE = _words(
    "title creator subject description publisher contributor date type format identifier source language relation "
    "coverage rights"
)

HABITS = _words("doi pmid oclcnum oclc lccn notes note language callnumber subtitle publisher")
"""In no format, but often seen; `notes` is what sites map to a note (facts/openurl.md section 2)."""

REFERENT = JOURNAL | BOOK | DISSERTATION | PATENT | DUBLIN_CORE | OLD | HABITS
PLAIN = OLD | JOURNAL | BOOK | _words("inst advisor degree creator") | HABITS
"""What is read without `rft.` too. Words such as `type` or `source` may be anything there."""

ENTITY = re.compile(r"(url|ctx|rft|rfe|rfr|res|svc|req)[_.]")
"""How the keys of 1.0 begin that are not the referent's metadata."""

REQUESTER = re.compile(r"req[_.]")

BY_REFERENCE = _words("rft_ref rfe_ref rfr_ref req_ref svc_ref res_ref url_ctx_ref")

FORMAT = re.compile(r"info:ofi/fmt:(?:kev:mtx|xml:xsd):([a-z_]+)", re.IGNORECASE)
ITEM_FORMATS = frozenset({"journal", "book", "dissertation", "patent", "dc", "oai_dc"})

CHARSET_HABIT = "__char_set"
"""Of SFX, beside `ctx_enc`."""


def is_ours(key: str) -> bool:
    """Whether a key, in lower case, belongs to OpenURL at all."""
    return key in PLAIN or key in ("sid", "id", "pid", CHARSET_HABIT) or ENTITY.match(key) is not None
