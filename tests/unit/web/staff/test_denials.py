"""Why something was not done, told to staff in their language and not in codes."""

from __future__ import annotations

import pytest

from gateway.domain.requests import state_table
from gateway.domain.requests.events import EventKind, local_signal
from gateway.domain.requests.request import BorrowingState, LendingState
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.state_table import DenialReason, Guard
from gateway.domain.sentences import write_sentence
from gateway.services.letters.localization import TextCatalogues
from gateway.web.staff.request_words import describe_denial

GERMAN = TextCatalogues((), "en").choose_language(["de"])
ENGLISH = TextCatalogues((), "en").choose_language(["en"])

RENEW = Denied(DenialReason.UNMET, local_signal(EventKind.RENEW), BorrowingState.LENT, (state_table.MAY_RENEW.name,))


def test_an_act_that_is_bound_to_conditions_says_them() -> None:
    assert describe_denial(RENEW, ENGLISH) == (
        "“Request renewal” is possible only if renewals are allowed, no renewal request is open and the item has not "
        "been recalled (status: “Checked out”)."
    )
    assert describe_denial(RENEW, GERMAN) == (
        "„Verlängerung beantragen“ ist nur möglich, wenn Verlängerungen möglich sind, kein Verlängerungsantrag offen "
        "ist und das Medium nicht zurückgefordert ist (Status: „Ausgeliehen“)."
    )


@pytest.mark.parametrize("why", DenialReason)
def test_every_reason_has_german_words(why: DenialReason) -> None:
    denied = Denied(why, local_signal(EventKind.SHIPPED), LendingState.NEW, ("a copy is acceptable",), 2)
    said = describe_denial(denied, GERMAN)
    assert said.startswith("„")
    assert said != describe_denial(denied, ENGLISH)


def test_every_condition_has_german_words() -> None:
    guards = [one for one in vars(state_table).values() if isinstance(one, Guard)]
    both = state_table.combine_guards(state_table.LOAN, state_table.ENDS_AT_RETURN)

    assert [one.name for one in guards if GERMAN.translate_sentence(one.name) == one.name] == []
    assert GERMAN.translate_sentence(both.name) == "eine Ausleihe genügt, der Partner keine Rückbuchungen meldet"


def test_a_refusal_is_told_with_its_values_and_stays_english_elsewhere() -> None:
    said = write_sentence("the patron has reached the limit of %(limit)s loans", limit=20)

    assert said == "the patron has reached the limit of 20 loans"
    assert GERMAN.translate_sentence(said) == "das Bibliothekskonto hat die Höchstzahl von 20 Ausleihen erreicht"
    assert GERMAN.translate_sentence("Fehler 4711 beim Ausleihen") == "Fehler 4711 beim Ausleihen", "not of the program"


def test_a_value_may_be_a_sentence() -> None:
    said = write_sentence("a patron needs %(missing)s", missing=write_sentence("a category"))

    assert said == "a patron needs a category"
    assert GERMAN.translate_sentence(said) == "ein Bibliothekskonto braucht eine Kategorie"


def test_what_was_stored_without_values_is_known_by_its_text() -> None:
    assert GERMAN.translate_sentence("The item is not on loan.") == "Das Exemplar ist nicht ausgeliehen."
