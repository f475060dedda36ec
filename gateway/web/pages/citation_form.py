"""The blank form: something is cited by hand, or by a standard number that catalogues know."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.library import RecordId
from gateway.domain.problems import Unavailable
from gateway.domain.requests.citation import Citation, CitationType, parse_standard_number
from gateway.domain.requests.request import ServiceType
from gateway.services.letters.templates import clean_line
from gateway.web.html.citation_fields import TYPES, fill_citation_fields, read_citation
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.inbound import QueueFullError
from gateway.web.pages.page_request import PageRequest, is_empty_citation


async def show_citation_form(page: PageRequest) -> web.Response:
    """Blank, or with what a link cites, to be corrected."""
    query = page.query
    return _render_citation_form(
        page,
        FormCheck(
            page, SubmittedForm(), form_values_of(page.decode_link(query).citation) if query else _blank_values()
        ),
    )


def show_blank_form(page: PageRequest, unknown: tuple[str, ...]) -> web.Response:
    """Show the form for a link that cites nothing: `unknown` is what of it was not understood."""
    return _render_citation_form(page, FormCheck(page, SubmittedForm(), _blank_values()), unknown=unknown)


def translate_doubts(page: PageRequest, doubts: tuple[str, ...]) -> list[str]:
    """Translate what of a link was not understood into the reader's language; keys and values as they came."""
    return [clean_line(page.localization.translate_sentence(line)) for line in doubts]


async def submit_citation(page: PageRequest) -> web.Response:
    """Take a citation; nothing is changed by it, so it may come from a form on any page."""
    form = await page.read_any_form()
    checked = FormCheck(page, form)
    citation = read_citation(checked)
    if form["do"] == "look-up":
        return await _look_up_number(page, checked)
    if is_empty_citation(citation):
        checked.add_problem("title", "wrong-nothing-cited")
    if not checked.is_good:
        return _render_citation_form(page, checked)
    service = ServiceType.COPY if citation.is_part else ServiceType.LOAN
    return page.redirect(page.path("", page.encode_link(citation, service)))


async def _look_up_number(page: PageRequest, checked: FormCheck) -> web.Response:
    text = checked.read_line("number", 200)
    number = parse_standard_number(text)
    if number is None:
        checked.add_problem("number", "wrong-number" if text else "wrong-number-missing")
        return _render_citation_form(page, checked)
    try:
        catalogues = await _ask_catalogues(page, number)
    except (Unavailable, QueueFullError):
        checked.add_problem("number", "wrong-number-away")
        return _render_citation_form(page, checked)
    if catalogues is None:
        checked.values[number.type] = checked.values.get(number.type) or number.value
        checked.add_problem("number", "wrong-number-unknown")
        return _render_citation_form(page, checked)
    values = {name: value for name, value in form_values_of(catalogues).items() if value}
    kept = {name: value for name, value in checked.values.items() if name not in values}
    checked.values = {**kept, **values, "number": text, number.type: values.get(number.type) or number.value}
    checked.problems.clear()
    return _render_citation_form(page, checked, cited=catalogues.component_title or catalogues.title or text)


async def _ask_catalogues(page: PageRequest, number: RecordId) -> Citation | None:
    """Ask the catalogues; raises Unavailable, QueueFullError."""
    gate = page.parts.look_ups
    await gate.enter()
    try:
        return await page.offering.look_up_citation(number)
    finally:
        gate.leave()


def _blank_values() -> dict[str, str]:
    return form_values_of(Citation(type=CitationType.BOOK))


def form_values_of(citation: Citation) -> dict[str, str]:
    return {**fill_citation_fields(citation), "number": ""}


def _render_citation_form(
    page: PageRequest, checked: FormCheck, cited: str = "", unknown: tuple[str, ...] | None = None
) -> web.Response:
    return page.render(
        "citation",
        address=page.path("citation"),
        title=page.gettext("What are you looking for?"),
        status=checked.status,
        form=checked,
        types=[(type_.value, page.words.types.get(type_.value, type_.value)) for type_ in TYPES],
        found=clean_line(cited),
        unknown=translate_doubts(page, unknown) if unknown is not None else None,
    )
