"""Letters to partners with links that answer them, in every language."""

from __future__ import annotations

import pytest
from lxml import html

from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.partner_answers import LETTERS
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.ports.outgoing_mail import AnswerLink, RenderedLetter
from gateway.services.letters import sample
from gateway.services.letters.renderer import LetterPlace, LetterRenderer
from tests.unit.services.letters.support import ZONE

BY = LetterRenderer(LetterPlace((), "en"))
LANGUAGES = {"en": "You can answer with these links", "de": "Sie können über diese Links antworten"}


def written(kind: EventKind, language: str, answers: tuple[AnswerLink, ...]) -> RenderedLetter:
    profile = Profile(name="seeberg", partner=PartnerPolicy(language=language))
    return BY.for_partner(sample.sample_message(kind), profile, sample.LIBRARY, ZONE, answers=answers)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", sorted({kind for _, kind in LETTERS}))
def test_a_letter_has_its_links_with_what_they_say(kind: EventKind, language: str) -> None:
    answers = sample.sample_answers(kind)
    words = BY.resolve_language(language).words
    letter = written(kind, language, answers)

    assert answers
    assert LANGUAGES[language] in " ".join(letter.text.split())
    for one in answers:
        assert f"\n  {words.pages[f'say-{one.answer}']}:\n  {one.address}\n" in letter.text
    anchors = html.document_fromstring(letter.html).iterfind(".//li/a")
    assert [(one.text, one.get("href")) for one in anchors] == [
        (words.pages[f"say-{one.answer}"], one.address) for one in answers
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_links_nothing_is_said_of_them(language: str) -> None:
    letter = written(EventKind.REQUEST, language, ())

    assert "Link" not in letter.text.title()
    assert "<ul>" not in letter.html
    assert "\n\n\n" not in letter.text


def test_an_address_is_text_whatever_it_says() -> None:
    letter = written(EventKind.REQUEST, "en", (AnswerLink("will-supply", 'https://x.example/q/"><script>'),))

    assert "<script" not in letter.html
