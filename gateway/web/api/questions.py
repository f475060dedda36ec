"""`/q/TOKEN`: where a patron or a partner answers a question of the library, by a link of its letter.

Opening the link shows the question and a form; only its button answers, so programs that look at links in mails answer
nothing. It works without scripts, is in the reader's language and says so (`lang`, `dir`).

200: it can be answered, or was answered so; 404: nobody of ours made the link; 409: it was answered otherwise before;
410: its time is over; 413: too much was sent; 422: something is missing; 503: nothing was changed, try again.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.partner_answers import MOST_NOTE, Field
from gateway.domain.requests.tokens import BadLink
from gateway.domain.requests.views import AnswerField, QuestionState, QuestionView
from gateway.services.letters import Spoken
from gateway.web.api.frame import framed
from gateway.web.api.parts import Parts
from gateway.web.api.speaking import spoken_to
from gateway.web.body import read_body
from gateway.web.pace import Patience

QUESTION_PATH = "/q/{token}"

MOST_BYTES = 16_000
MOST_FIELDS = 20


class QuestionPages:
    def __init__(self, parts: Parts) -> None:
        self._questions = parts.services.questions

    async def show(self, request: web.Request) -> web.StreamResponse:
        try:
            view = await self._questions.question(request.match_info["token"])
        except BadLink:
            return self._plain(request, 404, "invalid")
        except Unavailable:
            return self._plain(request, 503, "later")
        return self._page(view)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        if form is None:
            return self._plain(request, 413, "later")
        try:
            view = await self._questions.answer(request.match_info["token"], form)
        except BadLink:
            return self._plain(request, 404, "invalid")
        except (Unavailable, Refused):
            return self._plain(request, 503, "later")
        return self._page(view, sent=True)

    def _page(self, view: QuestionView, *, sent: bool = False) -> web.Response:
        words = _PageWords(self._questions.spoken(view.language), view)
        about = _rows(view.rows)
        match view.state:
            case QuestionState.OVER:
                return words.framed(410, "over", _paragraph(words["over-why"]) + about)
            case QuestionState.ANSWERED if view.given != view.answer:
                return words.framed(409 if sent else 200, "already", _given(view, words) + about)
            case QuestionState.ANSWERED:
                return words.framed(200, "answered", _given(view, words) + about)
        status = 422 if sent else 200
        return words.framed(status, "question", _quote(view.text) + about + _answering(view, words))

    def _plain(self, request: web.Request, status: int, word: str) -> web.Response:
        spoken = spoken_to(self._questions, request)
        words = spoken.words.pages
        return framed(status, words[word], _paragraph(words[f"{word}-why"]), spoken.language, spoken.words.direction)


class _PageWords:
    """Words of the page for whoever is asked: those for partners end in -partner where they differ."""

    def __init__(self, spoken: Spoken, view: QuestionView) -> None:
        self._spoken = spoken
        self._asked = view.asked

    def __getitem__(self, word: str) -> str:
        words = self._spoken.words.pages
        return words.get(f"{word}-{self._asked}") or words[word]

    def about(self, word: str, answer: str) -> str:
        """What is said of this very answer; empty: nothing is."""
        return self._spoken.words.pages.get(f"{word}-{answer}", "")

    def framed(self, status: int, title: str, body: str) -> web.Response:
        return framed(status, self[title], body, self._spoken.language, self._spoken.words.direction)


async def _form(request: web.Request) -> Mapping[str, str] | None:
    """The first value of each field; None: too long, or broken off."""
    body = await read_body(request, MOST_BYTES, Patience())
    if not body.whole or len(body.data) > MOST_BYTES:
        return None
    text = body.data.decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, encoding="utf-8")
    except ValueError:
        return None
    return dict(reversed(pairs))


def _given(view: QuestionView, words: _PageWords) -> str:
    if whole := words.about("answered", view.given):
        return _paragraph(whole, ' role="status"')
    said = _paragraph(f"{words['said']} {words[f'say-{view.given}']}", ' role="status"')
    return said + _paragraph(f"{words['said-at']} {view.when}.") + _paragraph(words["said-why"])


def _answering(view: QuestionView, words: _PageWords) -> str:
    until = _paragraph(f"{words['answer-by']} {view.until}.") if view.until else ""
    check = _paragraph(words.about("check", view.answer) or words["check"])
    fields = "".join(_field(one, words) for one in view.fields)
    button = f'<button type="submit">{escape(words[f"say-{view.answer}"])}</button>'
    return f'{until}<form method="post" accept-charset="utf-8">{check}{fields}{button}</form>'


def _field(field: AnswerField, words: _PageWords) -> str:
    name, label = escape(field.name), field.label if field.needed else f"{field.label} {words['optional']}"
    needed = " required" if field.needed else ""
    wrong = f' aria-invalid="true" aria-describedby="{name}-fault"' if field.fault else ""
    head = f'<label for="{name}">{escape(label)}</label>'
    fault = f'<p class="fault" id="{name}-fault">{escape(field.fault)}</p>' if field.fault else ""
    same = f'id="{name}" name="{name}"{needed}{wrong}'
    if field.choices:
        return f"{head}{fault}<select {same}>{_options(field)}</select>"
    if field.name == Field.NOTE:
        return f'{head}{fault}<textarea {same} rows="4" maxlength="{MOST_NOTE}">{escape(field.value)}</textarea>'
    return f'{head}{fault}<input type="date" {same} placeholder="2026-12-31" value="{escape(field.value)}">'


def _options(field: AnswerField) -> str:
    """Nothing is chosen at first."""
    choices = (("", "–"), *field.choices)
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == field.value else ""}>{escape(words)}</option>'
        for value, words in choices
    )


def _rows(rows: tuple[tuple[str, str], ...]) -> str:
    lines = "".join(f'<dt>{escape(label)}</dt><dd dir="auto">{escape(value)}</dd>' for label, value in rows)
    return f"<dl>{lines}</dl>" if lines else ""


def _quote(text: str) -> str:
    """The question as it was written, its lines kept."""
    lines = "<br>".join(escape(line) for line in text.splitlines() if line.strip())
    return f'<blockquote dir="auto">{lines}</blockquote>' if lines else ""


def _paragraph(text: str, attributes: str = "") -> str:
    return f"<p{attributes}>{escape(text)}</p>"
