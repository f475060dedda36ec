"""A pair of systems behind one library: each does what the settings say. README.md says how they find each other's
patrons, items and loans.

What joins them is loaded when such a library is opened.
"""

from __future__ import annotations

from adapters.library.paired.options import TASKS, PairedOptions
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability


async def open_library(context: LibraryAdapterContext, options: PairedOptions) -> LibrarySystem:
    """Opens both systems. Raises Unavailable, ConfigurationError."""
    from adapters.library.paired.system import open_pair

    return await open_pair(context, options)


adapter = LibraryAdapter(
    name="paired",
    options=PairedOptions,
    open=open_library,
    ways={capability: "either" if capability in TASKS else "`main`" for capability in Capability},
    nested=("main", "second"),
)
