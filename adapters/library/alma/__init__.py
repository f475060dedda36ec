"""A library's own Alma, by its REST API. README.md says what of it is used.

What asks it is loaded when such a library is opened.
"""

from __future__ import annotations

from adapters.library.alma.abilities import WAYS
from adapters.library.alma.options import AlmaOptions
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.library_system import LibrarySystem


async def open_library(context: LibraryAdapterContext, options: AlmaOptions) -> LibrarySystem:
    """Raises Unavailable when the API key is not there."""
    from adapters.library.alma.system import AlmaLibrary

    return AlmaLibrary(context, options)


adapter = LibraryAdapter(
    name="alma",
    options=AlmaOptions,
    open=open_library,
    secrets=AlmaOptions.named_secrets,
    ways=WAYS,
)
