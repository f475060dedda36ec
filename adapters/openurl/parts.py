"""Dates, pages and SICIs: what stands in one key in many ways."""

from __future__ import annotations

import re
from datetime import date

from gateway.domain.frozen import frozen

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})?")
_SLASHED = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_ISO = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:T.*)?")
_RANGE = re.compile(r"\s*([^\s,;-]+)\s*[-\u2010-\u2015]\s*([^\s,;-]+)\s*")
_EXTENT = re.compile(r"(?i)\b(?:p|pp|pages?|S|Seiten|leaves)\.?\s*\Z")
_SICI = re.compile(r"(?P<number>[\dXx -]{8,17})\((?P<date>[^)]{0,20})\)(?P<number2>[^<]{0,40})<(?P<place>[^:>]{0,20})")


def date_of(text: str) -> tuple[str, bool]:
    """`20040501` -> 2004-05-01, `2004/5/1` likewise; whatever else is said stays as it is. False: no such day."""
    match = _COMPACT.fullmatch(text) or _SLASHED.fullmatch(text) or _ISO.fullmatch(text)
    if match is None:
        return text, True
    year, month, day = match[1], int(match[2]), int(match[3] or 0)
    if month == 0 and day == 0:  # `20040000`, `2004-00-00`
        return year, True
    try:
        date(int(year), month, day or 1)
    except ValueError:
        return text, _is_span(text)
    return f"{year}-{month:02d}" + (f"-{day:02d}" if day else ""), True


def _is_span(text: str) -> bool:
    """`200405` is May 2004, `198788` are two years."""
    return len(text) == 6 and text.isdigit()


def pages_of(pages: str, spage: str, epage: str) -> tuple[str, bool]:
    """The pages as cited, and whether `pages` and `spage` contradict each other. A range may stand in `spage`."""
    start = _RANGE.fullmatch(spage)
    if start is not None:
        spage, epage = start[1], epage or start[2]
    whole = f"{spage}-{epage}" if spage and epage and spage != epage else spage or epage
    if not pages:
        return whole, False
    return pages, bool(spage) and spage.lstrip("0").casefold() not in re.split(r"[^\w]+", _unpadded(pages))


def _unpadded(pages: str) -> str:
    return re.sub(r"\b0+(?=\d)", "", pages.casefold())


def is_extent(pages: str) -> bool:
    """`xii, 340 p.` is how long a book is, not what is asked for."""
    return _EXTENT.search(pages) is not None


def range_of(pages: str) -> tuple[str, str]:
    """First and last page; the last empty for a single one or a list."""
    match = _RANGE.fullmatch(pages)
    if match is not None:
        return match[1], match[2]
    first = re.match(r"\s*([^\s,;]+)", pages)
    return (_RANGE.fullmatch(first[1]) or first)[1] if first is not None else "", ""


@frozen
class Sici:
    """What a SICI (ANSI/NISO Z39.56) or BICI says about volume and place."""

    number: str = ""  # ISSN or ISBN
    date: str = ""
    volume: str = ""
    issue: str = ""
    spage: str = ""


def sici_of(text: str) -> Sici:
    """`0317-8471(20040501)12:3<45:LPDLN>2.0.TX;2-R`; empty where it isn't one."""
    match = _SICI.match(text.strip())
    if match is None:
        return Sici()
    volume, _, issue = match["number2"].strip().partition(":")
    return Sici(match["number"].strip(), match["date"], volume, issue, match["place"].strip())
