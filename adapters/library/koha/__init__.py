"""A library's own Koha, by its REST API. README.md says what of it is used.

What asks it is loaded when such a library is opened.
"""

from __future__ import annotations

from adapters.library.koha.abilities import WAYS
from adapters.library.koha.options import KohaOptions
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem


async def open_library(context: LibraryAdapterContext, options: KohaOptions) -> LibrarySystem:
    """Open a library; raises Unavailable when a secret is not there."""
    from adapters.library.koha.system import open_koha

    return await open_koha(context, options)


adapter = LibraryAdapter(
    name="koha",
    options=KohaOptions,
    open=open_library,
    secrets=KohaOptions.named_secrets,
    ways=WAYS,
)
