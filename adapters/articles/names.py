"""Authors in one line, as citations have them: `Borges, Jorge Luis; Guerrero, Margarita`."""

from __future__ import annotations

from collections.abc import Iterable

MAX_AUTHORS_CHARS = 300
"""Papers of large experiments have thousands of authors."""

OTHERS = "et al."


def join_authors(names: Iterable[str]) -> str:
    """Join authors in their order; those for whom there is no room are `et al.`"""
    shown: list[str] = []
    for name in filter(None, names):
        if shown and len("; ".join([*shown, name])) > MAX_AUTHORS_CHARS:
            return f"{'; '.join(shown)}; {OTHERS}"
        shown.append(name)
    return "; ".join(shown)


def join_name(family: str, given: str) -> str:
    """Join a name as it is filed."""
    return ", ".join(filter(None, (family, given)))
