"""What the gateway keeps in English, in the reader's words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from gateway.services.localization import TextCatalogues
from gateway.web.staff.coded_words import describe_note

ZONE = ZoneInfo("Europe/Berlin")
RECALLED = "The library has recalled the loan: it ends on 2026-12-04 "


@pytest.mark.parametrize(
    ("language", "note", "said"),
    [
        ("en", f"{RECALLED}23:59.", "The library has recalled the loan: it ends on 4 December 2026."),
        ("de", f"{RECALLED}23:59.", "Die Bibliothek hat die Ausleihe zurückgerufen: Sie endet am 4. Dezember 2026."),
        ("de", "Reader phoned, 12:30.", "Reader phoned, 12:30."),
    ],
)
def test_the_note_of_a_recall_is_in_the_readers_language(language: str, note: str, said: str) -> None:
    assert describe_note(note, TextCatalogues(None, "en").choose_language((language,)), ZONE, {}) == said
