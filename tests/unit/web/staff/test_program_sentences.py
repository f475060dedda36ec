"""Sentences of the program in German: those that the rules write are known again, all others stay as they are."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from gateway.domain.library import Money
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.requests.partner_policy import Closure, PartnerPolicy
from gateway.domain.requests.policy import Ranking
from gateway.domain.requests.request import RotaLine
from gateway.domain.requests.rota import PartnerStanding, cost_objection, profile_objection, rank_suppliers
from gateway.domain.sentences import write_sentence
from gateway.ports.catalogue import HoldingAnswer, HoldingsReport
from gateway.ports.outgoing_mail import LetterSender, RenderedLetter, build_mail
from gateway.services.localization import TextCatalogues
from gateway.services.outbox.attempts import NEVER_ENDED, decide_retry
from gateway.services.outbox.queue import OutboxOptions
from gateway.services.searching.targets import failure_reason
from gateway.web.staff import program_sentences
from gateway.web.staff.program_sentences import (
    describe_act_hint,
    describe_holdings,
    describe_mail_reading,
    describe_own_note,
    describe_rota_reason,
    describe_send_error,
)
from tests.unit.store.requests.samples import borrowing

GERMAN = TextCatalogues(None, "en").choose_language(["de"])
ENGLISH = TextCatalogues(None, "en").choose_language(["en"])


def rank(standing: PartnerStanding, line: RotaLine) -> str:
    ranking = Ranking(load=1, supply_time=1, cost=1, reciprocity=1, near=2, unknown_days=5)
    return rank_suppliers((line,), {line.partner: standing}, ranking)[0].why


BUSY = PartnerStanding(
    open=3, reported=1, mean_days=None, cost=Money(Decimal("12.50"), "EUR"), overloaded=True, near=True
)


def test_points_of_a_ranking_are_told_in_the_readers_language() -> None:
    why = rank(BUSY, RotaLine("utrecht", last_resort=True))

    assert describe_rota_reason(why, ENGLISH) == why.replace("12.50 EUR", "€12.50")
    assert describe_rota_reason(why, GERMAN) == (
        "letzter Ausweg, ausgelastet, 17.5 Punkte (3 offen, davon 1 von anderen Mitgliedern +3, 5 Tage angenommen +5, "
        "kostet 12,50\u00a0€ +12.5, Gegenseitigkeit 1 -1, selber Campus -2)"
    )
    nothing = rank_suppliers(
        (RotaLine("bergen"),), {}, Ranking(load=0, supply_time=0, cost=0, reciprocity=0, near=0, unknown_days=0)
    )
    assert describe_rota_reason(nothing[0].why, GERMAN) == "0 Punkte (nichts gezählt)"


@pytest.mark.parametrize(
    ("said", "german"),
    [
        (str(Closure(first=date(2026, 7, 1), last=date(2026, 7, 31))), "geschlossen bis 31. Juli 2026"),
        (profile_objection(PartnerPolicy(), borrowing()), "hat keinen Weg, auf dem gefragt werden könnte"),
        (
            cost_objection(Money(Decimal(20), "EUR"), Money(Decimal(15), "EUR"), "of the request"),
            "kostet 20,00\u00a0€, mehr als die Bestellung erlaubt, 15,00\u00a0€",
        ),
        ("it said to ask again from 2026-09-01", "sie bat, ab 1. September 2026 wieder zu fragen"),
        ("it said to ask again from 2026-99-01", "sie bat, ab 2026-99-01 wieder zu fragen"),
        (
            "does not appear to own it (lib: title and author: 3 hits, too many to tell; no hits (0.12 s))",
            "scheint es nicht zu besitzen (lib: Titel und Verfasser: 3 Treffer, zu viele für ein Urteil; keine Treffer "
            "(0,12 s))",
        ),
        ("Ruth kennt die Leiterin", "Ruth kennt die Leiterin"),
        ("8 points (of interest)", "8 points (of interest)"),
    ],
)
def test_reasons_of_rotas(said: str, german: str) -> None:
    assert describe_rota_reason(said, GERMAN) == german


def test_what_a_catalogue_says_is_told_part_by_part() -> None:
    report = HoldingsReport(HoldingAnswer.NOT, "Utrecht: isbn 9783161484100: no hits; title: not the one", 1.5)
    assert describe_holdings(report.report_line, GERMAN) == (
        "Utrecht: isbn 9783161484100: keine Treffer; Titel: not the one (1,5 s)"
    )
    assert describe_holdings("", GERMAN) == ""


@pytest.mark.parametrize(
    ("said", "german"),
    [
        (
            "outbox: partner utrecht skipped: asked by telephone",
            "Was an Universiteit Utrecht gehen sollte, wird ausgelassen: asked by telephone",
        ),
        ("outbox: partner utrecht released", "Was an Universiteit Utrecht geht, wird noch einmal versucht."),
        (
            "outbox: partner gone changed and released",
            "Was an gone geht, wurde geändert und wird noch einmal versucht.",
        ),
        ("outbox: patron placed released", "Ausgang: patron placed wieder freigegeben"),
        ("rota: bergen skipped", "\u200ebergen wird übergangen."),
        ("rota: bergen, utrecht", "Die Reihenfolge ist: bergen, Universiteit Utrecht"),
        (
            "mail by hand: shipped: no request was found",
            "Mail von Hand zugeordnet: shipped: keine Bestellung wurde gefunden",
        ),
        ("a file came by mail", "Eine Datei kam per Mail"),
        ("by hand", "by hand"),
        ("on loan until May", "on loan until May"),
    ],
)
def test_notes_of_the_history(said: str, german: str) -> None:
    assert describe_own_note(said, GERMAN, {"utrecht": "Universiteit Utrecht"}) == german


@pytest.mark.parametrize("words", [": ", "for staff: ", "no hits; "])
def test_a_long_text_of_somebody_is_not_taken_apart(words: str) -> None:
    assert (
        describe_own_note(f"mail by hand: {words * 1_000}", GERMAN, {}) == f"Mail von Hand zugeordnet: {words * 1_000}"
    )


def test_how_a_mail_was_read() -> None:
    lines = (
        "sender: utrecht",
        "format tagged-mail: 2 events",
        "  not understood: XYZ: 4",
        "request: the number in the message: B-2026-00004",
        "for staff: the sender may be forged: dkim must be passed for the sender's domain; our server says nothing",
        "  → shipped of UT-7",
    )
    assert [describe_mail_reading(line, GERMAN) for line in lines] == [
        "Absender: utrecht",
        "Format tagged-mail: 2 Ereignisse",
        "  nicht verstanden: XYZ: 4",
        "Bestellung: die Nummer in der Nachricht: B-2026-00004",
        "für das Personal: der Absender ist vielleicht gefälscht: dkim muss für die Domain des Absenders bestanden "
        "sein; unser Server sagt nothing",
        "  → shipped of UT-7",
    ]


def test_why_something_could_not_be_sent() -> None:
    assert describe_send_error("unavailable (3): not reached: Connection refused", GERMAN) == (
        "nicht erreichbar (3): nicht erreicht: Verbindung abgelehnt"
    )
    assert describe_send_error("refused: other: The mail server refuses the mail (554).", GERMAN) == (
        "Der Mailserver lehnt die Mail ab (554)."
    )
    lost = write_sentence("%(place)s: no answer within %(seconds)s s", place="ill.bergen.example:210", seconds=2.5)
    assert describe_send_error(fail(Unavailable(lost)), GERMAN) == (
        "nicht erreichbar (1): ill.bergen.example:210: keine Antwort innerhalb von 2.5 s"
    )
    assert describe_send_error(fail(OutcomeUnknown("the connection was closed")), GERMAN) == (
        "Ausgang unbekannt (1): die Verbindung wurde geschlossen"
    )
    no_section = write_sentence("Profile '%(name)s' has no section %(section)s.", name="bergen", section="sru")
    assert describe_send_error(fail(Refused(RefusalReason.OTHER, no_section)), GERMAN) == (
        "Das Profil „bergen“ hat keinen Abschnitt sru."
    )
    assert describe_send_error(NEVER_ENDED, GERMAN).startswith("bei jedem Versuch unterbrochen")
    assert describe_send_error("refused: other: Nope.", GERMAN) == "Nope."


def fail(error: Exception) -> str:
    """What the outbox keeps of a failed try."""
    return decide_retry(error, 1, "", OutboxOptions(), lambda: 0.5).error


def test_a_sentence_within_another_has_no_full_stop() -> None:
    refused = Refused(RefusalReason.OTHER, write_sentence("There is no profile '%(name)s'.", name="bergen"))
    said = write_sentence("%(name)s: %(report)s", name="title", report=failure_reason(refused))

    assert said == "title: There is no profile 'bergen'"
    assert GERMAN.translate_sentence(said) == "title: Ein Profil „bergen“ gibt es nicht"


def test_whose_address_a_letter_lacks_is_said_in_the_readers_language() -> None:
    letter = RenderedLetter(to="desk@northfield.example", subject="Buch", text="Bitte.")

    with pytest.raises(Refused) as refused:
        build_mail(letter, LetterSender(address="", name=""))

    assert GERMAN.translate_sentence(refused.value.detail) == (
        "Ein Brief lässt sich nicht ohne die Adresse des Absenders (mail.sender) senden."
    )


def test_what_to_do_besides_an_act_is_told_sentence_by_sentence() -> None:
    hint = (
        "Check the item in in the library's own system first. Bibliotek Ø is not told: 'received' can't be said by "
        "letters. Write or telephone."
    )
    assert describe_act_hint(hint, GERMAN) == (
        "Nehmen Sie den Band zuerst im Bibliothekssystem zurück. Bibliotek Ø erfährt nichts: „received“ lässt sich "
        "über letters nicht sagen. Schreiben Sie oder rufen Sie an."
    )
    assert describe_act_hint("", GERMAN) == ""


def test_one_is_told_in_the_singular() -> None:
    assert describe_rota_reason("overloaded: 1 request is open with it", GERMAN) == (
        "ausgelastet: 1 Bestellung ist dort offen"
    )
    assert describe_rota_reason("4 points (3 open +3, 1 day assumed +1)", GERMAN) == (
        "4 Punkte (3 offen +3, 1 Tag angenommen +1)"
    )
    assert describe_rota_reason("6 points (1 days +6)", GERMAN) == "6 Punkte (1 Tag +6)", "as it was written before"


SAMPLES = {
    "day": "2026-07-31",
    "price": "12.00 EUR",
    "limit": "9.00 EUR",
    "count": "4",
    "first": "2",
    "most": "9",
    "seconds": "2",
}
EVERY = [
    (name, sentence)
    for name in ("ROTA", "CATALOGUE", "ITEM", "NOTE", "MAIL", "ERROR", "HINT")
    for sentence in getattr(program_sentences, f"{name}_SENTENCES")
]


@pytest.mark.parametrize(("table", "sentence"), EVERY)
def test_a_sentence_is_known_by_its_own_form_and_no_other(table: str, sentence: str) -> None:
    said = re.sub(r"%\((\w+)\)s", lambda found: SAMPLES.get(found[1], "dkim"), sentence)
    compiled = program_sentences._compile_sentences(getattr(program_sentences, f"{table}_SENTENCES"))

    assert next(known for known, pattern in compiled if pattern.fullmatch(said)) == sentence
