"""A library that writes letters: made-up request, own templates where a test wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.ports.outgoing_mail import PLAIN, LetterStyle, RenderedLetter
from gateway.services.letters import sample
from gateway.services.letters.facts import NoticeFacts
from gateway.services.letters.renderer import LetterPlace, LetterRenderer

ZONE = ZoneInfo("Europe/Zurich")


def letters(
    folder: Path | None = None, templates: Mapping[str, str] | None = None, language: str = "en"
) -> LetterRenderer:
    if templates:
        assert folder is not None
        write(folder, templates)
    return LetterRenderer(LetterPlace((folder,) if folder is not None else (), language))


def write(folder: Path, templates: Mapping[str, str]) -> None:
    for name, text in templates.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def notice(
    by: LetterRenderer, name: str, language: str = "", script: str = "latin", facts: NoticeFacts = sample.FACTS
) -> RenderedLetter:
    request = sample.sample_request(script)
    request = replace(request, patron=replace(request.patron, language=language))
    return by.render_patron_letter(name, request, sample.PATRON, sample.LIBRARY, ZONE, sample.NOW, facts)


def to_partner(
    by: LetterRenderer, kind: EventKind, language: str = "", script: str = "latin", style: LetterStyle = PLAIN
) -> RenderedLetter:
    profile = Profile(name="seeberg", partner=PartnerPolicy(language=language))
    return by.for_partner(sample.sample_message(kind, script), profile, sample.LIBRARY, ZONE, style)


def slip(by: LetterRenderer, name: str, script: str = "latin") -> RenderedLetter:
    return by.render_slip(
        name, sample.sample_request(script), sample.PATRON, sample.LIBRARY, ZONE, sample.NOW, sample.SLIP
    )
