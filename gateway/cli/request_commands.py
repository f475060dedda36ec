"""`illgate request create` and `lend-to`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from gateway.cli.installation import (
    Installation,
    library_option,
    pass_installation,
    require_library,
    staff_option,
)
from gateway.cli.managed_requests import run_on_library
from gateway.cli.request_options import (
    add_citation_options,
    build_citation,
    build_model,
    parse_field_value,
    split_words,
)
from gateway.domain.requests.action_fields import ActionField, FieldType
from gateway.domain.requests.request import LibraryParty, Request, ServiceType
from gateway.domain.value import replace
from gateway.ports.command_output import json_option, print_json
from gateway.services.libraries.library_services import LibraryServices
from gateway.settings import LibrarySettings
from gateway.web.api.models.inputs import NewBorrowing, NewLending
from gateway.web.api.models.outputs import RequestOut

F = TypeVar("F", bound=Callable[..., Any])

_COMMON = (
    click.option(
        "--service",
        type=click.Choice([service.value for service in ServiceType]),
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


def _build_common_fields(values: dict[str, Any], library: LibrarySettings) -> dict[str, Any]:
    """Build what both kinds of requests have, as the API's JSON. Raises click.BadParameter."""
    need_by, maximum_cost = ActionField("need_by", FieldType.DAY, ""), ActionField("max_cost", FieldType.MONEY, "")
    return {
        "citation": build_citation(values),
        "service": {"type": values["service"]},
        "dates": {"need_by": parse_field_value(need_by, values["need_by"], library) if values["need_by"] else None},
        "maximum_cost": parse_field_value(maximum_cost, values["max_cost"], library) if values["max_cost"] else None,
        "note": values["note"],
        "external": list(values["external"]),
        "volumes": split_words(values["volumes"]),
    }


def _build_reader(values: dict[str, Any]) -> dict[str, str] | None:
    """Another library's patron, as the API's JSON. Raises click.UsageError."""
    if not values["reader"]:
        return None
    surname, _, given = values["reader_name"].partition(",")
    if not surname.strip():
        raise click.UsageError("--reader needs --reader-name 'SURNAME, GIVEN'")
    email = values["reader_email"]
    return {"identifier": values["reader"], "surname": surname.strip(), "given": given.strip(), "email": email}


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
def create_request(installation: Installation, /, **values: Any) -> None:
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
    library = require_library(installation, values["symbol"])
    patron = {"identifier": values["patron"], "pickup": values["pickup"]} if values["patron"] else None
    if values["pickup"] and patron is None:
        raise click.UsageError("--pickup requires --patron")
    body = build_model(
        NewBorrowing,
        {
            **_build_common_fields(values, library),
            "patron": patron,
            "mediated": values["mediated"],
            **{name: values[name] for name in ("partner", "rota", "branch")},
        },
    )
    draft = replace(body.to_draft(values["actor"]), source="staff", override=values["override"])
    print_created_request(
        run_on_library(installation, library, lambda services: services.requests.create_borrowing(draft)),
        values["as_json"],
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
def lend_to_partner(installation: Installation, /, partner: str, **values: Any) -> None:
    """Create a lending request. Use this if a library asked by phone, letter or email. PARTNER is its profile or
    symbol.

    \b
    Example:
      illgate request lend-to seeberg --title 'Der Zauberberg' --isbn 9783103481280 --transaction 2026/118
    """
    library = require_library(installation, values["symbol"])
    body = build_model(
        NewLending,
        {
            **_build_common_fields(values, library),
            "requester": {"symbol": partner},
            "transaction": values["transaction"],
            "patron": _build_reader(values),
        },
    )
    draft = replace(body.to_lending_draft(values["actor"]), source="staff")

    async def create_lending_request(services: LibraryServices) -> Request:
        is_profile = services.requests.context.partner(partner) is not None
        requester = LibraryParty(profile=partner) if is_profile else LibraryParty(symbol=partner)
        return await services.requests.create_lending(replace(draft, requester=requester))

    print_created_request(run_on_library(installation, library, create_lending_request), values["as_json"])


def print_created_request(request: Request, as_json: bool) -> None:
    if as_json:
        print_json(RequestOut.from_request(request))
        return
    click.echo(f"{request.number}: {request.state.value}  {request.citation.short}")
    for warning in request.warnings:
        click.echo(f"  warning: {warning}")
