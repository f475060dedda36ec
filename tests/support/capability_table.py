"""The table of docs/library-systems/README.md: what each kind of library system can do, as the adapters say.

`python -m tests.support.capability_table` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from adapters.library import alma, embedded, folio, koha, none, paired, sip2
from adapters.ncip import library_system as ncip
from gateway.ports.adapter import LibraryAdapter
from gateway.ports.library_system import Capability

ADAPTERS = (
    embedded.adapter,
    koha.adapter,
    folio.adapter,
    alma.adapter,
    sip2.adapter,
    ncip.adapter,
    paired.adapter,
    none.adapter,
)


def render_table(adapters: Iterable[LibraryAdapter] = ADAPTERS) -> str:
    kinds = tuple(adapters)
    rows = [("capability", *(f"`{kind.name}`" for kind in kinds)), ("---",) * (len(kinds) + 1)]
    rows += [(f"`{one.value}`", *(kind.ways.get(one, "–") for kind in kinds)) for one in Capability]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    sys.stdout.write(render_table())
