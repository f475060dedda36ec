"""Whether a record that a catalogue found is the one that is asked for (facts/openurl.md section 5).

A standard number that agrees is enough. Without one, title, author and year must not contradict each other; where
both sides have a number of the same kind and it is another, all three must be there and agree: another printing of the
same edition, not another edition (facts/users-want.md 17).
"""

from __future__ import annotations

from gateway.domain.frozen import frozen
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.identifiers import normals
from gateway.domain.requests.locate import TitleSearch, is_serial, naming
from gateway.domain.requests.matching import author_alike, same_year, title_alike


@frozen
class Agreement:
    """`how`: what agrees, or what doesn't, in a few words."""

    same: bool
    how: str


def agreement(asked: Citation, found: Citation, rules: TitleSearch) -> Agreement:
    ours, theirs, types = normals(asked.identifiers), normals(found.identifiers), naming(asked)
    agreeing, there = {_number_type(one) for one in ours & theirs}, {_number_type(one) for one in theirs}
    for type_ in types:
        if type_ in agreeing:
            return Agreement(True, f"{type_} agrees")
    return _by_title(asked, found, rules, next((type_ for type_ in types if type_ in there), ""))


def _by_title(asked: Citation, found: Citation, rules: TitleSearch, other: str) -> Agreement:
    title = title_alike(asked, found.title)
    author = author_alike(asked.author, found.author)
    year = None if is_serial(asked) else same_year(asked.published, found.published)
    if title is None:
        return Agreement(False, f"another {other}" if other else "no title to compare")
    if round(100 * title) < rules.alike:
        return Agreement(False, f"another title ({title:.0%} alike)")
    if author is not None and round(100 * author) < rules.author_alike:
        return Agreement(False, "same title, another author")
    if year == 0:
        return Agreement(False, "same title, another year")
    if other and not (author is not None and year):
        return Agreement(False, f"same title, another {other}")
    said = [word for word, there in (("title", title), ("author", author), ("year", year)) if there is not None]
    agree = f"{', '.join(said[:-1])} and {said[-1]} agree" if len(said) > 1 else "title agrees"
    return Agreement(True, f"{agree}, another {other}" if other else agree)


def _number_type(number: str) -> str:
    return number.partition(":")[0]
