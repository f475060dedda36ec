"""The shipped letters: all there in each language, readable in every script, with nothing left unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from lxml import html

from gateway.domain.requests.borrowing_table import BORROWING
from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.event_catalogue import PARTNER_LETTERS
from gateway.domain.requests.events import EventKind, LoanCondition, ReasonCodes
from gateway.domain.requests.lending_table import LENDING
from gateway.domain.requests.request import BorrowingState, LendingState, ServiceType
from gateway.domain.requests.state_table import Effect, NotifyPartner, SendPatronLetter
from gateway.ports.outgoing_mail import RenderedLetter
from gateway.services.letters import sample
from gateway.services.letters.renderer import LetterPlace, LetterRenderer
from gateway.services.letters.templates import ALL, PATRON_LETTERS, SHIPPED
from tests.unit.services.letters.support import notice, slip, to_partner

LANGUAGES = ("de", "en")
BY = LetterRenderer(LetterPlace((), "en"))

ISOLATES = dict.fromkeys((0x2068, 0x2069))


def effects() -> Iterator[Effect]:
    for table in (BORROWING, LENDING):
        cells = [*table.elsewhere.values(), *(cell for row in table.rows.values() for cell in row.values())]
        for cell in cells:
            if isinstance(cell, tuple):
                yield from (effect for branch in cell for effect in branch.effects)


def test_there_is_a_letter_for_everything_that_the_state_tables_tell() -> None:
    assert {one.kind for one in effects() if isinstance(one, NotifyPartner)} <= set(PARTNER_LETTERS)
    assert {one.name for one in effects() if isinstance(one, SendPatronLetter)} <= set(PATRON_LETTERS)


def test_no_shipped_language_needs_another_to_stand_in() -> None:
    for name in ALL:
        for language in LANGUAGES:
            assert BY.find_template_files(name, language) == (SHIPPED / f"{name}.j2",)


def test_the_shipped_languages_are_those_of_the_tests() -> None:
    assert BY.find_languages() == LANGUAGES


def letter(name: str, language: str, script: str) -> RenderedLetter:
    to, _, rest = name.partition("/")
    if to == "patron":
        return notice(BY, rest, language, script)
    if to == "slip":
        return slip(LetterRenderer(LetterPlace((), language)), rest, script)
    return to_partner(BY, EventKind(rest), language, script)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, marks=[] if script in ("latin", "arabic") else [pytest.mark.long])
        for script in sample.CITATIONS
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_say_the_same_whole_thing(language: str, script: str) -> None:
    for name in ALL:
        written = letter(name, language, script)

        page = html.document_fromstring(written.html)
        for link in page.xpath("//a[not(starts-with(@href, 'mailto:')) and text() != @href]"):
            link.text += link.get("href")
        text, shown = _words(written.text), _words(page.find("body").text_content())
        assert shown.endswith(text), name
        hidden = [str(one.text_content()) for one in page.xpath("//div[@aria-hidden]")]
        assert not hidden or _words(hidden[0].rstrip("…")) in text, f"{name}: the preview of a list of mails"
        assert _words(sample.CITATIONS[script].title) in text, name
        assert page.get("lang") == language, name
        assert page.findtext("head/title") == written.subject, name
        assert not re.search(r"\{\{|\{%|None|Undefined|&lt;|\(\)|Markup| [.,]\s", written.text), name


def _words(text: str) -> str:
    """Without colons, middle dots and blanks, by which alone the two forms differ."""
    return re.sub(r"[\s:·]", "", text.translate(ISOLATES))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_partners_letter_carries_the_reference_in_subject_and_text(language: str) -> None:
    for kind in PARTNER_LETTERS:
        message = sample.sample_message(kind)

        written = to_partner(BY, kind, language)

        assert message.transaction in written.subject, kind
        assert message.transaction in written.text, kind
        assert message.transaction in written.html, kind
        assert written.message_id == message.id, kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_words(language: str) -> None:
    words = BY.resolve_language(language).words

    assert set(words.types) == {one.value for one in CitationType}
    assert set(words.conditions) == {one.value for one in LoanCondition}
    assert set(words.reasons) == {one.value for one in ReasonCodes}
    assert set(words.states) == {one.value for one in (*BorrowingState, *LendingState)}
    assert {one.value for one in ServiceType} <= set(words.services)
    for mapping in (words.labels, words.services):
        assert all(mapping.values())
