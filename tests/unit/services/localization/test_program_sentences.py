"""Sentences that the program keeps: in German for who reads it, in English for programs, and as they were written where
people wrote them."""

from __future__ import annotations

import errno
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from adapters.iso_ill.mapping.events_received import _join_notes, _name_value
from adapters.library.folio.client import _describe_forbidden
from adapters.sru.codec import error_of_diagnostics
from gateway.domain.library import Money
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.requests.note_terms import write_recall_note
from gateway.domain.requests.partner_policy import Closure, PartnerPolicy
from gateway.domain.requests.policy import Ranking
from gateway.domain.requests.request import RotaLine
from gateway.domain.requests.rota import CostLimit, PartnerStanding, cost_objection, profile_objection, rank_suppliers
from gateway.domain.sentences import dump_sentence, join_sentences, load_sentence, write_about, write_sentence
from gateway.ports.catalogue import HoldingAnswer, HoldingsReport
from gateway.ports.outgoing_http import make_sending_problem
from gateway.ports.outgoing_mail import LetterSender, RenderedLetter, build_mail
from gateway.ports.system_errors import describe_system_error
from gateway.runtime.monitoring import AWAY
from gateway.services.exchange.recovery import INTERRUPTION_NOTE, WHY_INTERRUPTED
from gateway.services.letters.localization import TextCatalogues
from gateway.services.outbox.attempts import NEVER_ENDED, decide_retry
from gateway.services.outbox.queue import OutboxOptions
from gateway.services.searching.targets import failure_reason
from gateway.web.staff.coded_words import describe_send_error
from gateway.web.staff.journal_reasons import describe_journal_note
from tests.unit.store.requests.samples import borrowing

GERMAN = TextCatalogues((), "en").choose_language(["de"])
ENGLISH = TextCatalogues((), "en").choose_language(["en"])


def rank(standing: PartnerStanding, line: RotaLine) -> str:
    ranking = Ranking(load=1, supply_time=1, cost=1, reciprocity=1, near=2, unknown_days=5)
    return rank_suppliers((line,), {line.partner: standing}, ranking)[0].why


BUSY = PartnerStanding(
    open=3, reported=1, mean_days=None, cost=Money(Decimal("12.50"), "EUR"), overloaded=True, near=True
)


def test_points_of_a_ranking_are_told_in_the_readers_language() -> None:
    why = rank(BUSY, RotaLine("utrecht", last_resort=True))

    assert why == (
        "last resort, overloaded, 17.5 points (3 open, of which 1 from other members +3, 5 days assumed +5, "
        "costs 12.50 EUR +12.5, reciprocity 1 -1, same campus -2)"
    )
    assert ENGLISH.translate_stored(why) == why.replace("12.50 EUR", "€12.50")
    assert GERMAN.translate_stored(why) == (
        "letzter Ausweg, überlastet, 17,5 Punkte (3 offen, davon 1 von anderen Mitgliedern +3, 5 Tage angenommen +5, "
        "kostet 12,50\u00a0€ +12,5, Gegenseitigkeit 1 -1, derselbe Campus -2)"
    )
    nothing = rank_suppliers(
        (RotaLine("bergen"),), {}, Ranking(load=0, supply_time=0, cost=0, reciprocity=0, near=0, unknown_days=0)
    )
    assert GERMAN.translate_stored(nothing[0].why) == "0 Punkte (keine Rangpunkte)"


@pytest.mark.parametrize(
    ("said", "english", "german"),
    [
        (
            Closure(first=date(2026, 7, 1), last=date(2026, 7, 31)).describe_closure(),
            "closed until 2026-07-31",
            "geschlossen bis 31. Juli 2026",
        ),
        (
            profile_objection(PartnerPolicy(), borrowing()),
            "has no channel for requests",
            "hat keinen Kanal für Bestellungen",
        ),
        (
            cost_objection(Money(Decimal(20), "EUR"), Money(Decimal(15), "EUR"), CostLimit.OF_REQUEST),
            "costs 20 EUR, more than the maximum of the request (15 EUR)",
            "kostet 20,00\u00a0€, mehr als die Obergrenze der Bestellung (15,00\u00a0€)",
        ),
        (
            write_recall_note(datetime(2026, 12, 4, 17, 30, tzinfo=UTC), ZoneInfo("Europe/Prague")),
            "The library has recalled the loan. It now ends on 2026-12-04 18:30.",
            "Die Bibliothek hat die Ausleihe zurückgefordert. "
            "Sie endet jetzt am 4. Dezember 2026, 18:30\N{NO-BREAK SPACE}Uhr.",
        ),
        (
            HoldingsReport(
                HoldingAnswer.NOT, write_about("Utrecht", write_about("isbn 1", write_sentence("no hits"))), 1.5
            ).report_line,
            "Utrecht: isbn 1: no hits (1.50 s)",
            "Utrecht: isbn 1: keine Treffer (1,5 s)",
        ),
        (
            describe_system_error(ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('192.0.2.1', 9)")),
            "Connection refused (192.0.2.1, port 9)",
            "Verbindung abgelehnt (192.0.2.1, Port 9)",
        ),
        (
            make_sending_problem(write_sentence("timeout"), is_sent=False).detail,
            "not reached: timeout",
            "nicht erreicht: Zeitüberschreitung",
        ),
        (
            _describe_forbidden("illgate", "/users", "users.item.get"),
            "FOLIO: user 'illgate' is not allowed to call /users (HTTP 403); permission users.item.get is missing",
            "FOLIO: das Konto „illgate“ darf /users nicht aufrufen (HTTP 403); die Berechtigung users.item.get fehlt",
        ),
        (
            error_of_diagnostics((), "utrecht").detail,
            "utrecht: the answer has no count",
            "utrecht: die Antwort enthält keine Trefferzahl",
        ),
        (
            write_sentence(AWAY, moment=datetime(2026, 12, 4, 17, 30, tzinfo=UTC), report=write_sentence("timeout")),
            "away since 2026-12-04 17:30 UTC: timeout",
            "nicht erreichbar seit 4. Dezember 2026, 17:30\N{NO-BREAK SPACE}Uhr UTC: Zeitüberschreitung",
        ),
    ],
)
def test_days_sums_and_numbers_are_written_as_the_reader_writes_them(said: str, english: str, german: str) -> None:
    assert said == english
    assert GERMAN.translate_stored(said) == german
    assert GERMAN.translate_stored(load_sentence(said, dump_sentence(said))) == german, "stored as well"


@pytest.mark.parametrize("words", ["no hits", "manually", "Ruth kennt die Leiterin", "8 points (of interest)", ""])
def test_words_of_people_stay_as_they_are(words: str) -> None:
    assert GERMAN.translate_stored(words) == words


def test_a_partners_code_is_a_note_in_the_readers_language() -> None:
    way = _name_value("shipped via %(value)s", "Kurier can't say")
    note = _join_notes(way, "Danke, it's here")

    assert note == "shipped via Kurier can't say; Danke, it's here"
    assert GERMAN.translate_stored(note) == "versandt mit Kurier can't say; Danke, it's here"
    assert ENGLISH.translate_stored(note) == note, "what others wrote keeps its apostrophes"


def test_one_after_the_other() -> None:
    both = join_sentences("; ", ("100 %(sure)s", "", write_sentence("no hits")))

    assert both == "100 %(sure)s; no hits"
    assert GERMAN.translate_stored(both) == "100 %(sure)s; keine Treffer"
    assert (join_sentences("; ", ("Übergabe",)), join_sentences("; ", ())) == ("Übergabe", "")


@pytest.mark.parametrize(
    "stored",
    [
        '{"template":"%(day)s","values":{"day":{"day":"2026-99-01"}}}',
        '{"template":"%(number)s","values":{"number":{"number":"?"}}}',
        '{"template":"%(lost)s","values":{}}',
        '{"template":"2026-99-01","values":["day"]}',
        "2026-99-01",
    ],
)
def test_what_was_changed_by_hand_is_a_text(stored: str) -> None:
    assert load_sentence("2026-99-01", stored) == "2026-99-01"


# --- why something could not be sent ---------------------------------------------------------------------


def test_why_something_could_not_be_sent() -> None:
    lost = "ill.bergen.example:210: no answer within 2.5 s"
    assert describe_send_error(fail(Unavailable(lost)), GERMAN) == f"nicht verfügbar (1): {lost}"
    assert describe_send_error(fail(OutcomeUnknown("the connection was closed")), GERMAN) == (
        "Ergebnis unbekannt (1): the connection was closed"
    )
    no_section = write_sentence("Profile '%(name)s' has no section %(section)s.", name="bergen", section="sru")
    assert describe_send_error(fail(Refused(RefusalReason.OTHER, no_section)), GERMAN) == (
        "Das Profil „bergen“ hat keinen Abschnitt sru."
    )
    assert describe_send_error(NEVER_ENDED, GERMAN).startswith("jeder Versuch wurde unterbrochen")


def test_what_an_older_release_stored_as_a_text_is_known_again() -> None:
    assert describe_send_error("unavailable (3): not reached: Connection refused", GERMAN) == (
        "nicht verfügbar (3): nicht erreicht: Verbindung abgelehnt"
    )
    assert describe_send_error("refused: not-allowed: The library's rules do not allow this.", ENGLISH) == (
        "The library’s rules do not allow this."
    )


def test_a_journals_note_on_recovery_is_known_again() -> None:
    note = INTERRUPTION_NOTE % {"why": WHY_INTERRUPTED % {"why": "it is not XML"}}

    assert describe_journal_note(note, GERMAN) == (
        "Das Gateway wurde unterbrochen, während es diese Nachricht verarbeitete: sie kann nicht fertig verarbeitet "
        f"werden: {GERMAN.gettext('it is not XML')}."
    )
    assert describe_journal_note("Ruth: 5%; see (a)", GERMAN) == "Ruth: 5%; see (a)"


def fail(error: Exception) -> str:
    """What the outbox keeps of a failed try."""
    return decide_retry(error, 1, "", OutboxOptions(), lambda: 0.5).error


def test_a_sentence_within_another_has_no_full_stop() -> None:
    refused = Refused(RefusalReason.OTHER, write_sentence("Profile '%(name)s' not found.", name="bergen"))
    said = write_sentence("%(name)s: %(report)s", name="title", report=failure_reason(refused))

    assert said == "title: Profile 'bergen' not found"
    assert GERMAN.translate_sentence(said) == "title: Profil „bergen“ nicht gefunden"


def test_whose_address_a_letter_lacks_is_said_in_the_readers_language() -> None:
    letter = RenderedLetter(to="desk@northfield.example", subject="Buch", text="Bitte.")

    with pytest.raises(Refused) as refused:
        build_mail(letter, LetterSender(address="", name=""))

    assert GERMAN.translate_sentence(refused.value.detail) == (
        "Eine E-Mail kann nicht ohne die Adresse des Absenders (mail.sender) gesendet werden."
    )
