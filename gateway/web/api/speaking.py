"""Which language a page behind a link in a letter is in, where the link doesn't say: what the browser prefers."""

from __future__ import annotations

from aiohttp import web

from gateway.services.letters import Spoken
from gateway.services.letters.languages import generalised
from gateway.web.api.service import Questions
from gateway.web.sessions.visits import preferred_languages


def spoken_to(questions: Questions, request: web.Request) -> Spoken:
    """The first that there is, else the installation's own."""
    for code in preferred_languages(request):
        spoken = questions.spoken(code)
        if spoken.language in generalised(code):
            return spoken
    return questions.spoken("")
