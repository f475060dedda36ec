"""Languages: one folder each, with `words.yml`; which one a letter is in, and which ones stand in for it."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from gateway.configuration import source
from gateway.configuration.merging import merge
from gateway.configuration.source import Document
from gateway.configuration.validation import validate
from gateway.services.letters.words import WORDS_FILE, Words

LAST = "en"
"""Complete, so it stands in for all others."""

_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")

THREE_LETTERS = {
    "ara": "ar", "chi": "zh", "cze": "cs", "ces": "cs", "dan": "da", "deu": "de", "dut": "nl", "eng": "en",
    "fin": "fi", "fra": "fr", "fre": "fr", "ger": "de", "gre": "el", "heb": "he", "hun": "hu", "ita": "it",
    "jpn": "ja", "kor": "ko", "nld": "nl", "nor": "no", "pol": "pl", "por": "pt", "rum": "ro", "rus": "ru",
    "slk": "sk", "slo": "sk", "slv": "sl", "spa": "es", "swe": "sv", "tur": "tr", "ukr": "uk", "zho": "zh",
}  # fmt: skip
"""ISO 639-2, which library systems keep, to ISO 639-1, as folders are called."""


class Languages:
    """Those that some folder has, the first folder first."""

    def __init__(self, folders: tuple[Path, ...], default: str) -> None:
        self._folders = folders
        self._default = default

    @property
    def known(self) -> tuple[str, ...]:
        """By code; a folder without `words.yml` anywhere is no language."""
        found = {file.parent.name for folder in self._folders for file in folder.glob(f"*/{WORDS_FILE}")}
        return tuple(sorted(code for code in found if _CODE.fullmatch(code)))

    def chain(self, wanted: str) -> tuple[str, ...]:
        """The language and those that stand in for it: de-ch, de, the default, en. Only those that there are."""
        known = self.known
        chain = [one for code in (wanted, self._default, LAST) for one in generalised(code) if one in known]
        return tuple(dict.fromkeys(chain))

    def words(self, chain: tuple[str, ...]) -> Words:
        """Of the first, with those that it lacks from the others. Raises ConfigurationError with file and line."""
        return _read_words(self.files(chain, WORDS_FILE))

    def files(self, chain: tuple[str, ...], name: str) -> tuple[tuple[Path, int], ...]:
        """Those of this name, the one that comes before all others last; each with the time of its last change."""
        files = [folder / code / name for code in reversed(chain) for folder in reversed(self._folders)]
        return tuple((file, file.stat().st_mtime_ns) for file in files if file.is_file())


@lru_cache(maxsize=64)
def _read_words(files: tuple[tuple[Path, int], ...]) -> Words:
    whole = Document("")
    for file, _changed in files:
        whole = merge(whole, source.read(file))
    return validate(Words, whole)


def generalised(code: str) -> list[str]:
    parts = code.strip().casefold().replace("_", "-").split("-")
    parts[0] = THREE_LETTERS.get(parts[0], parts[0])
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
