"""Every code that pages tell has words, and they are translated."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from gateway.domain.problems import MalformationKind, RefusalReason
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventKind, ReasonCodes
from gateway.domain.requests.partner_policy import LETTERS, STAFF_LETTER
from gateway.domain.requests.reason_words import REASON_WORDS
from gateway.domain.requests.state_table import FollowUp, LibraryAction
from gateway.services.exchange.recovery import INTERRUPTED, SET_ASIDE
from gateway.services.letters.localization import TextCatalogues
from gateway.services.request_work import desk_actions
from gateway.services.requests.lending import LOCATE
from gateway.services.requests.outbox_row_names import LIBRARY_STEPS, OWN_STEPS, PATRON_LETTERS
from gateway.web.staff.journal_reasons import JOURNAL_REASONS

DESK_STEPS = {f"desk:{kind}" for _, kind in desk_actions._ACTS} | {f"desk:{EventKind.UNDONE}"}

GERMAN = TextCatalogues((), "en").choose_language(["de"])


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ({kind: entry.words for kind, entry in EVENT_CATALOGUE.items()}, EventKind),
        (REASON_WORDS, ReasonCodes),
        (JOURNAL_REASONS, {*RefusalReason, *MalformationKind, INTERRUPTED, SET_ASIDE}),
        (PATRON_LETTERS, (*LETTERS, STAFF_LETTER)),
        (LIBRARY_STEPS, {*LibraryAction, *DESK_STEPS}),
        (OWN_STEPS, {LOCATE, *FollowUp}),
    ],
    ids=("events", "reasons", "journal", "letters", "library", "own"),
)
def test_every_code_has_words_in_german(words: Mapping[str, str], codes: Collection[str]) -> None:
    assert set(map(str, words)) == set(map(str, codes))
    assert [word for word in words.values() if GERMAN.translate_sentence(word) == word] == []
