"""A library's own system that is a FOLIO. README.md says which of its interfaces are used."""

from __future__ import annotations

from adapters.library.folio.options import FolioOptions
from adapters.library.folio.system import WAYS, FolioLibrary, open_folio
from gateway.ports.adapter import LibraryAdapter

__all__ = ["FolioLibrary", "FolioOptions", "adapter"]

adapter = LibraryAdapter(
    name="folio",
    options=FolioOptions,
    open=open_folio,
    secrets=FolioOptions.named_secrets,
    ways=WAYS,
)
