"""What patrons read on the pages: each refusal has its text, and an operator may say it otherwise by its older key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.problems import MessagePart, RefusalReason
from gateway.services.letters.catalogue_files import SHIPPED_TRANSLATIONS
from gateway.services.letters.localization import TextCatalogues
from gateway.services.letters.own_words import shipped_page_texts, text_of_braces
from gateway.translations.maintenance import read_catalogue_file
from gateway.web.pages.page_texts import (
    OTHER_REFUSAL_TEXT,
    OWNED_TEXT,
    REFUSAL_TEXTS,
    find_refusal_text,
)


def test_every_older_key_stands_for_a_text_of_today() -> None:
    """Else an operator's own words would count for nothing."""
    texts = read_catalogue_file(SHIPPED_TRANSLATIONS / "de.po")  # has all (tests/unit/translations)
    assert [key for key, text in shipped_page_texts().items() if texts.get(text_of_braces(text)) is None] == []


def test_every_refusal_has_a_text() -> None:
    assert find_refusal_text(RefusalReason.PATRON_BLOCKED, None) == REFUSAL_TEXTS[RefusalReason.PATRON_BLOCKED]
    assert find_refusal_text(RefusalReason.NOT_ALLOWED, MessagePart.ITEM) == OWNED_TEXT
    assert find_refusal_text(RefusalReason.NOT_ALLOWED, None) == OTHER_REFUSAL_TEXT


@pytest.mark.parametrize(
    ("wished", "language"),
    [(("de-AT",), "de"), (("fr", "de"), "de"), (("fr",), "en"), ((), "en"), (("", "ger"), "de"), (("../x",), "en")],
)
def test_languages(wished: tuple[str, ...], language: str) -> None:
    assert TextCatalogues((), "en").choose_language(wished).language == language


def test_an_operator_says_some_things_differently(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "openurl.yml").write_text(
        "texts: {borrow-title: Fernleihe, own-line: 'Bestellt am {day}: {number}, 100 %'}\n", "utf-8"
    )
    spoken = TextCatalogues((tmp_path,), "en").choose_language(("de",))
    assert spoken.gettext("Request it from another library") == "Fernleihe"
    assert (
        spoken.gettext("No. %(number)s, requested on %(day)s", number="7", day="1. Mai")
        == "Bestellt am 1. Mai: 7, 100 %"
    )
    assert spoken.gettext("Reserve this item") == "Exemplar vormerken"
    assert (
        TextCatalogues((tmp_path,), "en").choose_language(("en",)).gettext("Request it from another library")
        != "Fernleihe"
    )
