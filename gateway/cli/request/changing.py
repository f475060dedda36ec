"""`illgate request attach|reorder|skip`: files and the rota of one request."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.managed import library_option, run, staff_option
from gateway.cli.opened import library_named
from gateway.cli.request.words import model
from gateway.domain.requests.file_types import FileType, type_of
from gateway.domain.requests.request import Attachment, Request
from gateway.domain.requests.views import Upload
from gateway.runtime.managed import Managed
from gateway.web.api.operations.files_and_rota import UploadQuery
from gateway.web.api.parts import Limits

MOST_BYTES = Limits().attachment_bytes


@click.command(name="attach")
@click.argument("number", metavar="NUMBER")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--pages", type=click.IntRange(1, 100_000), default=None, help="Number of pages, where it is known.")
@click.option("--name", default="", metavar="NAME", help="Another name than the file has.")
@staff_option
@library_option
@pass_installation
def attach(
    installation: Installation, number: str, file: Path, pages: int | None, name: str, actor: str, symbol: str
) -> None:
    """Keep a file with a request: PDF, JPEG, PNG or TIFF, or what else requests.yml takes (`copies.types`).

    What it is, is told by its content; pages of a PDF are counted.

    \b
    Example:
      illgate request attach L2026-00004 scan.pdf --pages 17
      illgate request act L2026-00004 digitised --attachment scan.pdf
    """
    library = library_named(installation, symbol)
    upload = _upload(file, name or file.name, pages)

    async def work(managed: Managed) -> Attachment:
        found = await managed.requests.find(library.symbol, number)
        return (await managed.requests.attach(library.symbol, found.id, upload, actor, None))[1]

    kept = run(installation, work)
    click.echo(f"{number}: {kept.name} is kept as {kept.id} ({kept.media_type}, {kept.size} bytes{_pages(kept)})")


def _pages(kept: Attachment) -> str:
    return f", {kept.pages} pages" if kept.pages is not None else ""


def _upload(file: Path, name: str, pages: int | None) -> Upload:
    """Raises click.UsageError."""
    if file.stat().st_size > MOST_BYTES:
        raise click.UsageError(f"{file}: a file may have {MOST_BYTES:,} bytes")
    content = file.read_bytes()
    kind = type_of(content)
    if kind is None:
        raise click.UsageError(
            f"{file}: nobody knows what this is; known are {', '.join(one.value for one in FileType)}"
        )
    said = model(UploadQuery, {"name": name, "pages": pages})
    return Upload(name=said.name, media_type=kind.value, content=content, pages=said.pages)


@click.command(name="reorder")
@click.argument("number", metavar="NUMBER")
@click.argument("partners", nargs=-1, required=True, metavar="PARTNER...")
@staff_option
@library_option
@pass_installation
def reorder(installation: Installation, number: str, partners: tuple[str, ...], actor: str, symbol: str) -> None:
    """Ask these partners next, in this order, before all others that wait on the request's rota.

    \b
    Example:
      illgate request reorder B2026-00017 nordviken seeberg
    """
    library = library_named(installation, symbol)

    async def work(managed: Managed) -> Request:
        found = await managed.requests.find(library.symbol, number)
        return await managed.requests.reorder(library.symbol, found.id, partners, actor, None)

    _print(run(installation, work))


@click.command(name="skip")
@click.argument("number", metavar="NUMBER")
@click.argument("partner", metavar="PARTNER")
@click.option("--why", default="by hand", show_default=True, metavar="TEXT", help="For the history.")
@staff_option
@library_option
@pass_installation
def skip(installation: Installation, number: str, partner: str, why: str, actor: str, symbol: str) -> None:
    """Don't ask a partner that waits on the request's rota."""
    library = library_named(installation, symbol)

    async def work(managed: Managed) -> Request:
        found = await managed.requests.find(library.symbol, number)
        return await managed.requests.skip(library.symbol, found.id, partner, why, actor, None)

    _print(run(installation, work))


def _print(request: Request) -> None:
    for line in request.rota:
        click.echo(f"{line.standing.value:<8} {line.partner}{f'  ({line.why})' if line.why else ''}")
