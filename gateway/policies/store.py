"""The policies in use. A reload checks everything first, then swaps all of them; a bad edit changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.configuration.live import Live
from gateway.policies.loading import PolicySet
from gateway.settings import Settings


class PolicyStore(Live[PolicySet]):
    """The policies of all libraries, live: see `Live`. Read them anew when profiles have changed, too: they name
    some."""

    def __init__(self, settings: Settings, load: Callable[[], PolicySet]) -> None:
        files = {settings.folder / library.requests for library in settings.libraries}
        folders = tuple(sorted({file.parent for file in files if file.parent.is_dir()}))
        names = {file.name for file in files}

        def concerns(file: Path) -> bool:
            return file.name in names

        super().__init__("request policies", folders, load, concerns)
