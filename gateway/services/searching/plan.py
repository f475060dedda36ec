"""What a catalogue is asked to find out whether it has what a citation means: numbers first, then the title."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from gateway.domain.frozen import frozen
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.identifiers import canonical, isbn_forms, issn_form, normal
from gateway.domain.requests.locate import Beside, LocatePolicy, Step, TitleSearch, is_serial, naming
from gateway.ports.search import Index, Match, Query, Term

_REMAINDER = re.compile(r"\s+[:/;=]\s+|\s*\[[^\]]*\]")
"""ISBD: subtitle, parallel title, author; and what a cataloguer put in brackets."""


@frozen
class Question:
    """`says`: what is asked, for staff."""

    step: Step
    query: Query
    says: str


def questions(citation: Citation, policy: LocatePolicy) -> tuple[Question, ...]:
    """In the order of the plan. Empty: the citation says nothing that could be looked for."""
    found: list[Question] = []
    for step in policy.plan:
        found += _title(citation, policy.title) if step is Step.TITLE else _numbers(citation, step)
    return tuple(dict.fromkeys(found))


# --- numbers ---------------------------------------------------------------------------------------------

_Forms = Callable[[str], tuple[str, ...]]


def by_number(number: RecordId) -> tuple[Query, ...]:
    """The questions for one number, in the forms in which catalogues have it. Empty: it isn't one, or none that
    catalogues know."""
    index, forms = _NUMBERS.get(canonical(number.type), (Index.STANDARD, lambda _: ()))
    return tuple(Query((Term(index, form),)) for form in forms(number.value))


def _issn(value: str) -> tuple[str, ...]:
    return tuple(filter(None, (issn_form(value),)))


def _as(type_: str) -> _Forms:
    return lambda value: tuple(filter(None, (normal(type_, value).partition(":")[2],)))


_NUMBERS: Mapping[str, tuple[Index, _Forms]] = {
    "isbn": (Index.ISBN, isbn_forms),
    "issn": (Index.ISSN, _issn),
    "oclc": (Index.OCLC, _as("oclc")),
    "lccn": (Index.LCCN, _as("lccn")),
    "doi": (Index.STANDARD, _as("doi")),
    "ismn": (Index.STANDARD, _as("ismn")),
}


def _numbers(citation: Citation, step: Step) -> Iterator[Question]:
    if step.value not in naming(citation):
        return
    for one in citation.identifiers:
        if canonical(one.type) == step.value:
            for query in by_number(one):
                yield Question(step, query, f"{step.value} {query.terms[0].value}")


# --- the title -------------------------------------------------------------------------------------------


def _title(citation: Citation, rules: TitleSearch) -> Iterator[Question]:
    """As it is cited; then without what may be a subtitle, since catalogues don't always have that."""
    beside = [(name.value, term) for name in rules.beside if (term := _BESIDE[name](citation)) is not None]
    says = ["title", *(name for name, _ in beside)]
    for title in dict.fromkeys(map(_trimmed, (citation.title, citation.title.partition(": ")[0]))):
        if any(char.isalnum() for char in title):
            terms = (Term(Index.TITLE, title, Match.PHRASE), *(term for _, term in beside))
            yield Question(Step.TITLE, Query(terms), " and ".join(says))


def _trimmed(title: str) -> str:
    return _REMAINDER.split(title.strip(), maxsplit=1)[0].strip(" .,:;/")


def _author(citation: Citation) -> Term | None:
    """The first author's name as it is filed: `Borges, Jorge Luis` and `Jorge Luis Borges` both give Borges."""
    first = re.split(r"\s*[;&]\s*|\s+and\s+|\s+und\s+", citation.author.strip(), maxsplit=1)[0]
    surname, comma, _ = first.partition(",")
    name = surname if comma else first.split()[-1] if first else ""
    return Term(Index.AUTHOR, name.strip(" .")) if name.strip(" .") else None


def _year(citation: Citation) -> Term | None:
    found = re.search(r"\d{4}", citation.published)
    return Term(Index.YEAR, found[0]) if found is not None and not is_serial(citation) else None


_BESIDE: Mapping[Beside, Callable[[Citation], Term | None]] = {Beside.AUTHOR: _author, Beside.YEAR: _year}
