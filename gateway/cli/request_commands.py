"""`illgate request create` and `lend-to`; `assign` and `label`, which staff mark requests with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from gateway.cli.installation import (
    Installation,
    json_option,
    library_option,
    pass_installation,
    print_json,
    require_library,
    staff_option,
)
from gateway.cli.managed_requests import run_on_requests
from gateway.cli.request_options import (
    ValueContext,
    add_citation_options,
    build_citation,
    build_model,
    errors_named_after,
    parse_field_value,
    parse_money,
    split_words,
)
from gateway.domain.library import Money
from gateway.domain.requests.action_fields import FieldType
from gateway.domain.requests.request import LibraryParty, Request, ServiceType
from gateway.runtime.managed_requests import ManagedRequests
from gateway.settings import LibrarySettings
from gateway.web.api.models.inputs import NewBorrowing, NewLending
from gateway.web.api.models.outputs import RequestOut

F = TypeVar("F", bound=Callable[..., Any])

_COMMON = (
    click.option(
        "--service",
        type=click.Choice([one.value for one in ServiceType]),
        default=ServiceType.LOAN.value,
        show_default=True,
    ),
    click.option("--need-by", default="", metavar="DAY", help="Needed-by date."),
    click.option("--max-cost", default="", metavar="'AMOUNT CUR'", help="Maximum cost, such as '20 EUR'."),
    click.option("--note", default="", metavar="TEXT", help="Note for staff."),
    click.option("--external", multiple=True, metavar="NUMBER", help="Number of the request in another system."),
    click.option(
        "--volumes",
        multiple=True,
        metavar="LABEL[,LABEL]",
        help="Labels of several volumes, such as 'Vol. 1, Vol. 2'. Default: one item.",
    ),
    staff_option,
    library_option,
    json_option,
)


def _add_common_options(function: F) -> F:
    for option in reversed(_COMMON):
        function = option(function)
    return function


def _build_common_fields(said: dict[str, Any], library: LibrarySettings) -> dict[str, Any]:
    """What both kinds of requests have, as the API's JSON. Raises click.BadParameter."""
    need_by = (
        parse_field_value(FieldType.DAY, said["need_by"], _make_value_context(library), "need_by")
        if said["need_by"]
        else None
    )
    return {
        "citation": build_citation(said),
        "service": {"type": said["service"]},
        "dates": {"need_by": need_by},
        "note": said["note"],
        "external": list(said["external"]),
        "volumes": split_words(said["volumes"], _make_value_context(library)),
    }


def _build_reader(said: dict[str, Any]) -> dict[str, str] | None:
    """Another library's patron, as the API's JSON. Raises click.UsageError."""
    if not said["reader"]:
        return None
    surname, _, given = said["reader_name"].partition(",")
    if not surname.strip():
        raise click.UsageError("--reader needs --reader-name 'SURNAME, GIVEN'")
    email = said["reader_email"]
    return {"identifier": said["reader"], "surname": surname.strip(), "given": given.strip(), "email": email}


def _make_value_context(library: LibrarySettings) -> ValueContext:
    return ValueContext(library.zone, library.currency)


def _parse_maximum_cost(said: dict[str, Any], library: LibrarySettings) -> Money | None:
    """Raises click.BadParameter."""
    with errors_named_after("--max-cost"):
        return parse_money(said["max_cost"], _make_value_context(library)) if said["max_cost"] else None


@click.command(name="create")
@click.option("--patron", default="", metavar="BARCODE", help="Patron. Default: the library itself.")
@add_citation_options
@click.option("--pickup", default="", metavar="CODE", help="Pickup location.")
@click.option("--rota", default="", metavar="NAME", help="Rota to use. Default: chosen by rule.")
@click.option("--partner", default="", metavar="PROFILE", help="Supplier to ask before the rota.")
@click.option("--branch", default="", metavar="CODE", help="Branch. Default: the patron's branch.")
@click.option("--review/--no-review", "mediated", default=None, help="Require or skip staff review. Default: by rule.")
@click.option("--override", is_flag=True, help="Ignore limits, blocks, duplicates and local holdings.")
@_add_common_options
@pass_installation
def create_request(installation: Installation, /, **said: Any) -> None:
    """Create a borrowing request. It is checked against the rules in requests.yml. With --override, failed checks
    become a warning on the request.

    \b
    Examples:
      illgate request create --patron 21000000000017 --title 'Кобзарь' --author 'Шевченко, Тарас' --type book
      illgate request create --patron 21000000000017 --isbn 9783161484100 --max-cost '20 EUR' --partner seeberg
      illgate request create --patron 21000000000017 --title 'Der Mann ohne Eigenschaften' --volumes 'Bd. 1, Bd. 2'
      illgate request create --patron 21000000000017 --service copy --type article --issn 0028-0836 --volume 171 \\
          --pages 737-738 --title Nature --part-title 'Molecular structure of nucleic acids'
    """
    library = require_library(installation, said["symbol"])
    patron = {"identifier": said["patron"], "pickup": said["pickup"]} if said["patron"] else None
    if said["pickup"] and patron is None:
        raise click.UsageError("--pickup requires --patron")
    body = build_model(
        NewBorrowing,
        {
            **_build_common_fields(said, library),
            "patron": patron,
            "mediated": said["mediated"],
            **{name: said[name] for name in ("partner", "rota", "branch")},
        },
    )
    maximum = _parse_maximum_cost(said, library)
    draft = replace(body.to_draft(said["actor"]), source="staff", override=said["override"], maximum_cost=maximum)
    print_created_request(
        run_on_requests(installation, lambda managed: managed.requests.create_borrowing(library.symbol, draft)),
        said["as_json"],
    )


@click.command(name="lend-to")
@click.argument("partner", metavar="PARTNER")
@add_citation_options
@click.option(
    "--transaction", default="", metavar="NUMBER", help="Number of the requesting library. Default: our number."
)
@click.option(
    "--reader",
    default="",
    metavar="ID",
    help="ID of the requesting library's patron, if the loan is made directly to the patron.",
)
@click.option("--reader-name", default="", metavar="'SURNAME, GIVEN'", help="Name of that patron.")
@click.option("--reader-email", default="", metavar="ADDRESS", help="Email address for notices to that patron.")
@_add_common_options
@pass_installation
def lend_to_partner(installation: Installation, /, partner: str, **said: Any) -> None:
    """Create a lending request. Use this if a library asked by phone, letter or email. PARTNER is its profile or
    symbol.

    \b
    Example:
      illgate request lend-to seeberg --title 'Der Zauberberg' --isbn 9783103481280 --transaction 2026/118
    """
    library = require_library(installation, said["symbol"])
    body = build_model(
        NewLending,
        {
            **_build_common_fields(said, library),
            "requester": {"symbol": partner},
            "transaction": said["transaction"],
            "patron": _build_reader(said),
        },
    )
    draft = replace(
        body.to_lending_draft(said["actor"]), source="staff", maximum_cost=_parse_maximum_cost(said, library)
    )

    async def create_lending_request(managed: ManagedRequests) -> Request:
        is_profile = managed.requests.library_context(library.symbol).partner(partner) is not None
        requester = LibraryParty(profile=partner) if is_profile else LibraryParty(symbol=partner)
        return await managed.requests.create_lending(library.symbol, replace(draft, requester=requester))

    print_created_request(run_on_requests(installation, create_lending_request), said["as_json"])


def print_created_request(request: Request, as_json: bool) -> None:
    if as_json:
        print_json(RequestOut.from_request(request))
        return
    click.echo(f"{request.number}: {request.state.value}  {request.citation.short}")
    for warning in request.warnings:
        click.echo(f"  warning: {warning}")


@click.command(name="assign")
@click.argument("number", metavar="NUMBER")
@click.argument("name", metavar="NAME", default="")
@library_option
@pass_installation
def assign_request(installation: Installation, number: str, name: str, symbol: str) -> None:
    """Assign a request to a user. Without NAME, the assignment is removed."""
    library = require_library(installation, symbol)

    async def save_assignee(managed: ManagedRequests) -> Request:
        found = await managed.requests.find_request(library.symbol, number)
        return await managed.marks.assign(library.symbol, found.id, name)

    marked = run_on_requests(installation, save_assignee)
    click.echo(f"{marked.number}: {marked.assignee or 'not assigned'}")


@click.command(name="label")
@click.argument("number", metavar="NUMBER")
@click.argument("labels", metavar="LABEL", nargs=-1)
@click.option("--remove", multiple=True, metavar="LABEL", help="Remove this label.")
@library_option
@pass_installation
def label_request(
    installation: Installation, number: str, labels: tuple[str, ...], remove: tuple[str, ...], symbol: str
) -> None:
    """Add labels to a request. Without LABEL, show its labels."""
    library = require_library(installation, symbol)

    async def save_labels(managed: ManagedRequests) -> Request:
        found = await managed.requests.find_request(library.symbol, number)
        return await managed.marks.change_labels(library.symbol, found.id, labels, remove)

    marked = run_on_requests(installation, save_labels)
    click.echo(f"{marked.number}: {', '.join(marked.labels) or 'no labels'}")


COMMANDS = (create_request, lend_to_partner, assign_request, label_request)
