"""`/q/TOKEN`: where a patron answers a question of the library, by a link of its letter.

Opening the link shows the question and a button; only the button answers, so programs that look at links in mails
answer nothing. It works without scripts, is in the patron's language and says so (`lang`, `dir`).
"""

from __future__ import annotations

from html import escape

from aiohttp import web

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.tokens import BadLink
from gateway.domain.requests.views import QuestionState, QuestionView
from gateway.services.letters import Spoken
from gateway.web.api.copies import HEADERS
from gateway.web.api.parts import Parts

PATH = "/q/{token}"


class QuestionPages:
    def __init__(self, parts: Parts) -> None:
        self._questions = parts.services.questions

    async def show(self, request: web.Request) -> web.StreamResponse:
        try:
            view = await self._questions.question(request.match_info["token"])
        except BadLink:
            return self._invalid()
        except Unavailable:
            return self._later()
        return self._page(view)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            view = await self._questions.answer(request.match_info["token"])
        except BadLink:
            return self._invalid()
        except (Unavailable, Refused):
            return self._later()
        return self._page(view)

    def _page(self, view: QuestionView) -> web.Response:
        spoken = self._questions.spoken(view.language)
        words = spoken.words.pages
        if view.state is QuestionState.OVER:
            return _page(410, spoken, words["over"], _paragraph(words["over-why"]))
        about = f'<h2>{escape(words["request"])}</h2><p dir="auto">{escape(view.title)}</p>'
        if view.state is QuestionState.ANSWERED:
            said = f'<p role="status">{escape(words[f"answered-{view.answer}"])}</p>'
            return _page(200, spoken, words["answered"], said + about)
        return _page(200, spoken, words["question"], _quote(view.text) + about + _form(view, spoken))

    def _invalid(self) -> web.Response:
        spoken = self._questions.spoken("")
        return _page(410, spoken, spoken.words.pages["invalid"], _paragraph(spoken.words.pages["invalid-why"]))

    def _later(self) -> web.Response:
        spoken = self._questions.spoken("")
        return _page(503, spoken, spoken.words.pages["later"], _paragraph(spoken.words.pages["later-why"]))


def _form(view: QuestionView, spoken: Spoken) -> str:
    words = spoken.words.pages
    until = _paragraph(f"{words['answer-by']} {view.until}.") if view.until else ""
    button = f'<button type="submit">{escape(words[f"say-{view.answer}"])}</button>'
    return f'{until}<form method="post">{_paragraph(words[f"check-{view.answer}"])}{button}</form>'


def _quote(text: str) -> str:
    """The question as it was written, its lines kept."""
    lines = "<br>".join(escape(line) for line in text.splitlines() if line.strip())
    return f'<blockquote dir="auto">{lines}</blockquote>' if lines else ""


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _page(status: int, spoken: Spoken, title: str, body: str) -> web.Response:
    text = (
        f'<!DOCTYPE html><html lang="{escape(spoken.language)}" dir="{spoken.words.direction}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)
