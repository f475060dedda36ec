"""`illgate mail` and `illgate letter`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli.formatting import format_local_time, format_table, print_lines
from gateway.cli.installation import (
    CommandFailed,
    Installation,
    cursor_option,
    errors_as_sentences,
    format_minute,
    library_option,
    limit_option,
    pass_installation,
    print_cursor,
    require_library,
    staff_option,
)
from gateway.cli.managed_requests import open_managed_requests, run_on_library, run_on_requests
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.problems import ConfigurationError
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.value import replace
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.ports.outgoing_mail import LetterStyle, RenderedLetter
from gateway.runtime.exchange_assembly import make_journal_options
from gateway.runtime.mailbox_services import MailboxServices
from gateway.runtime.managed_requests import preview_mail
from gateway.services.letters import sample
from gateway.services.letters.renderer import LetterPlace, LetterRenderer, make_letter_renderer
from gateway.services.letters.templates import ALL, LetterAudience, find_letter_names
from gateway.services.mailbox.mail_reader import MailDestination
from gateway.services.mailbox.poller import PollResult, find_poller
from gateway.services.mailbox.unmatched_mail import MailCandidate, MailMeaning, OpenedMail, UnmatchedMailService
from gateway.settings import LibrarySettings, Settings
from gateway.settings.sections import MailboxSettings
from gateway.store.journal import Journal
from gateway.store.journal_records import BodyUnreadable
from gateway.store.mailbox import MailOutcome, MailRow, UnmatchedMailPage

T = TypeVar("T")

_MAIL = click.argument("mail", metavar="MAIL")


@click.group(name="mail")
def mail_command() -> None:
    """Read mailboxes, explain incoming email, and process unmatched email."""


# --- mailboxes -----------------------------------------------------------------------------------------------


@mail_command.command(name="poll")
@click.argument("mailbox", metavar="MAILBOX")
@pass_installation
def poll_mailbox(installation: Installation, mailbox: str) -> None:
    """Read the waiting email of a mailbox now, as the daemon does.

    It is safe to run this while the daemon is running: no email is processed twice. With PostgreSQL, only the node
    that holds the mailbox reads it.
    """
    _find_mailbox_settings(installation, mailbox)
    polled = _run_on_mailboxes(installation, lambda boxes: find_poller(boxes.pollers, mailbox).poll_once())
    click.echo(_format_poll_result(polled))


def _format_poll_result(polled: PollResult) -> str:
    parts = [f"{polled.taken[outcome]} {word}" for outcome, word in _WORDS.items()]
    moved = f"; {polled.again} were taken before and moved now" if polled.again else ""
    return f"{polled.count} mails: {', '.join(parts)}{moved}"


_WORDS = {MailOutcome.DONE: "done", MailOutcome.UNKNOWN: "for staff", MailOutcome.FAILED: "failed"}


@mail_command.command(name="test")
@click.argument("mailbox", metavar="MAILBOX")
@pass_installation
def probe_mailbox(installation: Installation, mailbox: str) -> None:
    """Test the sign-in to a mailbox and count its email. Nothing is read, moved or marked."""
    box = _find_mailbox_settings(installation, mailbox)
    waiting, seconds, idle = _run_on_mailboxes(
        installation, lambda boxes: find_poller(boxes.pollers, mailbox).probe_mailbox()
    )
    click.echo(f"{box.name}: signed in as {box.user} at {box.host}:{box.port} ({box.security.value})")
    click.echo(
        f"folder {box.folder}: {waiting} emails waiting; answered in {seconds:.2f} s; IDLE: {'yes' if idle else 'no'}"
    )


def _find_mailbox_settings(installation: Installation, name: str) -> MailboxSettings:
    mailbox = next((settings for settings in installation.settings.mailboxes if settings.name == name), None)
    if mailbox is None:
        known = ", ".join(settings.name for settings in installation.settings.mailboxes) or "none"
        raise click.UsageError(f"mailbox not found: {name}; mailboxes in gateway.yml: {known}")
    return mailbox


# --- one mail ------------------------------------------------------------------------------------------------


@mail_command.command(name="explain")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True), metavar="FILE")
@click.option("--mailbox", default="", metavar="NAME", help="Process the email as if it had arrived in this mailbox.")
@library_option
@json_option
@pass_installation
def explain_mail(installation: Installation, file: Path, mailbox: str, symbol: str, as_json: bool) -> None:
    """Explain how an email is interpreted, rule by rule. Nothing is changed.

    \b
    Examples:
      illgate mail explain answer.eml
      illgate mail unmatched show ID --raw | illgate mail explain -
    """
    box = _find_mailbox_settings(installation, mailbox) if mailbox else None
    library = require_library(installation, (box.library if box is not None else "") or symbol)
    post = MailDestination(library.symbol, box.authserv_id if box is not None else "")
    with click.open_file(str(file), "rb") as opened:
        content = opened.read()
    lines = _run_on_mails(installation, library, lambda mails: mails.explain_mail(content, post))
    if as_json:
        print_json({"explanation": lines})
        return
    print_lines(lines)


@mail_command.command(name="preview")
@click.argument("request", metavar="REQUEST")
@library_option
@json_option
@pass_installation
def preview_partner_mail(installation: Installation, request: str, symbol: str, as_json: bool) -> None:
    """Show the letter to the partner for a request. It is shown with the current data. REQUEST is a number or ID."""
    library = require_library(installation, symbol)

    shown = run_on_requests(
        installation, lambda managed: preview_mail(managed, installation.adapters, library.symbol, request)
    )
    if as_json:
        print_json({"emails": shown})
        return
    for mail in shown:
        click.echo(mail)


@mail_command.command(name="send-now")
@click.argument("partner", metavar="PARTNER")
@library_option
@pass_installation
def send_waiting_orders(installation: Installation, partner: str, symbol: str) -> None:
    """Send the batched orders of a partner now. PARTNER is the name of its profile."""
    library = require_library(installation, symbol)
    sent = run_on_library(installation, library, lambda services: services.desk.send_orders_now(partner))
    click.echo(f"{partner}: {sent} orders go now" if sent else f"{partner}: no orders wait")


# --- what nobody understood ----------------------------------------------------------------------------------


@mail_command.group(name="unmatched")
def unmatched_command() -> None:
    """List and process unmatched email. It comes from unknown senders, or it matches no request or several."""


@unmatched_command.command(name="list")
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def list_unmatched_mails(installation: Installation, limit: int, cursor: str, symbol: str, as_json: bool) -> None:
    """List unmatched email, newest first."""
    library = require_library(installation, symbol)
    page: UnmatchedMailPage = _run_on_mails(installation, library, lambda mails: mails.list_mails(limit, cursor))
    if as_json:
        print_json_lines(map(_document_of_mail, page.rows))
    elif not page.rows:
        click.echo("no unmatched email")
    else:
        heading = ("CAME", "MAILBOX", "SENDER", "SUBJECT", "ID", "WHY")
        rows = [
            (format_minute(row.at, library.zone), row.spot.mailbox, row.sender, row.subject[:50], row.id, row.reason)
            for row in page.rows
        ]
        print_lines(format_table([heading, *rows]))
    print_cursor(page.cursor)


@unmatched_command.command(name="show")
@_MAIL
@click.option("--raw", is_flag=True, help="Print the original email.")
@library_option
@json_option
@pass_installation
def show_unmatched_mail(installation: Installation, mail: str, raw: bool, symbol: str, as_json: bool) -> None:
    """Show an unmatched email, and why it is unmatched. Its possible requests, meaning and files are shown too."""
    library = require_library(installation, symbol)
    opened: OpenedMail = _run_on_mails(installation, library, lambda mails: _open_mail(mails, mail))
    row = opened.row
    if raw:
        click.echo(row.content or b"", nl=False)
        return
    if as_json:
        print_json(_document_of_opened_mail(opened))
        return
    facts = {
        "came": f"{format_local_time(row.at, library.zone)} in {row.spot.mailbox}",
        "sender": row.sender,
        "to": ", ".join(opened.to),
        "subject": row.subject,
        "partner": row.profile,
        "why": row.reason,
        "decided": row.closed_by,
        "request": row.request_id,
        "files": ", ".join(f"{file.name} ({file.media_type}, {file.size} bytes)" for file in opened.files),
        "not shown": opened.problem,
    }
    click.echo(row.id)
    for name, text in facts.items():
        if text:
            click.echo(f"  {name + ':':<11}{text}")
    for candidate in opened.candidates:
        click.echo(f"  possible request {candidate.request.number}: {_name_grounds(candidate)}")
    if opened.text:
        click.echo(f"\n{opened.text.rstrip()}")


def _document_of_mail(row: MailRow) -> dict[str, object]:
    return {
        "id": row.id,
        "at": row.at,
        "mailbox": row.spot.mailbox,
        "sender": row.sender,
        "subject": row.subject,
        "partner": row.profile,
        "request_id": row.request_id,
        "reason": row.reason,
        "closed_by": row.closed_by,
    }


def _document_of_opened_mail(opened: OpenedMail) -> dict[str, object]:
    candidates = (
        {
            "number": candidate.request.number,
            "numbers": candidate.numbers,
            "words": candidate.words,
            "with_sender": candidate.with_sender,
        }
        for candidate in opened.candidates
    )
    return {
        **_document_of_mail(opened.row),
        "to": opened.to,
        "text": opened.text,
        "files": opened.files,
        "candidates": list(candidates),
        "problem": opened.problem,
    }


async def _open_mail(mails: UnmatchedMailService, mail: str) -> OpenedMail:
    """Open a mail: taken apart if it still waits; of one that was decided about, what stands in its row. Raises
    NotFound and BodyUnreadable."""
    row = await mails.show_mail(mail)
    return await mails.open_mail(mail) if row.open else OpenedMail(row=row)


def _name_grounds(candidate: MailCandidate) -> str:
    grounds = []
    if candidate.numbers:
        grounds.append(f"the email contains {', '.join(candidate.numbers)}")
    if candidate.words:
        grounds.append(f"the email contains words of its title ({', '.join(candidate.words)})")
    if candidate.with_sender:
        grounds.append("it is with the sender")
    return "; ".join(grounds) or "it is open, nothing else speaks for it"


@unmatched_command.command(name="assign")
@_MAIL
@click.argument("request", metavar="REQUEST")
@click.option(
    "--message", "is_message", is_flag=True, help="Add it as a message only; the state of the request does not change."
)
@click.option(
    "--from-partner", "is_partners", is_flag=True, help="The partner of the request wrote it from an unknown address."
)
@staff_option
@library_option
@pass_installation
def assign_mail(
    installation: Installation, mail: str, request: str, is_message: bool, is_partners: bool, actor: str, symbol: str
) -> None:
    """Link an email to a request (number or ID). The request is updated with the answer in the email, or the email
    is added as a note. An email from an unknown sender is added as a note of that sender."""
    library = require_library(installation, symbol)
    if is_message and is_partners:
        raise click.UsageError("--message and --from-partner exclude each other.")
    meaning = MailMeaning.FROM_PARTNER if is_partners else MailMeaning.MESSAGE if is_message else MailMeaning.AS_READ
    changed = _run_on_mails(installation, library, lambda mails: mails.assign_mail(mail, request, actor, meaning))
    click.echo(f"{mail}: linked to {changed.number}, now {changed.state.value}")


@unmatched_command.command(name="answer")
@_MAIL
@click.argument("text", metavar="TEXT")
@staff_option
@library_option
@pass_installation
def answer_mail(installation: Installation, mail: str, text: str, actor: str, symbol: str) -> None:
    """Reply to the sender by email, and remove the email from the list. The reply quotes the email below TEXT. Use -
    to read the text from standard input."""
    library = require_library(installation, symbol)
    reply = (sys.stdin.read() if text == "-" else text).strip()
    if not reply:
        raise click.UsageError("TEXT is empty")
    _run_on_mails(installation, library, lambda mails: mails.answer_mail(mail, reply, actor))
    click.echo(f"reply sent: {mail}")


@unmatched_command.command(name="dismiss")
@_MAIL
@staff_option
@library_option
@pass_installation
def dismiss_mail(installation: Installation, mail: str, actor: str, symbol: str) -> None:
    """Dismiss an unmatched email that needs no action. It stays in the mailbox folder and, until its retention period
    ends, in the journal."""
    library = require_library(installation, symbol)
    _run_on_mails(installation, library, lambda mails: mails.dismiss_mail(mail, actor))
    click.echo(f"dismissed: {mail}")


@unmatched_command.command(name="restore")
@_MAIL
@library_option
@pass_installation
def restore_mail(installation: Installation, mail: str, symbol: str) -> None:
    """Put a dismissed email back on the list of unmatched emails.

    It must have been dismissed in the last seven days.
    """
    library = require_library(installation, symbol)
    _run_on_mails(installation, library, lambda mails: mails.put_back_mail(mail))
    click.echo(f"restored: {mail}")


# --- opening -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def open_mailboxes(installation: Installation) -> AsyncIterator[MailboxServices]:
    installation.require_configuration()
    profiles, options = installation.profiles, make_journal_options(installation.parts)
    async with open_managed_requests(installation) as managed:
        store = next(iter(managed.contexts.values())).store
        journal = Journal(store, options)
        try:
            yield MailboxServices(
                settings=installation.settings,
                adapters=installation.adapters,
                clock=installation.clock,
                store=store,
                managed=managed,
                profiles=lambda: profiles.profiles,
                journal=journal,
                options=options,
            )
        finally:
            await journal.close()


def _run_on_mailboxes(installation: Installation, work: Callable[[MailboxServices], Awaitable[T]]) -> T:
    async def open_and_run() -> T:
        async with open_mailboxes(installation) as boxes:
            return await work(boxes)

    with errors_as_sentences():
        return asyncio.run(open_and_run())


def _run_on_mails(
    installation: Installation, library: LibrarySettings, work: Callable[[UnmatchedMailService], Awaitable[T]]
) -> T:
    try:
        return run_on_library(installation, library, lambda services: work(services.mails))
    except BodyUnreadable as error:
        raise CommandFailed(f"The mail can't be shown: {error}") from error


@click.group(name="letter")
def letter_command() -> None:
    """List and preview letters to patrons and partners, and slips."""


@letter_command.command(name="list")
@json_option
@pass_installation
def list_letters(installation: Installation, as_json: bool) -> None:
    """List all letters with their languages. An asterisk (*) marks letters with a template of your own."""
    settings = installation.settings
    letters = make_letter_renderer(settings)
    languages = letters.find_languages()
    sources = {
        name: {language: _describe_template_source(letters, name, language) for language in languages} for name in ALL
    }
    if as_json:
        print_json_lines({"name": name, "languages": sources[name]} for name in ALL)
        return
    signs = {"own": "*", "shipped": "shipped", "": "-"}
    rows = [("LETTER", *languages), *((name, *(signs[source] for source in sources[name].values())) for name in ALL)]
    print_lines(format_table(rows))
    click.echo(f"\nPut your own templates into {settings.letters_folder}, such as {ALL[0]}.j2 or en/{ALL[0]}.j2")


def _describe_template_source(letters: LetterRenderer, name: str, language: str) -> str:
    sources = letters.find_template_files(name, language)
    return "" if not sources else "own" if any(letters.is_own_template(file) for file in sources) else "shipped"


@letter_command.command(name="preview")
@click.argument("name", metavar="NAME")
@click.option(
    "--language",
    default="",
    metavar="CODE",
    help="Language code, such as de. Default: the language of the installation.",
)
@click.option("--html", is_flag=True, help="Print the HTML part instead of plain text.")
@click.option(
    "--script", type=click.Choice(tuple(sample.CITATIONS)), default="latin", help="Script of the sample citation."
)
@click.option(
    "--profile",
    default="",
    metavar="PROFILE",
    help="Show the letter as sent to this partner (letters to partners only).",
)
@library_option
@pass_installation
def preview_letter(
    installation: Installation, name: str, language: str, html: bool, script: str, profile: str, symbol: str
) -> None:
    """Preview a letter with sample data.

    NAME is a name from `illgate letter list`. You may omit the part before the slash if the rest is unique.

    \b
    Examples:
      illgate letter preview available
      illgate letter preview partner/overdue --language de
      illgate letter preview slip/return
      illgate letter preview request --script arabic --html > request.html
      illgate letter preview request --profile seeberg
    """
    settings = installation.settings
    to, _, rest = _complete_letter_name(name).partition("/")
    library = require_library(installation, symbol) if symbol else settings.libraries[0]
    info, zone, letters = replace(sample.LIBRARY, symbol=library.symbol), library.zone, make_letter_renderer(settings)
    languages = letters.find_languages(info)
    if language and language not in languages:
        raise click.UsageError(f"no letters in language '{language}'; there are: {', '.join(languages)}")
    if to == LetterAudience.SLIP.value:
        folders, usual = settings.find_letters(library)
        by = LetterRenderer(LetterPlace(folders, language or usual))
        request = sample.sample_request(script)
        letter = by.render_slip(rest, request, sample.PATRON, info, zone, sample.NOW, sample.SLIP)
    elif to == LetterAudience.PATRON.value:
        request = sample.sample_request(script)
        request = replace(request, patron=replace(request.patron, language=language))
        letter = letters.render_patron_letter(rest, request, sample.PATRON, info, zone, sample.NOW, sample.FACTS)
    else:
        partner, style = _find_letter_partner(installation, profile, settings)
        style = replace(style, language=language or style.language)
        message = sample.sample_message(EventKind(rest), script)
        letter = letters.for_partner(message, partner, info, zone, style)
    click.echo(letter.html if html else _format_letter(letter), nl=False)


def _complete_letter_name(name: str) -> str:
    letter_names = find_letter_names(name)
    if len(letter_names) == 1:
        return letter_names[0]
    if letter_names:
        raise click.UsageError(f"several letters match: {' or '.join(letter_names)}")
    near = nearest_match(name, (*ALL, *(letter.partition("/")[2] for letter in ALL)))
    hint = f"; did you mean '{near}'?" if near else ""
    raise click.UsageError(f"letter not found: {name}{hint}")


def _find_letter_partner(installation: Installation, name: str, settings: Settings) -> tuple[Profile, LetterStyle]:
    """Find a partner; raises click.UsageError, ConfigurationError."""
    if not name:
        return Profile(name="sample"), LetterStyle()
    entry = installation.find_profile(name)
    if entry is None:
        if installation.profiles.problems:
            raise ConfigurationError(installation.profiles.problems)
        raise click.UsageError(f"profile not found: {name}")
    profile = entry.profile
    for channel in installation.adapters.channels.values():
        dialect = profile.dialects.get(channel.section)
        if dialect is not None and channel.style is not None:
            return profile, channel.style(dialect, settings.folder)
    return profile, LetterStyle()


def _format_letter(letter: RenderedLetter) -> str:
    return f"To: {letter.to}\nSubject: {letter.subject}\n\n{letter.text}"
