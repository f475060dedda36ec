"""`illgate request act|attach|reorder|skip` and the short commands.

Options come from the table of actions that the API and the pages use (`gateway.domain.requests.action_fields`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway.cli.formatting import format_flags
from gateway.cli.installation import (
    CommandFailed,
    Installation,
    format_day_or_minute,
    json_option,
    library_option,
    pass_installation,
    print_json,
    require_library,
    staff_option,
)
from gateway.cli.managed_requests import run_on_requests
from gateway.cli.request_options import (
    CITATION_OPTIONS,
    Said,
    ValueContext,
    build_citation,
    build_model,
    errors_named_after,
    make_field_options,
    option_of_name,
    parse_field_value,
    parse_money,
)
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.requests.action_fields import ACTS, BY_HAND, ActionField, ActionFieldSet, FieldType
from gateway.domain.requests.attachments import FileType, detect_file_type
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Attachment, Request
from gateway.domain.requests.views import ActionRequest, EventDenied, FileUpload
from gateway.domain.value import value_object
from gateway.runtime.managed_requests import ManagedRequests
from gateway.settings import LibrarySettings
from gateway.web.api.models.inputs import ActBody
from gateway.web.api.models.outputs import RequestOut

ALIASES: Mapping[str, tuple[EventKind, str]] = {
    "approve": (EventKind.APPROVE, "Approve the request, so that suppliers are asked."),
    "receive": (EventKind.RECEIVED, "Receive the item: temporary item, hold shelf."),
    "lend": (EventKind.LOANED_TO_PATRON, "Check out the item to the patron."),
    "take-back": (EventKind.RETURNED_BY_PATRON, "Check in the item from the patron."),
    "return": (EventKind.RETURNED, "Return the item to the lender."),
    "will-supply": (EventKind.WILL_SUPPLY, "Tell the requester that you will supply the item."),
    "unfilled": (EventKind.UNFILLED, "Tell the requester that you cannot supply the item."),
    "ship": (EventKind.SHIPPED, "Ship the item to the requester."),
    "deliver": (EventKind.COPY_DELIVERED, "Deliver the copy."),
    "check-in": (EventKind.CHECKED_IN, "Check in your item that has come back."),
    "settle": (EventKind.SETTLED, "Settle a lost item: end the loan. The patron owes the fee if the profile sets one."),
    "renew": (EventKind.RENEW, "Request a renewal from the lender."),
    "cancel": (EventKind.CANCEL, "Cancel the request."),
}

_FIELDS: Mapping[str, ActionField] = {
    field.name: field for kind in BY_HAND for field in (*ACTS[kind].required, *ACTS[kind].optional)
}
"""Every field by name; its help is that of one action."""


# --- the commands --------------------------------------------------------------------------------------------

_ATTEMPT = click.option(
    "--attempt",
    type=click.IntRange(0, 10_000),
    default=0,
    metavar="NO",
    help="Supplier whose item this concerns, if it is not the current one.",
)
_VERSION = click.option(
    "--version",
    type=click.IntRange(1),
    default=None,
    metavar="NO",
    help="Apply only if the request is still at this version (see `request show`).",
)
_CONFIRM = click.option(
    "--confirm",
    "confirmed",
    is_flag=True,
    help="Also do what is asked first, such as checking out an item that its lender has recalled.",
)


def _make_action_command(
    name: str, help_: str, options: list[click.Option], kind: EventKind | None = None
) -> click.Command:
    """`kind` None: it is an argument of the command."""

    @click.argument("number", metavar="NUMBER")
    @_ATTEMPT
    @_VERSION
    @_CONFIRM
    @staff_option
    @library_option
    @json_option
    @pass_installation
    def run_action(installation: Installation, /, number: str, **said: Any) -> None:
        wanted = kind if kind is not None else _parse_event_kind(said.pop("kind"))
        _perform_typed_action(installation, number, wanted, said)

    common: list[click.Parameter] = list(reversed(getattr(run_action, "__click_params__", [])))
    del run_action.__click_params__  # type: ignore[attr-defined]
    argument = [click.Argument(["kind"], metavar="KIND")] if kind is None else []
    return click.Command(name, callback=run_action, help=help_, params=[common[0], *argument, *options, *common[1:]])


def _make_short_command(name: str, kind: EventKind, help_: str) -> click.Command:
    fields = ACTS[kind]
    options = [one for field in fields.required for one in make_field_options(field, " [needed]")]
    options += [one for field in fields.optional for one in make_field_options(field)]
    return _make_action_command(name, f"{help_}\n\nShort for `illgate request act NUMBER {kind.value}`.", options, kind)


_ACT_HELP = """Carry out an action of the kind KIND on a request.

`illgate request show NUMBER` lists the possible kinds at the end, with the values that each needs. Actions in the
library system (receive, check out, ship, check in) are carried out at once; the daemon sends the messages and letters
that follow.

\b
Examples:
  illgate request act B2026-00017 approve
  illgate request act B2026-00017 edit --isbn 9783161484100 --need-by 2027-03-31
  illgate request act B2026-00017 assign --partner seeberg
  illgate request act L2026-00004 conditional --conditions library-use-only --cost '12.50 EUR'
  illgate request act L2026-00004 retry --retry-after 2027-04-01 --reason on-loan

\b
Kinds:
"""

act = _make_action_command(
    "act",
    _ACT_HELP + "\n".join(f"  {kind.value}" for kind in BY_HAND),
    [option for field in _FIELDS.values() for option in make_field_options(field)],
)

SHORT = tuple(_make_short_command(name, kind, help_) for name, (kind, help_) in ALIASES.items())


# --- what is done --------------------------------------------------------------------------------------------


def _parse_event_kind(word: str) -> EventKind:
    """Raises click.UsageError with the nearest kind."""
    kinds = {kind.value: kind for kind in BY_HAND}
    kinds |= {alias: kind for alias, (kind, _) in ALIASES.items() if alias not in kinds}
    if word in kinds:
        return kinds[word]
    near = nearest_match(word, kinds)
    hint = f"; did you mean '{near}'?" if near else ""
    raise click.UsageError(f"unknown action '{word}'{hint} All: illgate request act --help")


@value_object
class _TypedAction:
    """What is to be done, as it was typed."""

    library: LibrarySettings
    number: str
    kind: EventKind
    said: Said


def _perform_typed_action(installation: Installation, number: str, kind: EventKind, said: dict[str, Any]) -> None:
    order = _TypedAction(require_library(installation, said.pop("symbol")), number, kind, said)
    _check_given_options(order)
    request = run_on_requests(installation, lambda managed: _apply_typed_action(managed, order))
    if said["as_json"]:
        print_json(RequestOut.from_request(request))
        return
    for line in format_action_outcome(request, order.library):
        click.echo(line)


async def _apply_typed_action(managed: ManagedRequests, order: _TypedAction) -> Request:
    front, symbol, said = managed.requests, order.library.symbol, order.said
    before = await front.find_request(symbol, order.number)
    wanted = ActionRequest(
        kind=order.kind,
        details=_build_event_details(order, before),
        actor=said["actor"],
        version=said["version"],
        attempt=said["attempt"],
        confirmed=said["confirmed"],
        lists_untold=True,
    )
    try:
        return await front.apply_action(symbol, before.id, wanted)
    except EventDenied as error:
        possible = [kind.value for kind in (await front.load_view(symbol, before.id)).allowed if kind in BY_HAND]
        raise CommandFailed(f"{error.denied.detail}\nPossible now: {', '.join(possible)}.") from error


def format_action_outcome(request: Request, library: LibrarySettings) -> Iterator[str]:
    """How the request stands after the action."""
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


# --- options -> details --------------------------------------------------------------------------------------


def _is_option_given(value: object) -> bool:
    return value is not None and value != ()


def _check_given_options(order: _TypedAction) -> None:
    """Options that mean nothing for this action, and those that it lacks. Raises click.UsageError."""
    fields = ACTS[order.kind]
    said = {
        _field_of_option(name)
        for name, value in order.said.items()
        if _is_option_given(value) and _is_action_option(name)
    }
    takes = ", ".join(_iter_accepted_options(fields)) or "no options"
    for name in sorted(said - fields.field_names):
        raise click.UsageError(
            f"{_option_of_field(name)} cannot be used with '{order.kind.value}', which takes {takes}"
        )
    for field in fields.required:
        if field.name not in said:
            raise click.UsageError(f"'{order.kind.value}' needs {option_of_name(field.name)}: {field.help}")
    if fields.one_of and not said & set(fields.one_of):
        one_of = ", ".join(_option_of_field(name) for name in fields.one_of)
        raise click.UsageError(f"'{order.kind.value}' needs one of: {one_of}")


def _is_action_option(name: str) -> bool:
    return name in _FIELDS or name in CITATION_OPTIONS


def _field_of_option(name: str) -> str:
    return "citation" if name in CITATION_OPTIONS else name


def _option_of_field(field: str) -> str:
    return "--title and the like" if field == "citation" else option_of_name(field)


def _iter_accepted_options(fields: ActionFieldSet) -> Iterator[str]:
    yield from (f"{_option_of_field(field.name)} (needed)" for field in fields.required)
    yield from (_option_of_field(field.name) for field in fields.optional)


def _build_event_details(order: _TypedAction, request: Request) -> EventDetails:
    """Raises click.UsageError, click.BadParameter."""
    here = ValueContext(order.library.zone, order.library.currency)
    given: dict[str, Any] = {}
    amounts: dict[str, Any] = {}
    for name, value in order.said.items():
        if name not in _FIELDS or not _is_option_given(value):
            continue
        if _FIELDS[name].type is FieldType.MONEY:
            with errors_named_after(option_of_name(name)):
                amounts[name] = parse_money(value, here)
        else:
            given[name] = parse_field_value(_FIELDS[name].type, value, here, name)
    if any(name in CITATION_OPTIONS and _is_option_given(value) for name, value in order.said.items()):
        given["citation"] = build_citation(order.said, request.citation)
    if "attachment" in given:
        given["attachment"] = _find_attachment_id(request, given["attachment"])
    return replace(build_model(ActBody, given).to_details(request.citation), **amounts)


def _find_attachment_id(request: Request, said: str) -> str:
    """Its id; by id or name. Raises click.UsageError."""
    found = [one.id for one in request.attachments if said in (one.id, one.name)]
    if len(found) == 1:
        return found[0]
    why = "several files have this name, say the id" if found else "the request has no such file; see `request show`"
    raise click.UsageError(f"--attachment {said}: {why}")


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

    async def store_attachment(managed: ManagedRequests) -> Attachment:
        found = await managed.requests.find_request(library.symbol, number)
        return (await managed.requests.attach(library.symbol, found.id, upload, actor, None))[1]

    kept = run_on_requests(installation, store_attachment)
    click.echo(
        f"{number}: {kept.name} stored as {kept.id} ({kept.media_type}, {kept.size} bytes{_format_page_count(kept)})"
    )


def _format_page_count(kept: Attachment) -> str:
    return f", {kept.pages} pages" if kept.pages is not None else ""


def _read_upload(file: Path, name: str, pages: int | None) -> FileUpload:
    """Raises click.UsageError."""
    from gateway.web.api.operation import ApiLimits  # loads all that serves HTTP, for this command alone
    from gateway.web.api.operations.requests import UploadQuery

    most = ApiLimits().attachment_bytes
    if file.stat().st_size > most:
        raise click.UsageError(f"{file}: the file is larger than {most:,} bytes")
    content = file.read_bytes()
    kind = detect_file_type(content)
    if kind is None:
        raise click.UsageError(f"{file}: unknown file type; accepted types: {', '.join(one.value for one in FileType)}")
    said = build_model(UploadQuery, {"name": name, "pages": pages})
    return FileUpload(name=said.name, media_type=kind.value, content=content, pages=said.pages)


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

    async def save_rota_order(managed: ManagedRequests) -> Request:
        found = await managed.requests.find_request(library.symbol, number)
        return await managed.requests.reorder(library.symbol, found.id, partners, actor, None)

    _print_rota(run_on_requests(installation, save_rota_order))


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

    async def skip_rota_line(managed: ManagedRequests) -> Request:
        found = await managed.requests.find_request(library.symbol, number)
        return await managed.requests.skip(library.symbol, found.id, partner, why, actor, None)

    _print_rota(run_on_requests(installation, skip_rota_line))


def _print_rota(request: Request) -> None:
    for line in request.rota:
        click.echo(f"{line.standing.value:<8} {line.partner}{f'  ({line.why})' if line.why else ''}")


COMMANDS = (act, *SHORT, attach_file, reorder_rota, skip_partner)
