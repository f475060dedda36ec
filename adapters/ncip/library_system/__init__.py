"""A library's own system that answers NCIP. README.md says what of it is spoken."""

from __future__ import annotations

from adapters.ncip.library_system.options import NcipLibraryOptions
from adapters.ncip.library_system.system import WAYS, NcipLibrary, open_ncip_library
from gateway.ports.adapter import LibraryAdapter

__all__ = ["NcipLibrary", "NcipLibraryOptions", "adapter"]

adapter = LibraryAdapter(
    name="ncip",
    options=NcipLibraryOptions,
    open=open_ncip_library,
    secrets=NcipLibraryOptions.named_secrets,
    ways=WAYS,
)
