"""The file itself, read and written as a whole. Nothing of illgate but its problems."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gateway.domain.problems import Unavailable


class LedgerFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read_pages(self) -> dict[str, Any]:
        """Raises Unavailable: nothing was done, so it may be tried again."""
        try:
            pages = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise Unavailable(f"the ledger {self._path.name} can't be read: {error}") from error
        if not isinstance(pages, dict) or not {"patrons", "items", "loans"} <= set(pages):
            raise Unavailable(f"the ledger {self._path.name} has no patrons, items and loans")
        return pages

    def write_pages(self, pages: dict[str, Any]) -> None:
        """As a whole or not at all. Raises Unavailable."""
        draft = self._path.with_suffix(".new")
        try:
            draft.write_text(json.dumps(pages, ensure_ascii=False, indent=1), "utf-8")
            os.replace(draft, self._path)
        except OSError as error:
            raise Unavailable(f"the ledger {self._path.name} can't be written: {error}") from error
