"""The library that the benchmarks run on."""

from __future__ import annotations

from pathlib import Path

from tests.bench import messages
from tests.support.daemon import Installation


def with_readers(folder: Path) -> Installation:
    """A new installation with thousands of readers."""
    made = Installation.make(folder)
    readers = folder / "readers.csv"
    readers.write_text(messages.readers_csv())
    made.run("library", "import", "patrons", str(readers))
    return made
