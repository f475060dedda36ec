"""An operator's own templates: which one counts, languages added, and what is said of a mistake."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.problems import ConfigurationError
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import PatronLink
from gateway.ports.outgoing_mail import LetterStyle
from gateway.services.letters import sample
from gateway.services.letters.renderer import LetterPlace, LetterRenderer
from gateway.services.letters.templates import SHIPPED
from tests.unit.services.letters.support import ZONE, letters, notice, to_partner, write

SENT = "{% set subject %}Off it goes: {{ number }}{% endset %}\nOff it goes.\n"

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


def test_an_own_template_comes_before_the_shipped_one(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en/patron/sent.j2": SENT})

    written = notice(by, "sent")

    assert written.subject == "Off it goes: 2026-000417"
    assert "Dear Zoë Østergård,\n\nOff it goes.\n\nKind regards" in written.text
    assert '<p dir="auto">Off it goes.</p>' in written.html


def test_a_language_counts_before_a_folder(tmp_path: Path) -> None:
    """A German reader gets our German rather than the operator's English."""
    by = letters(tmp_path, {"en/patron/sent.j2": SENT})

    assert "die andere Bibliothek hat" in notice(by, "sent", "de").text


def test_html_may_have_a_template_of_its_own(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en/patron/sent.html.j2": "<p>Off <b>it</b> goes.</p>\n\n{{ item }}"})

    written = notice(by, "sent")

    assert "The other library has shipped" in written.text
    assert "<p>Off <b>it</b> goes.</p>\n<table " in written.html


def test_a_partners_own_folder_comes_first_of_all(tmp_path: Path) -> None:
    general = {"en/partner/cancel.j2": "{% set subject %}a{% endset %}general"}
    special = {"en/partner/cancel.j2": "{% set subject %}a{% endset %}special"}
    by = letters(tmp_path / "all", general)
    write(tmp_path / "one", special)

    assert "\n\ngeneral\n\n" in to_partner(by, EventKind.CANCEL).text
    assert "\n\nspecial\n\n" in to_partner(by, EventKind.CANCEL, style=LetterStyle(folder=tmp_path / "one")).text


def test_a_layout_of_ones_own_goes_around_all_letters(tmp_path: Path) -> None:
    by = letters(tmp_path, {"layout.txt.j2": "*** {{ subject }}\n{{ body }}\n"})

    text = notice(by, "sent").text

    assert text.startswith("*** Request 2026-000417 is on its way")
    assert "Kind regards" not in text


def test_a_language_is_added_by_a_folder(tmp_path: Path) -> None:
    """It needs no more than some of the words and letters; the rest is in the language that stands in."""
    by = letters(
        tmp_path,
        {
            "he/words.yml": "name: עברית\ndirection: rtl\ndear: 'שלום {name},'\nlabels:\n  title: כותר\n",
            "he/patron/sent.j2": "{% set subject %}נשלח: {{ number }}{% endset %}\nהפריט בדרך.\n\n{{ item }}",
        },
    )

    written = notice(by, "sent", "heb", "hebrew")

    assert by.find_languages() == ("de", "en", "he")
    assert written.language == "he"
    assert written.subject == "נשלח: 2026-000417"
    assert "כותר:" in written.text
    assert "Author:" in written.text
    assert '<html lang="he" dir="rtl">' in written.html
    assert "could be supplied" not in notice(by, "placed", "he").text
    assert "We have received your request" in notice(by, "placed", "he").text


def test_a_language_is_added_by_a_catalogue(tmp_path: Path) -> None:
    """And nothing else: names of labels, sentences, plural forms; days and direction are known."""
    catalogue = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Request %(number)s is on its way: %(title)s"
msgstr "הזמנה %(number)s בדרך: %(title)s"

msgctxt "letter"
msgid "Dear %(name)s,"
msgstr "שלום %(name)s,"

msgctxt "labels"
msgid "Title"
msgstr "כותר"
"""
    by = letters(tmp_path, {"he.po": catalogue})

    written = notice(by, "sent", "heb", "hebrew")

    assert by.find_languages() == ("de", "en", "he")
    assert written.subject.startswith("הזמנה 2026-000417 בדרך: ")
    assert "שלום" in written.text
    assert "כותר:" in written.text
    assert '<html lang="he" dir="rtl">' in written.html
    assert by.find_template_files("patron/sent", "he") == (SHIPPED / "patron/sent.j2",)


def test_own_words_for_one_sentence_need_no_template(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en.po": HEADER + 'msgid "My account: %(account)s"\nmsgstr "See %(account)s"\n'})

    assert "\nSee https://ill.northfield.example/my\n" in notice(by, "sent").text
    assert "Mein Konto: https" in notice(by, "sent", "de").text


def test_a_library_has_letters_of_its_own_before_those_of_all(tmp_path: Path) -> None:
    north, shared = tmp_path / "north", tmp_path / "letters"
    write(north, {"en.po": HEADER + 'msgid "My account: %(account)s"\nmsgstr "See %(account)s"\n'})
    write(shared, {"en/patron/sent.j2": SENT, "patron/placed.j2": SENT})
    by = LetterRenderer(LetterPlace((shared,), "en"), {"NORTH": LetterPlace((north, shared), "de")})

    def write_letter(name: str, library: str, language: str) -> str:
        request = replace(sample.sample_request(), patron=PatronLink(identifier="7", language=language))
        info = replace(sample.LIBRARY, symbol=library)
        return by.render_patron_letter(name, request, None, info, ZONE, sample.NOW, sample.FACTS).text

    assert "See https://ill" in write_letter("available", "NORTH", "en")
    assert "My account: https://ill" in write_letter("available", "SOUTH", "en")
    assert "Off it goes." in write_letter("sent", "NORTH", "en"), "what it hasn't is that of all"
    assert "Mein Konto: https" in write_letter("available", "NORTH", ""), "its usual language"
    assert by.resolve_language("", "NORTH").language == "de"
    assert by.resolve_language("", "SOUTH").language == "en"


def test_a_template_for_one_language_leaves_the_others(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en/patron/sent.j2": SENT})

    assert "Off it goes." in notice(by, "sent").text
    assert "die andere Bibliothek hat das bestellte Medium versandt." in notice(by, "sent", "de").text
    assert by.find_template_files("patron/sent", "en") == (tmp_path / "en/patron/sent.j2",)
    assert by.find_template_files("patron/sent", "de") == (SHIPPED / "patron/sent.j2",)


def test_an_own_template_for_all_languages_is_translated(tmp_path: Path) -> None:
    text = "{% set subject %}x{% endset %}\n{% trans %}Please reply to this message.{% endtrans %}"
    by = letters(tmp_path, {"patron/sent.j2": text})

    assert "Please reply to this message." in notice(by, "sent").text
    assert "Bitte antworten Sie auf diese Nachricht." in notice(by, "sent", "de").text


def test_a_mistake_in_a_catalogue_is_told_with_file_and_line(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en.po": HEADER + 'msgid "My account: %(account)s"\nmsgstr "See %(acount)s"\n'})

    with pytest.raises(ConfigurationError, match=r"en\.po:4: %\(acount\)s is no value of"):
        notice(by, "sent")


def test_own_words_change_a_shipped_language(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en/words.yml": "closing: Yours, the interlending team\n"})

    assert "Yours, the interlending team" in notice(by, "sent").text


def test_a_changed_template_counts_at_once(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en/patron/sent.j2": SENT})
    notice(by, "sent")

    file = tmp_path / "en/patron/sent.j2"
    file.write_text(SENT.replace("Off it goes.", "Away it flies."))
    os.utime(file, (1, 1))

    assert "Away it flies." in notice(by, "sent").text


def test_a_folder_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert notice(LetterRenderer(LetterPlace((tmp_path / "nothing",), "en")), "sent").subject.startswith(
        "Request 2026-000417"
    )


# --- mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("{% set subject %}a{% endset %}\n\n{{ nubmer }}", 3, "'nubmer' is undefined"),
        ("{% set subject %}a{% endset %}\n{% if due %}\nno end", 2, "endif"),
        ("{% set subject %}a{% endset %}\n{{ request.citation.titel }}", 2, "titel"),
        ("{% set subject %}a{% endset %}\n{{ request.__class__ }}", 2, "__class__"),
        ("{% set subject %}a{% endset %}\n{{ 1 + number }}", 2, "TypeError"),
        ("{% set subject %}a{% endset %}\n\n\n{% include '_none.j2' %}", 4, "no such template: _none.j2"),
        ("{% set subject %}a{% endset %}\n{{ '%d'|format(number) }}", 2, "TypeError"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    by = letters(tmp_path, {"en/patron/sent.j2": text})

    with pytest.raises(ConfigurationError) as caught:
        notice(by, "sent")

    (problem,) = caught.value.problems
    assert problem.file.endswith("en/patron/sent.j2")
    assert problem.line == line
    assert reason in problem.message


def test_a_mistake_in_an_included_template_is_told_where_it_is(tmp_path: Path) -> None:
    by = letters(
        tmp_path,
        {"en/patron/sent.j2": "{% set subject %}a{% endset %}{% include '_foot.j2' %}", "_foot.j2": "\n{{ nobody }}"},
    )

    with pytest.raises(ConfigurationError) as caught:
        notice(by, "sent")

    (problem,) = caught.value.problems
    assert problem.file.endswith("_foot.j2")
    assert problem.line == 2


def test_a_letter_without_subject_is_a_mistake(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en/patron/sent.j2": "Off it goes."})

    with pytest.raises(ConfigurationError, match=r"patron/sent .*sets no `subject`"):
        notice(by, "sent")


def test_a_mistake_in_words_is_told_with_file_and_line(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en/words.yml": "closing: Bye\ndate: '{day} {mnoth}'\n"})

    with pytest.raises(ConfigurationError, match=r"words\.yml:2: date: can't be filled in"):
        notice(by, "sent")


def test_an_error_text_holds_nothing_of_the_request(tmp_path: Path) -> None:
    by = letters(tmp_path, {"en/patron/sent.j2": "{% set subject %}a{% endset %}{{ patron.name.direct + 1 }}"})

    with pytest.raises(ConfigurationError) as caught:
        notice(by, "sent")

    assert "Zoë" not in str(caught.value)
