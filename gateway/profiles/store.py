"""The profiles in use. A reload checks everything first, then swaps the whole set; a bad edit changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.configuration.live import Live, any_file
from gateway.profiles.loading import ProfileSet


class ProfileStore(Live[ProfileSet]):
    """All profiles of a folder, live: see `Live`."""

    def __init__(self, folder: Path, load: Callable[[], ProfileSet]) -> None:
        super().__init__("profiles", (folder,), load, any_file)
        self.folder = folder
