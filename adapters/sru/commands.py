"""`illgate sru`: what a server says of itself. What is only needed when it runs is imported then, so that help comes
at once."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click
from pydantic import ValidationError

from adapters.sru.client import SruSearch
from adapters.sru.codec import ServerExplanation
from adapters.sru.dialect import SECTION, SruDialect
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.adapter import SearchContext
from gateway.ports.command_output import json_option, print_json
from gateway.ports.outgoing_addresses import AllowedAddresses

UNREACHABLE = 4
REFUSED = 1


@click.group(name="sru")
def command() -> None:
    """Query SRU servers."""


@command.command(name="explain")
@click.argument("url", metavar="URL")
@click.option("--version", type=click.Choice(["1.1", "1.2", "2.0"]), default="1.2", show_default=True)
@json_option
def explain_command(url: str, version: str, as_json: bool) -> None:
    """Show the indexes and record schemas of the SRU server at URL. The names are those used in the section `sru` of a
    profile.

    \b
    illgate sru explain https://catalogue.example/sru
    """

    async def ask_server(target: Profile) -> ServerExplanation:
        client = SruSearch(SearchContext(lambda reference: "", AllowedAddresses()))
        try:
            return await client.explain_server(target)
        finally:
            await client.close()

    try:
        dialect = SruDialect.model_validate({"url": url, "version": version})
    except ValidationError as error:
        raise click.UsageError(f"{url}: {error.errors()[0]['msg']}") from error
    try:
        server = asyncio.run(ask_server(Profile(name="explain", dialects={SECTION: dialect})))
    except (Refused, Unavailable) as error:
        click.echo(f"illgate: {error.detail if isinstance(error, Refused) else error}", err=True)
        raise SystemExit(REFUSED if isinstance(error, Refused) else UNREACHABLE) from error
    if as_json:
        print_json({**asdict(server), "schemas": dict(server.schemas)})
        return
    click.echo(" ".join(filter(None, (server.title, f"(database {server.database})" if server.database else ""))))
    click.echo("indexes:")
    for index in server.indexes:
        click.echo(f"  {', '.join(index.names):<40} {index.title}".rstrip())
    click.echo("schemas:")
    for name, identifier in server.schemas:
        click.echo(f"  {name:<40} {identifier}".rstrip())
