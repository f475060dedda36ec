"""`illgate request assign|label`: what staff mark requests with for themselves."""

from __future__ import annotations

import click

from gateway.cli.installation import Installation, library_option, pass_installation, require_library, run_on_requests
from gateway.domain.requests.request import Request
from gateway.runtime.managed_requests import ManagedRequests


@click.command(name="assign")
@click.argument("number", metavar="NUMBER")
@click.argument("name", metavar="NAME", default="")
@library_option
@pass_installation
def assign_request(installation: Installation, number: str, name: str, symbol: str) -> None:
    """Say who of the staff sees to a request; without NAME: nobody in particular."""
    library = require_library(installation, symbol)

    async def save_assignee(managed: ManagedRequests) -> Request:
        found = await managed.requests.find_request(library.symbol, number)
        return await managed.marks.assign(library.symbol, found.id, name)

    marked = run_on_requests(installation, save_assignee)
    click.echo(f"{marked.number}: {marked.assignee or 'nobody in particular'}")


@click.command(name="label")
@click.argument("number", metavar="NUMBER")
@click.argument("labels", metavar="LABEL", nargs=-1)
@click.option("--remove", multiple=True, metavar="LABEL", help="Take this one off.")
@library_option
@pass_installation
def label_request(
    installation: Installation, number: str, labels: tuple[str, ...], remove: tuple[str, ...], symbol: str
) -> None:
    """Put labels of your own on a request; with none said, show those that it has."""
    library = require_library(installation, symbol)

    async def save_labels(managed: ManagedRequests) -> Request:
        found = await managed.requests.find_request(library.symbol, number)
        return await managed.marks.change_labels(library.symbol, found.id, labels, remove)

    marked = run_on_requests(installation, save_labels)
    click.echo(f"{marked.number}: {', '.join(marked.labels) or 'no labels'}")
