"""`illgate partner` and `illgate rota`.

The daemon keeps in memory what members of the network report, so these ask anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from gateway.cli.formatting import format_table, print_lines
from gateway.cli.installation import (
    Installation,
    format_price,
    library_option,
    pass_installation,
    require_library,
)
from gateway.cli.managed_requests import read_from_library, run_on_library
from gateway.domain.requests.policy import OnlyOwning
from gateway.domain.requests.rota import RotaExplanation, SupplierVerdict
from gateway.domain.requests.staff_views import PartnerView, RotaView
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.profiles.library_resources import iter_named_resources
from gateway.runtime.added_libraries import write_new_key
from gateway.services.libraries.library_services import LibraryServices
from gateway.web.api.models.catalogues import ExplanationOut
from gateway.web.api.models.staff import PartnerOut, RotaOut


@click.group(name="partner")
def partner_command() -> None:
    """Show partners with their load, speed and closing days."""


@partner_command.command(name="list")
@library_option
@json_option
@pass_installation
def list_partners(installation: Installation, symbol: str, as_json: bool) -> None:
    """List all partners (profiles with a section `partner`)."""
    library = require_library(installation, symbol)

    async def load_partners(services: LibraryServices) -> Sequence[PartnerView]:
        await services.network.ask_all_members(services.context)
        return await services.partners.partners()

    partners = run_on_library(installation, library, load_partners)
    if as_json:
        print_json_lines(PartnerOut.model_validate(partner) for partner in partners)
        return
    if not partners:
        click.echo("no partners: no profile has a section `partner`")
        return
    heading = ("PROFILE", "SYMBOL", "CHANNEL", "ASKED", "BY OTHERS", "ASKS US", "DAYS", "COSTS", "", "NAME")
    print_lines(format_table([heading, *map(_format_partner_row, partners)]))


def _format_partner_row(partner: PartnerView) -> tuple[str, ...]:
    return (
        partner.profile,
        partner.symbols[0] if partner.symbols else "",
        partner.channel or "-",
        str(partner.open_borrowing),
        str(partner.reported) if partner.reported else "",
        str(partner.open_lending),
        _format_mean_days(partner),
        format_price(partner.cost),
        "closed" if partner.closed_now else "",
        partner.name,
    )


def _format_mean_days(partner: PartnerView) -> str:
    return f"{partner.mean_days:.1f}" if partner.mean_days is not None else ""


def _describe_membership(view: PartnerView) -> str:
    if not view.member:
        return ""
    heard = f"member, it reported at {view.heard:%Y-%m-%d %H:%M} UTC" if view.heard else "member, it has not reported"
    return f"{heard}: {view.silent}" if view.silent else heard


@partner_command.command(name="secret")
@click.option("--missing", is_flag=True, required=True, help="Create the keys that have no file yet.")
@click.option("--dry-run", is_flag=True, help="List the files without writing them.")
@pass_installation
def make_missing_secrets(installation: Installation, missing: bool, dry_run: bool) -> None:
    """Create random keys with which partners sign in.

    They go to the files that `auth` of a partner names (file:PATH). Existing files are kept. Send each partner the
    content of its file in a secure way. Keys in the environment, and keys that a partner has given to you, are not
    created; `illgate check` lists them.

    \b
    Example:
      illgate partner secret --missing
    """
    folder = installation.settings.folder
    rows: list[tuple[str, ...]] = [("PARTNER", "LIBRARY", "FILE")]
    for partner, library, name in _find_missing_keys(installation):
        if not dry_run and not (folder / name).exists():
            write_new_key(folder / name, installation.config)
        rows.append((partner, library, name))
    if len(rows) == 1:
        click.echo("no key is missing")
        return
    print_lines(format_table(rows))


def _find_missing_keys(installation: Installation) -> Sequence[tuple[str, str, str]]:
    """Find partner, library, and the file's name in the folder of gateway.yml; files elsewhere are not ours to make."""
    folder = installation.settings.folder
    found = []
    for name, entry in installation.profiles.profiles.loaded.items():
        for version in entry.versions:
            for resource in iter_named_resources(version.profile):
                kind, _, file = resource.reference.partition(":")
                if resource.path[0] != "auth" or kind != "file" or (folder / file).exists():
                    continue
                if (folder / file).resolve().is_relative_to(folder.resolve()):
                    found.append((name, version.profile.library, file))
    return found


@partner_command.command(name="show")
@click.argument("name", metavar="PROFILE")
@library_option
@json_option
@pass_installation
def show_partner(installation: Installation, name: str, symbol: str, as_json: bool) -> None:
    """Show one partner. For its messages and workflow, see `illgate profile show PROFILE`."""
    library = require_library(installation, symbol)

    async def load_partner(services: LibraryServices) -> PartnerView:
        await services.network.ask_all_members(services.context)
        return await services.partners.partner(name)

    partner = run_on_library(installation, library, load_partner)
    if as_json:
        print_json(PartnerOut.model_validate(partner))
        return
    click.echo(f"{partner.profile}  {partner.name}".rstrip())
    facts = {
        "symbols": ", ".join(partner.symbols),
        "roles": ", ".join(partner.roles),
        "channel": partner.channel or "none: it can't be asked",
        "e-mail": partner.email,
        "telephone": partner.phone,
        "today": "closed" if partner.closed_now else "open",
        "asked of it": f"{partner.open_borrowing} open",
        "by others": f"{partner.reported} open, {partner.reported_by} members say" if partner.reported else "",
        "asked by it": f"{partner.open_lending} open",
        "days to supply": _format_mean_days(partner) or "not known yet",
        "network": _describe_membership(partner),
        "costs": format_price(partner.cost) or "nothing",
    }
    for fact, text in facts.items():
        if text:
            click.echo(f"  {fact + ':':<17}{text}")


@click.group(name="rota")
def rota_command() -> None:
    """Show the rotas in requests.yml: the suppliers and their order."""


@rota_command.command(name="list")
@library_option
@json_option
@pass_installation
def list_rotas(installation: Installation, symbol: str, as_json: bool) -> None:
    """List all rotas."""
    library = require_library(installation, symbol)
    rotas = read_from_library(installation, library, lambda services: services.partners.rotas())
    if as_json:
        print_json_lines(RotaOut.model_validate(rota) for rota in rotas)
        return
    if not rotas:
        click.echo("no rotas in requests.yml; suppliers are chosen manually")
        return
    heading = ("NAME", "ORDER", "SUPPLIERS", "DESCRIPTION")
    rows = [
        (rota.name, _describe_rota_order(rota), ", ".join(line.partner for line in rota.lines), rota.description)
        for rota in rotas
    ]
    print_lines(format_table([heading, *rows]))


def _describe_rota_order(rota: RotaView) -> str:
    return "as listed" if rota.ordered else "ranked"


@rota_command.command(name="show")
@click.argument("name")
@library_option
@json_option
@pass_installation
def show_rota(installation: Installation, name: str, symbol: str, as_json: bool) -> None:
    """Show one rota."""
    library = require_library(installation, symbol)
    rota = read_from_library(installation, library, lambda services: services.partners.rota(name))
    if as_json:
        print_json(RotaOut.model_validate(rota))
        return
    click.echo(f"{rota.name} ({_describe_rota_order(rota)})  {rota.description}".rstrip())
    for line in rota.lines:
        click.echo(f"  {line.partner}{'  (last resort)' if line.last_resort else ''}")


# --- explain -------------------------------------------------------------------------------------------------

_SAYS = {
    SupplierVerdict.NEXT: "would be asked next",
    SupplierVerdict.AFTER: "after that",
    SupplierVerdict.PASSED_OVER: "not now",
    SupplierVerdict.NOT_OWNING: "does not own it",
    SupplierVerdict.NOT_LENDING: "does not lend it",
    SupplierVerdict.UNREACHABLE: "its catalogue is down",
    SupplierVerdict.ASKED: "was asked",
    SupplierVerdict.SKIPPED: "skipped",
}
_OWNING = {
    OnlyOwning.YES: "only who is known to own it is asked",
    OnlyOwning.UNKNOWN_TOO: "who is known not to own it isn't asked",
    OnlyOwning.NO: "nobody is looked up",
}


@rota_command.command(name="explain")
@click.argument("number", metavar="NUMBER")
@library_option
@json_option
@pass_installation
def explain_request_rota(installation: Installation, number: str, symbol: str, as_json: bool) -> None:
    """Explain the position of each supplier of a borrowing request.

    This runs the supplier selection with the current loads, speeds, closing days and holdings, without changing
    anything. Members of the network are asked for their loads.

    \b
    Example:
      illgate rota explain B2026-00017
    """
    library = require_library(installation, symbol)

    async def load_rota_explanation(services: LibraryServices) -> RotaExplanation:
        request = await services.requests.find_request(number)
        await services.network.ask_all_members(services.context)
        return await services.partners.explain(request.id)

    explanation = run_on_library(installation, library, load_rota_explanation)
    if as_json:
        print_json(ExplanationOut.from_explanation(explanation))
        return
    print_lines(_format_rota_explanation(explanation))


def _format_rota_explanation(explanation: RotaExplanation) -> Iterator[str]:
    if not explanation.lines:
        yield "nobody: the request has no rota, and no rule gives it one"
        return
    if explanation.rota:
        how = "ranked" if explanation.ranked else "as listed"
        given = ", as the rules would give it" if explanation.by_rule else ""
        yield f"rota {explanation.rota} ({how}{given}); {_OWNING[explanation.only_owning]}"
    else:
        yield "no rota; suppliers chosen manually"
    heading = ("PARTNER", "NOW", "CATALOGUE", "WHY")
    yield from format_table(
        [heading, *((line.partner, _SAYS[line.verdict], line.holdings, line.why) for line in explanation.lines)]
    )
