"""All letters about the sample request, as one text a language: what tests/samples/letters keeps.

`python -m tests.unit.services.letters.render_samples` writes these files anew, when letters are meant to change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.request import LoanTerms, RequestCosts
from gateway.ports.outgoing_mail import RenderedLetter
from gateway.services.letters import sample
from gateway.services.letters.facts import NoticeFacts
from gateway.services.letters.renderer import LetterPlace, LetterRenderer, SlipFacts
from gateway.services.letters.templates import ALL
from tests.support.paths import ROOT
from tests.unit.services.letters.support import ZONE, notice, slip, to_partner

SAMPLES = ROOT / "tests" / "samples" / "letters"

ATTRIBUTES = re.compile(r' (?!dir=|href=|lang=|scope=)[a-z-]+="[^"]*"')
"""How it looks is not what readers get word for word."""


def render_full(name: str, language: str) -> RenderedLetter:
    """With all that such a letter can say."""
    to, _, rest = name.partition("/")
    if to == "patron":
        return notice(LetterRenderer(LetterPlace((), "en")), rest, language)
    if to == "slip":
        return slip(LetterRenderer(LetterPlace((), language)), rest)
    return to_partner(LetterRenderer(LetterPlace((), "en")), EventKind(rest), language)


def render_bare(name: str, language: str) -> RenderedLetter:
    """With no more than such a letter must say."""
    to, _, rest = name.partition("/")
    letters, request = LetterRenderer(LetterPlace((), language)), sample.sample_request()
    bare = replace(request, terms=LoanTerms(), costs=RequestCosts(), notes=(), query=None)
    if to == "patron":
        return letters.render_patron_letter(rest, bare, None, sample.LIBRARY, ZONE, sample.NOW, NoticeFacts())
    if to == "slip":
        return letters.render_slip(rest, bare, None, sample.LIBRARY, ZONE, sample.NOW, SlipFacts())
    message = replace(sample.sample_message(EventKind(rest)), details=EventDetails(), request=bare)
    return letters.for_partner(message, Profile(name="seeberg", partner=PartnerPolicy()), sample.LIBRARY, ZONE)


def render_all_samples(language: str) -> str:
    return "\n".join(_write_out(language))


def _write_out(language: str) -> Iterator[str]:
    for name in ALL:
        full, bare = render_full(name, language), render_bare(name, language)
        body = ATTRIBUTES.sub("", full.html.partition("<body")[2].partition(">")[2].partition("</body>")[0].strip())
        yield f"######## {name}\n{full.subject}\n\n{full.text}\n{body}\n"
        yield f"######## {name}, with nothing more known\n{bare.subject}\n\n{bare.text}"


if __name__ == "__main__":
    for code in ("de", "en"):
        (SAMPLES / f"{code}.txt").write_text(render_all_samples(code), "utf-8")
