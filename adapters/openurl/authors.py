"""Names of authors: `aulast`, `aufirst`, `auinit`, `au` … <-> one text, "Last, First; Last, First"."""

from __future__ import annotations

from collections.abc import Callable

from gateway.domain.requests.fingerprint import fold_for_search

One = Callable[[str], str]
All = Callable[[str], tuple[str, ...]]

SEPARATOR = "; "


def author_of(one: One, all_: All) -> str:
    """From the keys of the author: `au` may come several times, and often repeats what the other keys say."""
    first = _inverted(one("aulast"), one("aufirst"), _initials(one), one("ausuffix"))
    names: list[str] = []
    for name in all_("au"):
        if fold_for_search(name) not in map(fold_for_search, names):
            names.append(name)
    if first and not any(_same(first, one("aulast"), name) for name in names):
        names.insert(0, first)
    names += [name for name in all_("aucorp") if fold_for_search(name) not in map(fold_for_search, names)]
    return SEPARATOR.join(names)


def _initials(one: One) -> str:
    return one("auinit") or " ".join(filter(None, (one("auinit1"), one("auinitm"))))


def _inverted(last: str, first: str, initials: str, suffix: str) -> str:
    """'Lindqvist, Åsa M., Jr.'; initials only where no first name is given."""
    given = first or initials
    text = f"{last}, {given}" if last and given else last or given
    return f"{text}, {suffix}" if text and suffix else text


def _same(whole: str, last: str, name: str) -> bool:
    """`au` is usually the whole name in either order."""
    words = set(fold_for_search(name).split())
    return bool(words) and (set(fold_for_search(last or whole).split()) <= words)


def names_of(author: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in author.split(SEPARATOR.strip()))))


def halves(name: str) -> tuple[str, str]:
    """Last and first name of 'Last, First'; a name without a comma is all last name: a body, or one that is not
    inverted."""
    last, _, first = name.partition(",")
    return last.strip(), first.strip()
