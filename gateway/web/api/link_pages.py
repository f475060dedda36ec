"""Pages behind links of letters: delivered copies, questions.

Opening a link shows a page with a button; only the button fetches and counts, or answers. So programs that look at
links in mails, as many mail servers do, use up nothing. Pages work without scripts, are in the reader's language and
say so (`lang`, `dir`).

Of a question: 200: it can be answered, or was answered so; 404: nobody of ours made the link; 409: it was answered
otherwise before; 410: its time is over; 413: too much was sent; 422: something is missing; 503: nothing was changed,
try again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.partner_answers import MAX_NOTE_CHARS, AnswerFieldRule
from gateway.domain.requests.patron_views import AnswerField, QuestionState, QuestionView
from gateway.domain.requests.signed_links import (
    CopyLink,
    InvalidLinkError,
    LinkFault,
    library_of_copy_link,
    link_id,
    verify_copy_link,
)
from gateway.domain.requests.views import NotFound, StoredFile
from gateway.domain.value import value_object
from gateway.services.letters.localization import language_fallbacks
from gateway.services.letters.renderer import ResolvedLanguage
from gateway.services.libraries.library_services import find_library
from gateway.services.request_work.questions import PatronQuestionService
from gateway.store import api_records
from gateway.store.api_access import COPY_LINKS, read_secret
from gateway.web.api.operation import ApiServices
from gateway.web.html.assets import FOLDER, file_headers
from gateway.web.html.visits import preferred_languages
from gateway.web.inbound import ReadTimeouts, read_body

COPY_PATH = "/d/{token}"

QUESTION_PATH = "/q/{token}"

MAX_FORM_BYTES = 16_000
MAX_FIELDS = 20

STYLE = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("tokens.css", "components.css"))
"""The look of all pages. It comes with the page: a link works whatever other pages the gateway has."""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}


@value_object
class FoundCopyLink:
    link: CopyLink
    id: str
    left: int


class CopyPages:
    def __init__(self, parts: ApiServices) -> None:
        self._parts = parts
        self._questions = parts.questions

    async def show_copy(self, request: web.Request) -> web.StreamResponse:
        try:
            copy_link = await self._find_copy_link(request)
            zone = find_library(self._parts.libraries, copy_link.link.library).context.zone
        except (InvalidLinkError, NotFound):
            return self._render_problem(request, 410, "copy-gone")
        except Unavailable:
            return self._render_problem(request, 503, "later")
        spoken = preferred_language(self._questions, request)
        words = spoken.words.pages
        until = spoken.words.format_moment(copy_link.link.expires, zone)
        left = words["copy-once" if copy_link.left == 1 else "copy-times"] % {"times": copy_link.left, "until": until}
        button = _render_button(words["copy-fetch"])
        button = f'<form method="post">{button}</form>'
        return render_frame(
            200, words["copy"], f"<p>{escape(left)}</p>{button}", spoken.language, spoken.words.direction
        )

    async def fetch_copy(self, request: web.Request) -> web.StreamResponse:
        """The file is looked for before the download is counted, so that a failure uses nothing up."""
        try:
            copy_link = await self._find_copy_link(request)
            file = await self._load_copy(copy_link.link)
            link, now = copy_link.link, self._parts.clock.now()
            taken = await self._parts.store.write(
                lambda c: api_records.count_download(c, link.library, copy_link.id, link.downloads, now)
            )
        except (InvalidLinkError, NotFound):
            return self._render_problem(request, 410, "copy-gone")
        except Unavailable:
            return self._render_problem(request, 503, "later")
        if not taken:
            return self._render_problem(request, 410, "copy-gone")
        headers = {**HEADERS, **file_headers(file.attachment.name), hdrs.CONTENT_TYPE: file.attachment.media_type}
        return web.Response(body=file.content, headers=headers)

    async def _load_copy(self, link: CopyLink) -> StoredFile:
        return await find_library(self._parts.libraries, link.library).requests.load_attachment(
            link.request_id, link.attachment_id
        )

    async def _find_copy_link(self, request: web.Request) -> FoundCopyLink:
        """Find a link; raises InvalidLinkError, Unavailable."""
        token = request.match_info["token"]
        library, id_ = library_of_copy_link(token), link_id(token)
        secret = await self._parts.store.read(lambda c: read_secret(c, library, COPY_LINKS))
        if secret is None:  # no link was ever made for such a library
            raise InvalidLinkError(LinkFault.FORGED)
        link = verify_copy_link(token, secret, self._parts.clock.now())
        count = await self._parts.store.read(lambda c: api_records.get_download_count(c, library, id_))
        if count >= link.downloads:
            raise InvalidLinkError(LinkFault.USED_UP)
        return FoundCopyLink(link, id_, link.downloads - count)

    def _render_problem(self, request: web.Request, status: int, word: str) -> web.Response:
        """One answer for all that is wrong with a link: it tells nothing to whoever tries."""
        spoken = preferred_language(self._questions, request)
        words = spoken.words.pages
        why = f"<p>{escape(words[f'{word}-why'])}</p>"
        return render_frame(status, words[word], why, spoken.language, spoken.words.direction)


class QuestionPages:
    def __init__(self, parts: ApiServices) -> None:
        self._questions = parts.questions

    async def show_question(self, request: web.Request) -> web.StreamResponse:
        try:
            view = await self._questions.question(request.match_info["token"])
        except InvalidLinkError:
            return self._render_problem(request, 404, "invalid")
        except Unavailable:
            return self._render_problem(request, 503, "later")
        return self._render_question(view)

    async def submit_answer(self, request: web.Request) -> web.StreamResponse:
        form = await _read_answer_form(request)
        if form is None:
            return self._render_problem(request, 413, "later")
        try:
            view = await self._questions.answer(request.match_info["token"], form)
        except InvalidLinkError:
            return self._render_problem(request, 404, "invalid")
        except (Unavailable, Refused):
            return self._render_problem(request, 503, "later")
        return self._render_question(view, sent=True)

    def _render_question(self, view: QuestionView, *, sent: bool = False) -> web.Response:
        words = _QuestionWords(self._questions.spoken(view.language, view.library), view)
        about = _render_rows(view.rows)
        match view.state:
            case QuestionState.OVER:
                return words.render_page(410, "over", _render_paragraph(words["over-why"]) + about)
            case QuestionState.ANSWERED if view.given != view.answer:
                return words.render_page(409 if sent else 200, "already", _render_given_answer(view, words) + about)
            case QuestionState.ANSWERED:
                return words.render_page(200, "answered", _render_given_answer(view, words) + about)
        status = 422 if sent else 200
        return words.render_page(
            status, "question", _render_quote(view.text) + about + _render_answer_form(view, words)
        )

    def _render_problem(self, request: web.Request, status: int, word: str) -> web.Response:
        spoken = preferred_language(self._questions, request)
        words = spoken.words.pages
        return render_frame(
            status, words[word], _render_paragraph(words[f"{word}-why"]), spoken.language, spoken.words.direction
        )


class _QuestionWords:
    """Words of the page for whoever is asked: those for partners end in -partner where they differ."""

    def __init__(self, spoken: ResolvedLanguage, view: QuestionView) -> None:
        self._spoken = spoken
        self._asked = view.asked

    def __getitem__(self, word: str) -> str:
        words = self._spoken.words.pages
        return words.get(f"{word}-{self._asked}") or words[word]

    def find_answer_text(self, word: str, answer: str) -> str:
        """Find what is said of this very answer; empty: nothing is."""
        return self._spoken.words.pages.get(f"{word}-{answer}", "")

    def render_page(self, status: int, title: str, body: str) -> web.Response:
        return render_frame(status, self[title], body, self._spoken.language, self._spoken.words.direction)


async def _read_answer_form(request: web.Request) -> Mapping[str, str] | None:
    """The first value of each field; None: too long, or broken off."""
    body = await read_body(request, MAX_FORM_BYTES, ReadTimeouts())
    if not body.whole or len(body.data) > MAX_FORM_BYTES:
        return None
    text = body.data.decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding="utf-8")
    except ValueError:
        return None
    return dict(reversed(pairs))


def _render_given_answer(view: QuestionView, words: _QuestionWords) -> str:
    if whole := words.find_answer_text("answered", view.given):
        return _render_paragraph(whole, ' role="status"')
    paragraph = _render_paragraph(f"{words['said']} {words[f'say-{view.given}']}", ' role="status"')
    return paragraph + _render_moment(words["said-at"], view.when) + _render_paragraph(words["said-why"])


def _render_answer_form(view: QuestionView, words: _QuestionWords) -> str:
    until = _render_moment(words["answer-by"], view.until) if view.until else ""
    check = _render_paragraph(words.find_answer_text("check", view.answer) or words["check"])
    fields = "".join(_render_field(field, words) for field in view.fields)
    button = _render_button(words[f"say-{view.answer}"])
    return f'{until}<form method="post" accept-charset="utf-8">{check}{fields}{button}</form>'


def _render_field(field: AnswerField, words: _QuestionWords) -> str:
    name, label = escape(field.name), escape(field.label)
    if not field.needed:
        label += f' <span class="optional">{escape(words["optional"])}</span>'
    needed = " required" if field.needed else ""
    wrong = f' aria-invalid="true" aria-describedby="{name}-wrong"' if field.fault else ""
    fault = f'<span class="wrong" id="{name}-wrong">{escape(field.fault)}</span>' if field.fault else ""
    head = f'<p class="field{" has-wrong" if field.fault else ""}"><label for="{name}">{label}</label>{fault}'
    same = f'id="{name}" name="{name}"{needed}{wrong}'
    if field.choices:
        return f"{head}<select {same}>{_render_options(field)}</select></p>"
    if field.name == AnswerFieldRule.NOTE:
        value = escape(field.value)
        return f'{head}<textarea {same} rows="4" dir="auto" maxlength="{MAX_NOTE_CHARS}">{value}</textarea></p>'
    return f'{head}<input type="date" {same} placeholder="2026-12-31" value="{escape(field.value)}"></p>'


def _render_button(text: str) -> str:
    return f'<div class="go"><button type="submit">{escape(text)}</button></div>'


def _render_options(field: AnswerField) -> str:
    """Render options; nothing is chosen at first."""
    choices = (("", "–"), *field.choices)
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == field.value else ""}>{escape(words)}</option>'
        for value, words in choices
    )


def _render_rows(rows: tuple[tuple[str, str], ...]) -> str:
    lines = "".join(f"<dt>{escape(label)}</dt><dd><bdi>{escape(value)}</bdi></dd>" for label, value in rows)
    return f'<section class="panel"><dl class="pairs">{lines}</dl></section>' if lines else ""


def _render_quote(text: str) -> str:
    """The question as it was written, its lines kept."""
    lines = "<br>".join(escape(line) for line in text.splitlines() if line.strip())
    return f'<blockquote class="quote" dir="auto">{lines}</blockquote>' if lines else ""


def _render_paragraph(text: str, attributes: str = "") -> str:
    return f"<p{attributes}>{escape(text)}</p>"


def _render_moment(before: str, moment: str) -> str:
    """A sentence whose day and time stay in one line."""
    return f'<p>{escape(before)} <span class="whole">{escape(moment)}.</span></p>'


def render_frame(status: int, title: str, body: str, language: str = "en", direction: str = "ltr") -> web.Response:
    """`body`: HTML, whatever it says escaped already; `title`: text."""
    text = (
        f'<!DOCTYPE html><html lang="{escape(language)}" dir="{escape(direction)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f'<body class="patron"><main id="main"><div class="wrap"><h1>{escape(title)}</h1>{body}</div></main></body>'
        "</html>\n"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def preferred_language(questions: PatronQuestionService, request: web.Request) -> ResolvedLanguage:
    """The first that there is, else the installation's own."""
    for code in preferred_languages(request):
        spoken = questions.spoken(code)
        if spoken.language in language_fallbacks(code):
            return spoken
    return questions.spoken("")
