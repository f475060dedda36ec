"""`illgate user add|list|set-password|set-roles|disable|enable|reset-second-factor|unlink` and `illgate audit list`:
staff's accounts.

A password is never an argument: other users of the machine could read it. It is asked for, or read from a file or from
standard input.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli.formatting import format_local_time, format_table, parse_moment, print_lines
from gateway.cli.installation import (
    Installation,
    cursor_option,
    errors_as_sentences,
    library_option,
    limit_option,
    pass_installation,
    print_cursor,
    require_library,
    staff_option,
)
from gateway.domain.roles import ALL_LIBRARIES, RIGHTS, RoleGrant, StaffRole, StaffUser, parse_grant
from gateway.ports.command_output import json_option, print_json_lines
from gateway.services.people.users import AuditOrigin, UserDraft, UserService
from gateway.settings import LibrarySettings
from gateway.store.audit import AuditEntry

T = TypeVar("T")

MAX_PASSWORD_FILE_BYTES = 2_000

_NAME = click.argument("name", metavar="NAME")

password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    default=None,
    metavar="FILE",
    help="Read the password from the first line of FILE (-: standard input). Default: prompt for it.",
)

roles_option = click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE[@BRANCH]",
    help="Role. Can be repeated; patron-services may be limited to a branch; ROLE@*: in all libraries. "
    "See `illgate user roles`.",
)


@click.group(name="user")
def user_command() -> None:
    """Manage staff accounts for /staff.

    User names are shared by all libraries of an installation; roles are assigned for each library.
    """


# --- looking -------------------------------------------------------------------------------------------------


@user_command.command(name="list")
@library_option
@json_option
@pass_installation
def list_users(installation: Installation, symbol: str, as_json: bool) -> None:
    """List the accounts of a library with their roles. Each line also shows the sign-in method and the date of
    disabling."""
    library = require_library(installation, symbol)
    users = _run_on_users(installation, library, lambda service: service.list_users())
    if as_json:
        print_json_lines(_document_of_user(user, library) for user in users)
        return
    if not users:
        click.echo("no accounts; create one with `illgate user add NAME --role operator`")
        return
    heading = ("NAME", "SHOWN AS", "ROLES", "SIGNS IN BY", "CREATED", "")
    print_lines(format_table([heading, *(_format_user_row(user, library) for user in users)]))


@user_command.command(name="roles")
@json_option
def list_roles(as_json: bool) -> None:
    """List the roles and their rights."""
    if as_json:
        print_json_lines({"role": role, "rights": sorted(RIGHTS[role])} for role in StaffRole)
        return
    rows = [(role.value, ", ".join(sorted(RIGHTS[role]))) for role in StaffRole]
    print_lines(format_table([("ROLE", "RIGHTS"), *rows]))


def _format_user_row(user: StaffUser, library: LibrarySettings) -> tuple[str, ...]:
    disabled = f"disabled {format_local_time(user.disabled, library.zone)}" if user.disabled is not None else ""
    by_password = "password and code" if user.has_second_factor else "password"
    ways = by_password if user.has_password else "identity provider"
    created = format_local_time(user.created, library.zone)
    return user.name, user.shown_name, _describe_roles(user, library), ways, created, disabled


def _list_roles(user: StaffUser, library: LibrarySettings) -> list[str]:
    """Each once, whether people gave it or a provider's groups."""
    return list(dict.fromkeys(str(grant) for grant in user.grants_in(library.symbol)))


def _describe_roles(user: StaffUser, library: LibrarySettings) -> str:
    return ",".join(_list_roles(user, library))


def _document_of_user(user: StaffUser, library: LibrarySettings) -> dict[str, object]:
    return {
        "name": user.name,
        "shown_name": user.shown_name,
        "email": user.email,
        "subject": user.subject,
        "roles": _list_roles(user, library),
        "has_password": user.has_password,
        "created": user.created,
        "disabled": user.disabled,
        "has_second_factor": user.has_second_factor,
        "linked": user.linked,
    }


# --- changing ------------------------------------------------------------------------------------------------


@user_command.command(name="add")
@_NAME
@roles_option
@click.option("--shown-name", default="", metavar="TEXT", help="Display name. Default: NAME.")
@click.option(
    "--email", default="", metavar="ADDRESS", help="Email address shown to colleagues who lack access to a page."
)
@click.option("--subject", default="", metavar="TEXT", help="Name at the identity provider, if it differs from NAME.")
@password_option
@click.option("--no-password", is_flag=True, help="Allow sign-in through the identity provider only.")
@staff_option
@library_option
@pass_installation
def add_user(
    installation: Installation,
    name: str,
    roles: tuple[str, ...],
    shown_name: str,
    email: str,
    subject: str,
    password_file: Path | None,
    no_password: bool,
    actor: str,
    symbol: str,
) -> None:
    """Create a staff account. NAME is the user name for signing in.

    \b
    Examples:
      illgate user add r.okafor --role staff --role clearance --shown-name 'Ruth Okafor'
      illgate user add j.tanaka --role operator --email ill-tech@riverside.example
      illgate user add desk-east --role patron-services@EAST --password-file secret.txt
      illgate user add m.eriksen --role manager --no-password
      illgate user add a.silva --role office
    """
    library = require_library(installation, symbol)
    grants = _parse_roles(library, roles)
    if not (grants or library.staff.oidc.grants or installation.settings.staff.oidc.grants):
        raise click.UsageError("--role is required: an account without a role has no rights")
    if no_password and password_file is not None:
        raise click.UsageError("use either --no-password or --password-file")
    draft = UserDraft(
        library=library.symbol,
        name=name,
        shown_name=shown_name,
        email=email,
        subject=subject,
        password="" if no_password else _read_password(password_file),
        grants=grants,
    )
    user = _run_on_users(installation, library, lambda service: service.add_user(draft, AuditOrigin(actor)))
    click.echo(f"added: {user.name} ({_describe_roles(user, library)}) in {library.symbol}")


@user_command.command(name="set-password")
@_NAME
@password_option
@staff_option
@library_option
@pass_installation
def set_password(installation: Installation, name: str, password_file: Path | None, actor: str, symbol: str) -> None:
    """Set a new password and end all sessions of the account."""
    library = require_library(installation, symbol)
    password = _read_password(password_file)

    async def change_password(service: UserService) -> StaffUser:
        user = await service.find_user(name)
        await service.set_password(user, password, AuditOrigin(actor))
        return user

    click.echo(f"password set: {_run_on_users(installation, library, change_password).name}")


@user_command.command(name="set-roles")
@_NAME
@roles_option
@click.option("--none", "no_role", is_flag=True, help="Remove all roles in this library.")
@staff_option
@library_option
@pass_installation
def set_roles(
    installation: Installation, name: str, roles: tuple[str, ...], no_role: bool, actor: str, symbol: str
) -> None:
    """Replace the roles of an account in a library. This ends all its sessions.

    Roles that count in all libraries (ROLE@*) are replaced, too.
    """
    library = require_library(installation, symbol)
    if bool(roles) == no_role:
        raise click.UsageError("--role or --none is required")
    grants = _parse_roles(library, roles)

    async def change_roles(service: UserService) -> StaffUser:
        user = await service.find_any_user(name)
        return await service.set_roles(user, grants, AuditOrigin(actor), ALL_LIBRARIES)

    user = _run_on_users(installation, library, change_roles)
    click.echo(f"roles set: {user.name} ({_describe_roles(user, library) or 'none'}) in {library.symbol}")


@user_command.command(name="disable")
@_NAME
@staff_option
@library_option
@pass_installation
def disable_user(installation: Installation, name: str, actor: str, symbol: str) -> None:
    """Disable an account and end its sessions. Its history is kept."""
    _switch_account(installation, name, symbol, lambda service, user: service.disable_user(user, AuditOrigin(actor)))
    click.echo(f"disabled: {name}")


@user_command.command(name="enable")
@_NAME
@staff_option
@library_option
@pass_installation
def enable_user(installation: Installation, name: str, actor: str, symbol: str) -> None:
    """Enable a disabled account."""
    _switch_account(installation, name, symbol, lambda service, user: service.enable_user(user, AuditOrigin(actor)))
    click.echo(f"enabled: {name}")


@user_command.command(name="reset-second-factor")
@_NAME
@staff_option
@library_option
@pass_installation
def reset_second_factor(installation: Installation, name: str, actor: str, symbol: str) -> None:
    """Delete the second factor of an account. This also deletes its recovery codes and ends its sessions."""
    library = require_library(installation, symbol)

    async def reset_factor(service: UserService) -> bool:
        return await service.reset_second_factor(await service.find_user(name), AuditOrigin(actor))

    was_there = _run_on_users(installation, library, reset_factor)
    click.echo(f"second factor reset: {name}" if was_there else f"no second factor: {name}")


@user_command.command(name="unlink")
@_NAME
@staff_option
@library_option
@pass_installation
def unlink_user(installation: Installation, name: str, actor: str, symbol: str) -> None:
    """Unlink an account from the identity provider. This ends its sessions.

    The next sign-in under the account's name there makes a new link.
    """
    _switch_account(installation, name, symbol, lambda service, user: service.unlink_identity(user, AuditOrigin(actor)))
    click.echo(f"unlinked: {name}")


def _switch_account(
    installation: Installation, name: str, symbol: str, switch: Callable[[UserService, StaffUser], Awaitable[object]]
) -> None:
    library = require_library(installation, symbol)

    async def find_and_switch(service: UserService) -> None:
        await switch(service, await service.find_user(name))

    _run_on_users(installation, library, find_and_switch)


def _parse_roles(library: LibrarySettings, roles: tuple[str, ...]) -> tuple[RoleGrant, ...]:
    try:
        return tuple(parse_grant(library.symbol, role) for role in roles)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--role") from None


def _read_password(file: Path | None) -> str:
    """Read from the file, standard input, or whoever sits at the terminal. Raises click.UsageError where there is
    none."""
    if file is None and sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    with click.open_file(str(file or "-"), encoding="utf-8") as lines:
        password = str(lines.readline(MAX_PASSWORD_FILE_BYTES)).rstrip("\r\n")
    if not password:
        where = "standard input" if file in (None, Path("-")) else f"the first line of {file}"
        raise click.UsageError(f"no password in {where}")
    return password


def _run_on_users(
    installation: Installation, library: LibrarySettings, work: Callable[[UserService], Awaitable[T]]
) -> T:
    async def open_and_run() -> T:
        async with installation.open_library_store(library) as store:
            return await work(UserService(store))

    with errors_as_sentences():
        return asyncio.run(open_and_run())


# --- the audit log -------------------------------------------------------------------------------------------


@click.group(name="audit")
def audit_command() -> None:
    """Show the audit log: sign-ins, account changes and views of masked patron data."""


@audit_command.command(name="list")
@click.option("--user", "name", default="", metavar="NAME", help="Only actions of this user.")
@click.option(
    "--since", default="", metavar="TIME", help="Start time: 2026-03-01, or a time ago such as 30m, 2h, 3d or 1w."
)
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def list_audit(
    installation: Installation, name: str, since: str, limit: int, cursor: str, symbol: str, as_json: bool
) -> None:
    """List audit log entries, newest first. Each line shows time, user, action, object and address.

    Changes to requests are recorded in their history: see `illgate request show`.
    """
    library = require_library(installation, symbol)
    begin: datetime | None = parse_moment(since, installation.clock.now(), library.zone) if since else None
    actor = f"staff:{name}" if name else ""
    entries = _run_on_users(
        installation,
        library,
        lambda service: service.list_audit_entries(limit, before=cursor, actor=actor, since=begin),
    )
    if as_json:
        print_json_lines(_document_of_entry(entry) for entry in entries)
    elif not entries:
        click.echo("no entries")
    else:
        heading = ("AT", "WHO", "DID", "TO", "DETAIL", "FROM")
        print_lines(format_table([heading, *(_format_entry_row(entry, library) for entry in entries)]))
    print_cursor(entries[-1].id if len(entries) == limit else "")


def _format_entry_row(entry: AuditEntry, library: LibrarySettings) -> tuple[str, ...]:
    at = format_local_time(entry.at, library.zone)
    return at, entry.actor, entry.action, entry.subject, entry.detail, entry.peer


def _document_of_entry(entry: AuditEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "peer": entry.peer,
    }
