"""Fields of a form that say what is wanted: read into a citation, and filled from one."""

from __future__ import annotations

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.volume_notes import MAX_VOLUMES
from gateway.domain.value import replace
from gateway.services.letters.templates import clean_line
from gateway.web.html.forms import FormCheck

TYPES = (
    CitationType.BOOK,
    CitationType.CHAPTER,
    CitationType.ARTICLE,
    CitationType.JOURNAL,
    CitationType.THESIS,
    CitationType.CONFERENCE_PAPER,
    CitationType.SCORE,
    CitationType.MAP,
    CitationType.VIDEO,
    CitationType.AUDIO,
    CitationType.REPORT,
    CitationType.PATENT,
    CitationType.NEWSPAPER,
    CitationType.OTHER,
)

TEXTS = (
    "component_title",
    "component_author",
    "title",
    "author",
    "published",
    "publisher",
    "place",
    "edition",
    "volume",
    "issue",
    "pages",
)
"""Fields of the form that are attributes of the citation."""

NUMBERS = ("isbn", "issn", "doi", "oclc", "pmid")
"""Fields of the form that are its numbers, the first of each type."""

MAX_NUMBER_CHARS = 200


def fill_citation_fields(citation: Citation) -> dict[str, str]:
    """Make values of a form by name of the field."""
    return {
        "type": citation.type.value,
        **{name: clean_line(getattr(citation, name)) for name in TEXTS},
        **{type_: citation.identifier(type_) for type_ in NUMBERS},
    }


def read_citation(checked: FormCheck, before: Citation | None = None) -> Citation:
    """`before`: what is corrected by it; what the form has no field for stays."""
    before = before or Citation()
    type_ = checked.read_choice("type", {*(choice.value for choice in TYPES), before.type.value})
    texts = {name: checked.read_line(name) for name in TEXTS}
    numbers = [RecordId(kind, value) for kind in NUMBERS if (value := checked.read_line(kind, MAX_NUMBER_CHARS))]
    kept = [id_ for id_ in before.identifiers if id_.type not in NUMBERS or id_.value != before.identifier(id_.type)]
    kind = CitationType.OTHER if "type" in checked.problems else CitationType(type_ or CitationType.BOOK)
    return replace(before, type=kind, identifiers=(*numbers, *kept), **texts)  # type: ignore[arg-type]


def read_volumes(checked: FormCheck) -> tuple[str, ...]:
    """Labels of the volumes that are wanted, one a line; empty: it is one, or nobody knows."""
    lines = [line.strip() for line in checked.read_lines("volumes").splitlines()]
    return tuple(dict.fromkeys(filter(None, lines)))[:MAX_VOLUMES]
