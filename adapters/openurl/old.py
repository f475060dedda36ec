"""Version 0.1: the same keys without prefix, one `title`, one author, `id=doi:…`."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.openurl.writing import Pair, write
from gateway.domain.requests.citation import Citation

_NAMES = {"jtitle": "title", "btitle": "title"}
_IDS = {"info:doi/": "doi:", "info:pmid/": "pmid:", "info:oclcnum/": "oclcnum:"}
"""facts/openurl.md section 1; other identifiers have no form in 0.1."""


def old_pairs(citation: Citation, genre: str = "") -> Iterator[Pair]:
    """`au` is not of this version, so it comes only where there are several authors."""
    item = write(citation)
    several = sum(key == "au" for key, _ in item.pairs) > 1
    if citation.source:
        yield "sid", citation.source
    yield "genre", genre or item.genre
    for key, value in item.pairs:
        if key != "au" or several:
            yield _NAMES.get(key, key), value
    for uri in item.ids:
        prefix = next((one for one in _IDS if uri.startswith(one)), "")
        if prefix:
            yield "id", _IDS[prefix] + uri.removeprefix(prefix)
    if citation.note:
        yield "notes", citation.note
