"""Databases of SQLite that were made once in this process, to be copied: to make all tables takes a third of a second,
the sample library half a second more."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

_PREPARED: dict[Hashable, bytes] = {}


def copy_prepared_database(key: Hashable, file: Path) -> bool:
    """Whether there is one by this key, which then is in `file`. Nobody may have that open."""
    content = _PREPARED.get(key)
    if content is None:
        return False
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(content)
    return True


def keep_prepared_database(key: Hashable, file: Path) -> None:
    """From now on there is one by this key. Whoever made it has closed it."""
    _PREPARED[key] = file.read_bytes()
