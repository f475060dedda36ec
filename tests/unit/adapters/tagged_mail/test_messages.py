"""Tagged mail both ways: every message name in two languages, every tag of the facts, every event."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from adapters.tagged_mail.codec import MessageTag, TaggedMailLayout, TaggedMessage, decode, encode
from adapters.tagged_mail.dialect import TaggedMailDialect
from adapters.tagged_mail.mail_format import TaggedMailFormat
from adapters.tagged_mail.message_names import ALONE, CARRIED, NAMES, MessageName, guess_our_role
from gateway.domain.library import Money, RecordId
from gateway.domain.problems import MalformedMessage, Refused
from gateway.domain.requests.citation import CitationExtra, CitationType
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.request import Role, Volume
from gateway.services.letters import sample
from tests.unit.adapters.tagged_mail.support import (
    NUMBER,
    gsm,
    mail,
    message,
    of_the_other_side,
    only,
    read,
    tailored,
    written,
)

FOLDER = Path(__file__).parent / "messages"

GOLDEN = {
    **{f"request-{name}": message(EventKind.REQUEST, request=sample.sample_request(name)) for name in sample.CITATIONS},
    "shipped": message(EventKind.SHIPPED, due=date(2026, 4, 30), note="Fragile\nDo not copy", barcode="311"),
    "unfilled": message(EventKind.UNFILLED, reason="on-loan"),
    "conditional": message(
        EventKind.CONDITIONAL,
        conditions=(LoanCondition.LIBRARY_USE_ONLY, LoanCondition.COST),
        cost=Money(Decimal("12.50"), "CAD"),
    ),
    "renew": message(EventKind.RENEW),
    "renew-accepted": message(EventKind.RENEW_ACCEPTED, due=date(2026, 5, 28)),
    "cancel": message(EventKind.CANCEL),
    "message": message(EventKind.MESSAGE, Role.BORROWING, note="ITEM LOST in the lift?\n\nCANCELLATION\nNOT: a tag"),
    "overdue": message(EventKind.OVERDUE, due=date(2026, 4, 13)),
    "recall": message(EventKind.RECALL, due=date(2026, 4, 13)),
    "forwarded": message(EventKind.FORWARDED),
    "copy-delivered": message(EventKind.COPY_DELIVERED, link="https://ill.fjord.example/copies/" + "Zm9v" * 20),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_message_is_written_as_in_its_golden_file(name: str) -> None:
    text = written(GOLDEN[name])
    file = FOLDER / f"{name}.txt"
    if os.environ.get("ILLGATE_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")
    assert all(len(line) <= 76 or "https://" in line for line in text.splitlines())


def test_every_golden_file_is_looked_at() -> None:
    assert sorted(file.stem for file in FOLDER.iterdir()) == sorted(GOLDEN)


# --- names -----------------------------------------------------------------------------------------------

FACTS = (
    "ILL REQUEST/DEMANDE PEB",
    "REPLY TO AN ILL REQUEST/REPONSE A UNE DEMANDE DE PEB",
    "RENEWAL REQUEST/DEMANDE DE RENOUVELLEMENT",
    "RENEWAL ANSWER/REPONSE RENOUVELLEMENT",
    "GENERAL MESSAGE/MESSAGE GENERAL",
    "CONDITIONAL REPLY/REPONSE CONDITIONELLE",
    "CANCELLATION/ANNULATION",
    "FORWARD NOTIFICATION/NOTE DE RENVOI",
    "ITEM SHIPPED/MESSAGE D'ENVOI",
    "OVERDUE MESSAGE/AVIS DE RETARD",
    "RECALL MESSAGE/MESSAGE DE RAPPEL",
)


@pytest.mark.parametrize("both", FACTS)
def test_every_name_of_the_facts_is_known_in_english_in_french_and_in_both(both: str) -> None:
    english, french = both.split("/")
    ways = (both, english, french, english.lower(), f"{english} / {french}", french.replace("'", "’"), f"  \n{both}:")

    found = {decode([*way.split("\n"), "NUM: B-1"], TaggedMailLayout())[0].name for way in ways}

    assert len(found) == 1
    assert NAMES[found.pop()].both == both


def test_accents_do_not_matter() -> None:
    assert decode(["RÉPONSE À UNE DEMANDE DE PEB"], TaggedMailLayout())[0].name is MessageName.REPLY
    assert decode(["Réponse conditionelle"], TaggedMailLayout())[0].name is MessageName.CONDITIONAL


def test_no_name_is_missing() -> None:
    assert {words.both for words in NAMES.values()} == set(FACTS)


@pytest.mark.parametrize("language", ["en", "fr", "both"])
def test_the_profile_says_in_which_language_names_and_answers_are(language: str) -> None:
    text = written(message(EventKind.WILL_SUPPLY), tailored(language=language))

    expected = {
        "en": ("REPLY TO AN ILL REQUEST", "WILL SUPPLY"),
        "fr": ("REPONSE A UNE DEMANDE DE PEB", "SERA FOURNI"),
        "both": ("REPLY TO AN ILL REQUEST/REPONSE A UNE DEMANDE DE PEB", "WILL SUPPLY/SERA FOURNI"),
    }[language]
    assert text.splitlines()[0] == expected[0]
    assert f"ANS: {expected[1]}" in text
    assert only(read(text)).kind is EventKind.WILL_SUPPLY


def test_further_names_are_the_profiles() -> None:
    profile = tailored(names={"shipped": ["Expédition"]})

    assert only(read("EXPEDITION\nNUM: B-1", profile=profile)).kind is EventKind.SHIPPED


# --- every event -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr", "both"])
@pytest.mark.parametrize("kind", sorted(CARRIED))
def test_every_event_is_understood_by_the_other_side(kind: EventKind, language: str) -> None:
    said = message(
        kind, due=date(2026, 4, 30), note="Avec nos remerciements", reason="other", expected=date(2026, 3, 9)
    )

    event = only(read(written(said, tailored(language=language)), profile=of_the_other_side()))

    assert event.kind is kind
    assert event.role is (Role.LENDING if said.role is Role.BORROWING else Role.BORROWING)
    assert event.transaction == NUMBER
    if kind is not EventKind.REQUEST:
        assert event.details.due == date(2026, 4, 30)
        assert event.details.note == "Avec nos remerciements"


def test_what_has_no_message_is_refused() -> None:
    with pytest.raises(Refused, match="no message for 'submit'"):
        written(message(EventKind.SUBMIT, Role.BORROWING))


def test_details_come_back_whole() -> None:
    details = EventDetails(
        due=date(2026, 4, 30),
        expected=date(2026, 3, 9),
        retry_after=date(2026, 6, 1),
        reason="on-loan",
        conditions=(LoanCondition.LIBRARY_USE_ONLY, LoanCondition.NO_RENEWAL),
        cost=Money(Decimal("12.50"), "EUR"),
        barcode="SE-77 0045119",
        link="https://ill.fjord.example/copies/Zm9vYmFy",
        status="will-supply",
        note="Première ligne\nsecond line, which is so long that it does not fit into one line of a mail, alas, alas",
    )
    said = replace(message(EventKind.CONDITIONAL), details=details)

    event = only(read(written(said), profile=of_the_other_side()))

    assert event.details == details


def test_that_nothing_is_renewed_is_a_condition() -> None:
    shipped = message(EventKind.SHIPPED, renewals_allowed=False, conditions=(LoanCondition.SUPERVISED,))
    twice = message(EventKind.SHIPPED, renewals_allowed=False, conditions=(LoanCondition.NO_RENEWAL,))
    silent = message(EventKind.SHIPPED)

    events = [only(read(written(one), profile=of_the_other_side())) for one in (shipped, twice, silent)]

    assert [event.details.conditions for event in events] == [
        (LoanCondition.SUPERVISED, LoanCondition.NO_RENEWAL),
        (LoanCondition.NO_RENEWAL,),
        (),
    ]


def test_a_loan_that_we_broker_goes_to_the_requester() -> None:
    said = message(EventKind.REQUEST)
    assert "ADR: Bibliothèque du Fjord\n    4, rue du Quai\n" in written(said)

    elsewhere = replace(said.sender, address="Tartu Ülikooli Raamatukogu\nStruve 1")
    assert "ADR: Tartu Ülikooli Raamatukogu\n    Struve 1\n" in (text := written(replace(said, sender=elsewhere)))
    assert "ill@fjord.example" not in text


# --- tags ------------------------------------------------------------------------------------------------


EVERY_TAG = """ILL REQUEST/DEMANDE PEB
A#C: 4711
ADR: Université du Fjord
    4, rue du Quai
ARA: Tremblay-Ouellet, Maëlle
ART: La navigation de plaisance
AUT: Société du fjord
BIL: Comptes payables
CA#: FC 2949
CNO: second call number
CO$: 25.00 CAD
DAT: 1994
DDN: 12345
DN: 2e
EDD: 3e
LCN: 94-012345
LSB: QMBN
LSP: DEMO
N/R: 2026-04-15
NOT: Merci
NO.: ISBN 9783161484100
NUM: Q-2026-0411
OCL: 990000123
O/A: local 77
P/L: Tadoussac
P/M: Éditions du Quai
P/U: Personne inventée
PAG: 12-31
"""


def test_every_tag_of_the_facts_finds_its_place() -> None:
    event = only(read(EVERY_TAG, profile=tailored(their_symbol="QMBN")))

    request = event.request
    assert request is not None
    citation = request.citation
    assert (event.role, event.transaction) == (Role.LENDING, "Q-2026-0411")
    assert (citation.component_author, citation.component_title) == (
        "Tremblay-Ouellet, Maëlle",
        "La navigation de plaisance",
    )
    assert (citation.author, citation.call_number, citation.published) == ("Société du fjord", "FC 2949", "1994")
    assert (citation.edition, citation.place, citation.publisher) == ("2e", "Tadoussac", "Éditions du Quai")
    assert (citation.pages, citation.note, citation.type) == ("12-31", "Merci", CitationType.CHAPTER)
    assert citation.identifiers == (
        RecordId("oclc", "990000123"),
        RecordId("lccn", "94-012345"),
        RecordId("dobis", "12345"),
        RecordId("isbn", "9783161484100"),
        RecordId("local", "77"),
    )
    assert (request.maximum_cost, request.dates.need_by) == (Money(Decimal("25.00"), "CAD"), date(2026, 4, 15))
    assert request.requester.address == "Université du Fjord\n4, rue du Quai"
    assert request.extras == (
        CitationExtra("A#C", "4711"),
        CitationExtra("BIL", "Comptes payables"),
        CitationExtra("P/U", "Personne inventée"),
    )


def test_their_patron_is_neither_explained_nor_in_the_citation() -> None:
    event = only(read(EVERY_TAG, profile=tailored(their_symbol="QMBN")))

    assert event.request is not None
    assert "inventée" not in f"{event.explained} {event.request.citation}"


def test_our_patron_is_never_written() -> None:
    asked = replace(
        sample.sample_request(),
        extras=(CitationExtra("P/U", "Zoë Østergård"), CitationExtra("ZZZ", "7"), CitationExtra("other", "x")),
    )

    text = written(message(EventKind.REQUEST, request=asked))

    assert "stergård" not in text
    assert asked.patron.identifier not in text
    assert "\nZZZ: 7\n" in text


def test_tags_that_nobody_knows_are_kept() -> None:
    event = only(read("ITEM SHIPPED\nNUM: B-1\nZZZ: 7\nQ/Q: two\n    lines\nDUE: 2026-04-30"))

    assert event.details.extras == (CitationExtra("ZZZ", "7"), CitationExtra("Q/Q", "two\nlines"))
    assert event.details.due == date(2026, 4, 30)


def test_what_can_not_be_read_stands_in_the_note() -> None:
    event = only(read("ITEM SHIPPED\nNUM: B-1\nDUE: in May\nCST: little\nCON: no dogs, library use only\nHello"))

    assert (event.details.due, event.details.cost) == (None, None)
    assert event.details.conditions == (LoanCondition.LIBRARY_USE_ONLY, LoanCondition.COST)
    assert event.details.note.splitlines() == ["Hello", "no dogs", "in May", "little"]


def test_tags_are_the_profiles() -> None:
    profile = tailored(tags={"due": ["RET", "DUE"], "number": ["REQ"], "status": []}, dates=["%d/%m/%Y"])

    text = written(message(EventKind.SHIPPED, due=date(2026, 4, 30), status="x"), profile)

    assert "\nRET: 30/04/2026\n" in text
    assert f"\nREQ: {NUMBER}\n" in text
    assert "STA" not in text
    assert only(read("ITEM SHIPPED\nREQ: B-1\nDUE: 30/04/2026", profile=profile)).details.due == date(2026, 4, 30)


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"tags": {"colour": ["COL"]}}, "there is no 'colour'"),
        ({"tags": {"due": ["due"]}}, "should match pattern"),
        ({"answers": {"shipped": {"english": "X", "french": "Y"}}}, "has a message of its own"),
        ({"subject": "{colour}"}, "it may contain {message}"),
        ({"encoding": "base64"}, "no character set"),
        ({"dates": ["%H"]}, "no form of a date"),
    ],
)
def test_a_mistake_in_a_profile_is_told(section: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        TaggedMailDialect.model_validate(section)

    assert complaint in str(wrong.value)


# --- answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("REPLY TO AN ILL REQUEST\nNUM: B-1\nNOT: Not supplied", EventKind.UNFILLED),
        ("REPLY TO AN ILL REQUEST\nNUM: B-1\nNOT: Sera fourni demain", EventKind.WILL_SUPPLY),
        ("REPLY TO AN ILL REQUEST\nNUM: B-1\nCANNOT BE CANCELLED", EventKind.CANCEL_REFUSED),
        ("REPLY TO AN ILL REQUEST\nNUM: B-1\nNOT: We shall see", EventKind.MESSAGE),
        ("RENEWAL ANSWER\nNUM: B-1\nDUE: 2026-04-30", EventKind.RENEW_ACCEPTED),
        ("RENEWAL ANSWER\nNUM: B-1\nANS: NOT RENEWED\nDUE: 2026-04-30", EventKind.RENEW_REFUSED),
        ("RENEWAL ANSWER\nNUM: B-1\nNOT: Perhaps", EventKind.MESSAGE),
        ("GENERAL MESSAGE\nNUM: B-1\nANS: MESSAGE\nNOT: ITEM LOST?", EventKind.MESSAGE),
        ("GENERAL MESSAGE\nNUM: B-1\nNOT: RETRYING", EventKind.MESSAGE),
    ],
)
def test_an_answer_is_told_by_its_words(text: str, kind: EventKind) -> None:
    assert only(read(text)).kind is kind


def test_words_of_answers_are_the_profiles() -> None:
    profile = tailored(answers={"unfilled": {"english": "UNABLE TO FILL", "french": "IMPOSSIBLE"}})

    assert "ANS: UNABLE TO FILL/IMPOSSIBLE" in written(message(EventKind.UNFILLED), profile)
    assert only(read("REPLY TO AN ILL REQUEST\nNUM: B-1\nANS: Impossible", profile=profile)).kind is EventKind.UNFILLED
    assert only(read("REPLY TO AN ILL REQUEST\nNUM: B-1\nANS: NON FOURNI", profile=profile)).kind is EventKind.UNFILLED


# --- whose, and which ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parties", "role"),
    [
        ("LSB: RELAIS-GSM\nLSP: DEMO", Role.LENDING),
        ("LSB: local:relais-gsm", Role.LENDING),
        ("LSB: DEMO\nLSP: RELAIS-GSM", Role.BORROWING),
        ("", Role.BORROWING),
    ],
)
def test_symbols_tell_who_lends(parties: str, role: Role) -> None:
    assert only(read(f"GENERAL MESSAGE\n{parties}\nNUM: B-1\nNOT: Hello")).role is role


@pytest.mark.parametrize("kind", sorted(set(ALONE.values())))
def test_without_symbols_the_message_tells_it(kind: EventKind) -> None:
    expected = Role.LENDING if kind in (EventKind.REQUEST, EventKind.RENEW, EventKind.CANCEL) else Role.BORROWING

    assert guess_our_role(kind) is expected


def test_our_own_request_that_comes_back_is_no_request_to_us() -> None:
    event = only(read("ILL REQUEST\nLSB: DEMO\nLSP: RELAIS-GSM\nNUM: B-1"))

    assert (event.kind, event.role) == (EventKind.MESSAGE, Role.BORROWING)


def test_the_number_may_stand_in_the_subject_alone() -> None:
    assert only(read("ITEM SHIPPED\nNOT: x", "Re: ITEM SHIPPED/MESSAGE D'ENVOI B-2026-1")).transaction == "B-2026-1"
    assert only(read("ITEM SHIPPED\nNUM: ISSN 0317-8471", "ITEM SHIPPED (B-7)")).transaction == "B-7"
    assert only(read("ITEM SHIPPED")).transaction == ""


def test_several_messages_in_one_mail() -> None:
    text = "Dear all,\n\nITEM SHIPPED\nNUM: B-1\n\n-----\nANNULATION\nNUM: Q-2\n"

    events = read(text, "Two things 77")

    assert [(one.kind, one.transaction) for one in events] == [(EventKind.SHIPPED, "B-1"), (EventKind.CANCEL, "Q-2")]


def test_a_quoted_message_is_not_read() -> None:
    text = "GENERAL MESSAGE\nNUM: B-1\nNOT: Thanks\n\n> ILL REQUEST\n> NUM: B-1\n"

    assert [one.kind for one in read(text)] == [EventKind.MESSAGE]
    with pytest.raises(MalformedMessage):
        read("> ITEM SHIPPED\n> NUM: B-1\n")


def test_a_copy_that_comes_along_is_delivered() -> None:
    event = only(read("ITEM SHIPPED\nNUM: B-1", files=("application/pdf",)))

    assert (event.kind, event.files) == (EventKind.COPY_DELIVERED, (0,))


def test_only_mails_that_name_a_message_are_recognised() -> None:
    recognises = TaggedMailFormat().recognises

    assert recognises(mail("\n\nMESSAGE D'ENVOI\nNUM: B-1"), gsm())
    assert not recognises(mail("We have shipped the item.\nNUM: B-1"), gsm())
    assert not recognises(mail("x\n" * 30 + "ITEM SHIPPED"), gsm())


def test_a_tag_that_is_none_is_not_written() -> None:
    with pytest.raises(ValueError, match="is no tag"):
        encode(TaggedMessage(name=MessageName.GENERAL, tags=(MessageTag("note", "x"),)), TaggedMailLayout())


def test_a_loan_is_due_on_the_library_s_day() -> None:
    """The end of 30 April there is 1 May in UTC."""
    due = datetime(2026, 5, 1, 6, 59, 59, tzinfo=UTC)
    shipped = message(EventKind.SHIPPED, due=due)

    assert "2026-04-30" in written(shipped, zone=ZoneInfo("America/Los_Angeles"))
    assert "2026-05-01" in written(shipped)


# --- volumes ---------------------------------------------------------------------------------------------

SET = (Volume("1", "Oktaeder I"), Volume("2", "Октаэдр II"))


def test_volumes_go_in_the_note_and_are_read_from_there() -> None:
    request = replace(sample.sample_request("latin", Role.BORROWING), volumes=SET)

    asked = only(read(written(message(EventKind.REQUEST, request=request)), profile=of_the_other_side()))
    assert asked.request is not None
    assert asked.request.volumes == tuple(one.label for one in SET)

    lent = replace(sample.sample_request("latin", Role.LENDING), volumes=SET)
    shipped = only(read(written(message(EventKind.SHIPPED, Role.LENDING, lent, volumes=("2",)))))
    assert shipped.details is not None
    assert shipped.details.volumes == ("2",)
