"""What the patrons' pages say, in the languages of the letters: file `openurl.yml` in each language's folder, the
operator's own before the shipped one; what a language lacks is taken from those that stand in for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import structlog

from gateway.configuration import source
from gateway.configuration.merging import merge
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.source import Document
from gateway.configuration.validation import validate
from gateway.domain.frozen import frozen
from gateway.domain.policy import Section
from gateway.services.letters.languages import Languages, generalised
from gateway.services.letters.letters import SHIPPED
from gateway.services.letters.words import Words

log = structlog.get_logger(component="pages")

PAGE_TEXTS_FILE = "openurl.yml"


class _Texts(Section):
    texts: Mapping[str, str]


@frozen
class PageWords:
    """`chain`: the language and those that stand in for it; `words` are those of letters."""

    chain: tuple[str, ...]
    words: Words
    texts: Mapping[str, str]

    @property
    def language(self) -> str:
        return self.chain[0]

    def of(self, said: Mapping[str, str]) -> str:
        """Of what an operator wrote in some languages; the first where none of ours is among them."""
        return next((said[code] for code in self.chain if code in said), next(iter(said.values()), ""))


class PageTexts:
    """An operator's words that can't be read change nothing: those of before stay, and the log says why."""

    def __init__(self, folder: Path | None, default_language: str) -> None:
        folders = tuple(one for one in (folder, SHIPPED) if one is not None)
        self._languages = Languages(folders, default_language)
        self._shipped = Languages((SHIPPED,), default_language)
        self._good: dict[tuple[str, ...], PageWords] = {}
        self._problem = ""

    @property
    def known(self) -> Mapping[str, str]:
        """Code -> the language's name in itself."""
        return {code: self._words(self._languages.chain(code)).words.name for code in self._languages.known}

    def spoken(self, wished: tuple[str, ...]) -> PageWords:
        """In the first of them that there is, else the default."""
        languages = self._languages
        chains = [chain for code in wished if (chain := languages.chain(code))[0] in generalised(code)]
        chain = chains[0] if chains else languages.chain("")
        return self._words(chain)

    def _words(self, chain: tuple[str, ...]) -> PageWords:
        languages = self._languages
        try:
            found = PageWords(chain, languages.words(chain), _read_page_texts(languages.files(chain, PAGE_TEXTS_FILE)))
        except ConfigurationError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                log.error("words of the pages can't be read; those of before stay", why=self._problem)
            return self._good.get(chain) or self._of_ours()
        self._good[chain] = found
        return found

    def _of_ours(self) -> PageWords:
        chain = self._shipped.chain("")
        return PageWords(
            chain, self._shipped.words(chain), _read_page_texts(self._shipped.files(chain, PAGE_TEXTS_FILE))
        )


@lru_cache(maxsize=64)
def _read_page_texts(files: tuple[tuple[Path, int], ...]) -> Mapping[str, str]:
    whole = Document("")
    for file, _changed in files:
        whole = merge(whole, source.read(file))
    return validate(_Texts, whole).texts
