"""`illgate search TARGET|GROUP QUERY`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import click

from gateway.cli.formatting import format_table, print_lines
from gateway.cli.installation import (
    Installation,
    library_option,
    pass_installation,
    require_library,
    staff_option,
)
from gateway.cli.managed_requests import run_on_library
from gateway.cli.request_commands import print_created_request
from gateway.cli.request_options import build_model
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.problems import Unavailable
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.request import Request, ServiceType
from gateway.domain.requests.views import NotFound
from gateway.domain.value import replace
from gateway.ports.catalogue import CatalogueQuery, HeldItem
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.services.libraries.library_services import LibraryServices
from gateway.services.searching import search
from gateway.services.searching.search import SearchableTarget, SearchOutcome, SearchResult, TargetAnswer
from gateway.web.api.models.catalogues import SearchOut, TargetOut
from gateway.web.api.models.inputs import NewBorrowing
from gateway.web.api.models.values import CitationOut

MAX_TITLE_CHARS = 60
_BESIDE_INDEX = re.compile(r"([A-Za-z]+):(?!.*\b[A-Za-z]+:\S)([^\"]*\s[^\"]*)", re.DOTALL)


@click.command(name="search")
@click.argument("target", metavar="[TARGET|GROUP]", default="")
@click.argument("query", nargs=-1)
@click.option("--native", is_flag=True, help="QUERY is a native query: PQF for Z39.50, CQL for SRU.")
@click.option("--records", type=click.IntRange(1, 100), default=None, help="Maximum number of results per target.")
@click.option("--holdings", is_flag=True, help="Also show holdings.")
@click.option(
    "--request",
    "chosen",
    type=click.IntRange(1),
    default=None,
    metavar="N",
    help="Create a borrowing request for result N.",
)
@click.option("--patron", default="", metavar="BARCODE", help="Patron. Default: the library itself.")
@click.option("--pickup", default="", metavar="CODE", help="Pickup location.")
@click.option(
    "--service",
    type=click.Choice([service.value for service in ServiceType]),
    default=ServiceType.LOAN.value,
    show_default=True,
    help="Note of the request.",
)
@click.option("--list", "listing", is_flag=True, help="List searchable catalogues and groups.")
@staff_option
@library_option
@json_option
@pass_installation
def search_command(installation: Installation, /, target: str, query: tuple[str, ...], **options: Any) -> None:
    """Search the catalogues of other libraries. TARGET is a profile with a catalogue; GROUP is a group in
    requests.yml.

    All words must match: plain words in any field, prefixed words in that field (title, author, isbn, issn, oclc,
    lccn, subject, publisher, year, standard, local). Use quotation marks for a phrase and an asterisk for truncation
    (tolst*). Results found in several catalogues are shown once. Catalogues that do not answer are named.

    \b
    Examples:
      illgate search --list
      illgate search neighbours 'title:"der Zauberberg" author:mann'
      illgate search union isbn:978-3-10-348128-0 --holdings
      illgate search union --native '@attr 1=4 кобзарь'
      illgate search neighbours кобзарь шевченко --request 1 --patron 21000000000017
    """
    library = require_library(installation, options["symbol"])
    if options["listing"]:
        _print_targets(run_on_library(installation, library, _list_targets), options["as_json"])
        return
    if not target or not query:
        raise click.UsageError("TARGET or GROUP and QUERY, or --list, are required")
    if options["chosen"] is None and (options["patron"] or options["pickup"]):
        raise click.UsageError("--patron and --pickup require --request N")
    if options["pickup"] and not options["patron"]:
        raise click.UsageError("--pickup requires --patron")

    async def search_and_request(services: LibraryServices) -> tuple[SearchOutcome, Request | None]:
        search_words = _parse_search_words(query, native=options["native"])
        try:
            outcome = await services.search.search(target, search_words, options["records"] or 0)
        except NotFound as error:
            near = nearest_match(target, (catalogue.name for catalogue in services.search.targets()))
            hint = f"; did you mean '{near}'?" if near else "; `illgate search --list` shows them"
            raise click.UsageError(f"{error.what} not found: {target}{hint}") from error
        if options["chosen"] is None:
            return outcome, None
        draft = _build_borrowing_draft(outcome.results, options)
        return outcome, await services.requests.create_borrowing(draft)

    outcome, request = run_on_library(installation, library, search_and_request)
    if request is not None:
        print_created_request(request, options["as_json"])
    elif options["as_json"]:
        print_json(SearchOut.from_outcome(outcome))
    else:
        print_lines(_format_search_results(outcome, holdings=options["holdings"]))
    _report_catalogue_problems(outcome.answers)


async def _list_targets(services: LibraryServices) -> tuple[SearchableTarget, ...]:
    return services.search.targets()


def _print_targets(targets: Sequence[SearchableTarget], as_json: bool) -> None:
    if as_json:
        print_json_lines(TargetOut.model_validate(target) for target in targets)
    elif not targets:
        click.echo("no profile has a catalogue: see docs/catalogues.md")
    else:
        rows = [(item.name, item.by or "group", ", ".join(item.members) or item.description) for item in targets]
        print_lines(format_table([("NAME", "BY", "WHAT"), *rows]))


# --- what is asked -------------------------------------------------------------------------------------------


def _parse_search_words(words: tuple[str, ...], *, native: bool) -> CatalogueQuery:
    """Parse words; raises Refused."""
    return search.native_query(" ".join(words)) if native else search.parse_query(" ".join(map(_restore_quotes, words)))


def _restore_quotes(word: str) -> str:
    """The shell takes quotes away: `title:"der Zauberberg"` comes as one word with a blank in it."""
    match = _BESIDE_INDEX.fullmatch(word)
    return f'{match[1]}:"{match[2]}"' if match is not None else word


def _build_borrowing_draft(results: tuple[SearchResult, ...], options: dict[str, Any]) -> BorrowingDraft:
    """Build a draft; raises click.UsageError."""
    number = options["chosen"]
    if number > len(results):
        raise click.UsageError(f"--request {number}: {len(results)} results found")
    body = build_model(
        NewBorrowing,
        {
            "citation": CitationOut.model_validate(results[number - 1].citation).model_dump(mode="json"),
            "service": {"type": options["service"]},
            "patron": {"identifier": options["patron"], "pickup": options["pickup"]} if options["patron"] else None,
        },
    )
    return replace(body.to_draft(options["actor"]), source="staff")


# --- what is shown -------------------------------------------------------------------------------------------


def _format_search_results(outcome: SearchOutcome, *, holdings: bool) -> Iterator[str]:
    """Format results; who gave no answer has not said that there is nothing."""
    if not outcome.results:
        answered = [answer.target for answer in outcome.answers if not answer.problem]
        if len(answered) == len(outcome.answers):
            yield "nothing was found"
        elif answered:
            yield f"nothing was found by {', '.join(answered)}"
        return
    rows = [_format_result_row(number, result) for number, result in enumerate(outcome.results, 1)]
    heading, *lines = format_table([("NO", "TITLE", "AUTHOR", "YEAR", "NUMBER", "WHERE"), *rows])
    yield heading
    for line, search_result in zip(lines, outcome.results, strict=True):
        yield line
        yield from _format_holdings(search_result) if holdings else ()


def _format_result_row(number: int, result: SearchResult) -> tuple[str, ...]:
    citation = result.citation
    title = ": ".join(filter(None, (citation.title, citation.subtitle)))
    return (
        str(number),
        _truncate_text(" ".join(filter(None, (title, citation.volume and f"({citation.volume})")))),
        _truncate_text(citation.author),
        citation.published,
        next((f"{number.type}:{number.value}" for number in citation.identifiers), ""),
        ", ".join(holder.target for holder in result.holders),
    )


def _format_holdings(result: SearchResult) -> Iterator[str]:
    for holder in result.holders:
        if holder.holdings is None:
            yield f"      {holder.target}: says nothing of holdings"
        for item in holder.holdings or ():
            yield f"      {holder.target}: {_format_held_item(item)}"


def _format_held_item(item: HeldItem) -> str:
    due = f"due {item.due.isoformat()}" if item.due is not None else ""
    free = {True: "available", False: "not available", None: ""}[item.available]
    words = (item.location, item.sublocation, item.call_number, item.volumes, item.policy, item.status, free, due)
    return ", ".join(filter(None, words)) or "a copy"


def _truncate_text(text: str) -> str:
    return text if len(text) <= MAX_TITLE_CHARS else f"{text[: MAX_TITLE_CHARS - 1]}…"


def _report_catalogue_problems(answers: tuple[TargetAnswer, ...]) -> None:
    """Report who gave no answer. Raises Unavailable when nobody did."""
    silent = [answer for answer in answers if answer.problem]
    for answer in silent:
        click.echo(f"{answer.target}: {answer.problem}", err=True)
    for target_answer in answers:
        if target_answer.total > target_answer.shown and not target_answer.problem:
            click.echo(f"{target_answer.target}: {target_answer.shown} of {target_answer.total} hits", err=True)
        for note in target_answer.notes:
            click.echo(f"{target_answer.target}: {note}", err=True)
    if silent and len(silent) == len(answers):
        raise Unavailable("none of the catalogues answered")
