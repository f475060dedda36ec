"""`illgate request act`, with a command for each act, and what staff do with a request that is no act.

The acts and their fields are those of the API and the pages (`gateway.domain.requests.event_catalogue`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from gateway.cli.formatting import format_flags, format_table, print_lines
from gateway.cli.installation import (
    CommandFailed,
    Installation,
    format_day_or_minute,
    format_minute,
    library_option,
    pass_installation,
    require_library,
    staff_option,
)
from gateway.cli.managed_requests import run_on_request
from gateway.cli.request_options import (
    OptionValues,
    build_citation,
    build_model,
    format_act_usage,
    format_field_options,
    iter_fields,
    make_field_options,
    option_of_name,
    parse_field_value,
)
from gateway.domain.requests.act_details import check_details, given_detail_names
from gateway.domain.requests.action_fields import FieldType
from gateway.domain.requests.attachments import FileType, detect_file_type
from gateway.domain.requests.event_catalogue import ACTS, BY_HAND
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Attachment, Request
from gateway.domain.requests.staff_views import NoticeLetter, NoticeView
from gateway.domain.requests.views import ActionRequest, EventDenied, FileUpload
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.services.libraries.library_services import LibraryServices
from gateway.settings import LibrarySettings
from gateway.web.api.models.inputs import ActBody
from gateway.web.api.models.outputs import RequestOut
from gateway.web.api.models.staff import NoticeOut, NoticeWhole
from gateway.web.api.operation import ApiLimits
from gateway.web.api.operations.requests import UploadQuery

MAX_NOTICES = 100
"""Of one request; it has seldom ten."""

# --- acts ----------------------------------------------------------------------------------------------------


class ActGroup(click.Group):
    """`request act NUMBER ACT`: each act is a command whose options are the act's fields."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [kind.value for kind in BY_HAND]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _make_act_command(EventKind(cmd_name)) if cmd_name in self.list_commands(ctx) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Actions and their fields"):
            rows = [(kind.value, format_act_usage(kind).partition(" ")[2]) for kind in BY_HAND]
            formatter.write_dl(rows, col_max=20)


@click.command(name="act", cls=ActGroup, subcommand_metavar="ACTION [--FIELD VALUE]...")
@click.argument("number", metavar="NUMBER")
def act(number: str) -> None:
    """Carry out an action on a request.

    `illgate request show NUMBER` lists the possible actions at the end; `illgate request act NUMBER ACTION --help`
    describes the fields of one. Actions in the library system (received, loaned-to-patron, shipped, checked-in) are
    carried out at once; the daemon sends the messages and letters that follow.

    \b
    Examples:
      illgate request act B2026-00017 approve
      illgate request act B2026-00017 edit --isbn 9783161484100 --need-by 2027-03-31
      illgate request act B2026-00017 assign --partner seeberg
      illgate request act L2026-00004 conditional --conditions library-use-only --cost '12.50 EUR'
      illgate request act L2026-00004 retry --retry-after 2027-04-01 --reason on-loan
    """


_COMMON = (
    click.option(
        "--attempt",
        type=click.IntRange(0, 10_000),
        default=0,
        metavar="NO",
        help="Supplier whose item this concerns, if it is not the current one.",
    ),
    click.option(
        "--version",
        type=click.IntRange(1),
        default=None,
        metavar="NO",
        help="Apply only if the request is still at this version (see `request show`).",
    ),
    click.option(
        "--confirm",
        "confirmed",
        is_flag=True,
        help="Also do what is asked first, such as checking out an item that its lender has recalled.",
    ),
    staff_option,
    library_option,
    json_option,
)


def _add_common_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_COMMON):
        function = option(function)
    return function


def _make_act_command(kind: EventKind) -> click.Command:
    fields = ACTS[kind]
    one_of = f" At least one of these is needed: {format_field_options(fields.one_of)}." if fields.one_of else ""

    @_add_common_options
    @pass_installation
    def run_act(installation: Installation, /, **values: Any) -> None:
        context = click.get_current_context().parent
        assert context is not None
        _perform_act(installation, context.params["number"], kind, values)

    command = click.command(kind.value, help=f"Carry out the action '{kind.value}'.{one_of}")(run_act)
    command.params[:0] = [
        option for field, required in iter_fields(kind) for option in make_field_options(field, required)
    ]
    return command


def _perform_act(installation: Installation, number: str, kind: EventKind, values: dict[str, Any]) -> None:
    library = require_library(installation, values["symbol"])

    async def apply_act(services: LibraryServices, before: Request) -> Request:
        requests = services.requests
        action = ActionRequest(
            kind=kind,
            details=_build_event_details(kind, values, before, library),
            actor=values["actor"],
            version=values["version"],
            attempt=values["attempt"],
            confirmed=values["confirmed"],
            lists_untold=True,
        )
        try:
            return await requests.apply_action(before.id, action)
        except EventDenied as error:
            allowed = (await requests.load_view(before.id)).allowed
            possible = ", ".join(kind.value for kind in allowed if kind in BY_HAND)
            raise CommandFailed(f"{error.denied.detail}\nPossible now: {possible}.") from error

    request = run_on_request(installation, library, number, apply_act)
    if values["as_json"]:
        print_json(RequestOut.from_request(request))
        return
    print_lines(format_act_outcome(request, library))


def _build_event_details(
    kind: EventKind, values: OptionValues, request: Request, library: LibrarySettings
) -> EventDetails:
    """Build details; raises click.UsageError, click.BadParameter."""
    given: dict[str, Any] = {}
    for field, _ in iter_fields(kind):
        if field.type is FieldType.CITATION:
            if citation := build_citation(values, request.citation.identifiers):
                given[field.name] = citation
        elif values[field.name] not in (None, ()):
            given[field.name] = parse_field_value(field, values[field.name], library)
    if "attachment" in given:
        given["attachment"] = _find_attachment_id(request, given["attachment"])
    details = build_model(ActBody, given).to_details(request.citation)
    one_of = ACTS[kind].one_of
    if one_of and not given_detail_names(details) & set(one_of):
        raise click.UsageError(f"at least one of these is needed: {format_field_options(one_of)}")
    if problems := check_details(kind, details):
        raise click.UsageError("; ".join(f"{option_of_name(each.name)}: {each.message}" for each in problems))
    return details


def _find_attachment_id(request: Request, wanted: str) -> str:
    """Its id; by id or name. Raises click.UsageError."""
    ids = [file.id for file in request.attachments if wanted in (file.id, file.name)]
    if len(ids) == 1:
        return ids[0]
    why = "several files have this name, say the id" if ids else "the request has no such file; see `request show`"
    raise click.UsageError(f"--attachment {wanted}: {why}")


def format_act_outcome(request: Request, library: LibrarySettings) -> Iterator[str]:
    """Yield the request's state after the act, and the barcodes and days that it has."""
    marks = format_flags(request)
    yield f"{request.number}: {request.state.value}{f' ({marks})' if marks else ''}"
    barcodes = dict.fromkeys(filter(None, (request.item_barcode, *(volume.barcode for volume in request.volumes))))
    facts = {
        "barcode": ", ".join(barcodes),
        "due at lender": format_day_or_minute(request.terms.lender_due, library.zone),
        "due for patron": format_day_or_minute(request.terms.patron_due, library.zone),
    }
    for name, text in facts.items():
        if text and request.open:
            yield f"  {name}: {text}"


# --- files, rota, marks, notices -----------------------------------------------------------------------------


@click.command(name="attach")
@click.argument("number", metavar="NUMBER")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--pages", type=click.IntRange(1, 100_000), default=None, help="Number of pages, if known.")
@click.option("--name", default="", metavar="NAME", help="File name to store instead of the original one.")
@staff_option
@library_option
@pass_installation
def attach_file(
    installation: Installation, number: str, file: Path, pages: int | None, name: str, actor: str, symbol: str
) -> None:
    """Attach a file to a request. PDF, JPEG, PNG and TIFF are accepted, or the types set in requests.yml
    (`copies.types`).

    The file type is detected from the content; the pages of a PDF are counted.

    \b
    Example:
      illgate request attach L2026-00004 scan.pdf --pages 17
      illgate request act L2026-00004 digitised --attachment scan.pdf
    """
    library = require_library(installation, symbol)
    upload = _read_upload(file, name or file.name, pages)

    async def store_attachment(services: LibraryServices, request: Request) -> Attachment:
        return (await services.requests.attach(request.id, upload, actor, None))[1]

    kept = run_on_request(installation, library, number, store_attachment)
    counted = f", {kept.pages} pages" if kept.pages is not None else ""
    click.echo(f"{number}: {kept.name} stored as {kept.id} ({kept.media_type}, {kept.size} bytes{counted})")


def _read_upload(file: Path, name: str, pages: int | None) -> FileUpload:
    """Read a file; raises click.UsageError."""
    most = ApiLimits().attachment_bytes
    if file.stat().st_size > most:
        raise click.UsageError(f"{file}: the file is larger than {most:,} bytes")
    content = file.read_bytes()
    kind = detect_file_type(content)
    if kind is None:
        accepted = ", ".join(type_.value for type_ in FileType)
        raise click.UsageError(f"{file}: unknown file type; accepted types: {accepted}")
    query = build_model(UploadQuery, {"name": name, "pages": pages})
    return FileUpload(name=query.name, media_type=kind.value, content=content, pages=query.pages)


@click.command(name="reorder")
@click.argument("number", metavar="NUMBER")
@click.argument("partners", nargs=-1, required=True, metavar="PARTNER...")
@staff_option
@library_option
@pass_installation
def reorder_rota(installation: Installation, number: str, partners: tuple[str, ...], actor: str, symbol: str) -> None:
    """Ask these partners next, in this order. The other partners on the request's rota follow.

    \b
    Example:
      illgate request reorder B2026-00017 nordviken seeberg
    """
    library = require_library(installation, symbol)
    _print_rota(
        run_on_request(
            installation,
            library,
            number,
            lambda services, request: services.requests.reorder(request.id, partners, actor, None),
        )
    )


@click.command(name="skip")
@click.argument("number", metavar="NUMBER")
@click.argument("partner", metavar="PARTNER")
@click.option("--why", default="manually", show_default=True, metavar="TEXT", help="Note for the history.")
@staff_option
@library_option
@pass_installation
def skip_partner(installation: Installation, number: str, partner: str, why: str, actor: str, symbol: str) -> None:
    """Exclude a partner from the request's rota."""
    library = require_library(installation, symbol)
    _print_rota(
        run_on_request(
            installation,
            library,
            number,
            lambda services, request: services.requests.skip(request.id, partner, why, actor, None),
        )
    )


def _print_rota(request: Request) -> None:
    for line in request.rota:
        click.echo(f"{line.standing.value:<8} {line.partner}{f'  ({line.why})' if line.why else ''}")


@click.command(name="assign")
@click.argument("number", metavar="NUMBER")
@click.argument("name", metavar="NAME", default="")
@library_option
@pass_installation
def assign_request(installation: Installation, number: str, name: str, symbol: str) -> None:
    """Assign a request to a user. Without NAME, the assignment is removed."""
    library = require_library(installation, symbol)
    marked = run_on_request(
        installation,
        library,
        number,
        lambda services, request: services.marks.assign(request.id, name),
    )
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
    marked = run_on_request(
        installation,
        library,
        number,
        lambda services, request: services.marks.change_labels(request.id, labels, remove),
    )
    click.echo(f"{marked.number}: {', '.join(marked.labels) or 'no labels'}")


@click.command(name="notices")
@click.argument("number", metavar="NUMBER")
@click.argument("notice", metavar="[NOTICE]", default="")
@click.option("--html", is_flag=True, help="Print NOTICE as an HTML page for a browser instead of plain text.")
@library_option
@json_option
@pass_installation
def show_notices(installation: Installation, number: str, notice: str, html: bool, symbol: str, as_json: bool) -> None:
    """List notices to the patron, or print one as a letter.

    NOTICE is the ID of a notice on the list, which shows the newest first. Each line shows the delivery status and the
    reason for a failure. A letter has the patron's name and postal address. When the patron has been notified, record
    it with `illgate request act NUMBER patron-told`.

    \b
    Examples:
      illgate request notices B2026-00017
      illgate request notices B2026-00017 0006430d0c7a1b0000a1b2c3 | lp
    """
    library = require_library(installation, symbol)

    async def load_notices(services: LibraryServices, request: Request) -> tuple[NoticeView, ...] | NoticeLetter:
        notices = (await services.notices.list_notices(request.id, MAX_NOTICES, "")).items
        if not notice:
            return tuple(notices)
        if notice not in {each.id for each in notices}:
            raise click.UsageError(f"{number} has no notice {notice}; see `illgate request notices {number}`")
        return await services.notices.render_notice(notice)

    loaded = run_on_request(installation, library, number, load_notices)
    if isinstance(loaded, NoticeLetter):
        _print_letter(loaded, html, as_json)
    elif as_json:
        print_json_lines(NoticeOut.model_validate(each) for each in loaded)
    elif not loaded:
        click.echo("no notices")
    else:
        rows = [
            (format_minute(each.created, library.zone), each.letter, each.status.value, each.id, each.error)
            for each in loaded
        ]
        print_lines(format_table([("CREATED", "LETTER", "STATUS", "ID", "WHY"), *rows]))


def _print_letter(letter: NoticeLetter, html: bool, as_json: bool) -> None:
    if as_json:
        print_json(NoticeWhole.model_validate(letter))
    elif html:
        click.echo(letter.html, nl=False)
    else:
        click.echo("\n".join((letter.name, *letter.address, "", letter.subject, "", letter.text)), nl=False)
