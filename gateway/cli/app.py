"""The group of all commands.

Nothing of the gateway is imported before a command is run, so that `--version` and `--help` come at once.
"""

from __future__ import annotations

import gc
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple

import click

from gateway import SETTINGS_FILE


class CommandEntry(NamedTuple):
    """`module` has the click command as `attribute`."""

    module: str
    attribute: str
    help: str


class LazyGroup(click.Group):
    """A group whose commands are loaded when they are used: their help stands with their `entries`."""

    def __init__(self, *, entries: Mapping[str, CommandEntry], **options: Any) -> None:
        super().__init__(**options)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        assert isinstance(command, click.Command), f"{entry.module}.{entry.attribute}"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(self.describe_commands())

    def describe_commands(self) -> list[tuple[str, str]]:
        """Return the name and the help of each command."""
        return [(name, entry.help) for name, entry in self._entries.items()]


COLLECTION_THRESHOLDS = (20_000, 20, 20)
"""Counts for `gc.set_threshold`, above Python's: garbage in cycles isn't looked for several times for each message,
whose values go without that, and hundreds of times while a program is loaded whose classes all stay."""

LIBRARY = "library"
"""The command about libraries, to which the adapter of the library system in use adds its own."""

COMMANDS = {
    "init": CommandEntry(
        "gateway.cli.daemon_commands", "init_command", "Create an installation in a folder, with a sample library."
    ),
    "upgrade": CommandEntry(
        "gateway.cli.daemon_commands", "upgrade_command", "Upgrade the database of an older release."
    ),
    "serve": CommandEntry("gateway.cli.daemon_commands", "serve_command", "Run the daemon."),
    "backup": CommandEntry(
        "gateway.cli.backup_commands", "backup_command", "Copy the SQLite database and show what the copy contains."
    ),
    "restore": CommandEntry(
        "gateway.cli.backup_commands", "restore_command", "Put a backup in the place of the database."
    ),
    "deploy": CommandEntry(
        "gateway.cli.deploy_command", "deploy_command", "Write the files of a service, a proxy or the monitoring."
    ),
    "check": CommandEntry(
        "gateway.cli.check_command",
        "check_command",
        "Check settings and profiles for problems; run the profiles' examples.",
    ),
    "doctor": CommandEntry(
        "gateway.cli.doctor_command",
        "doctor_command",
        "Find out what is wrong with machine, installation, network.",
    ),
    "config": CommandEntry("gateway.cli.config_commands", "config_command", "Show the settings in use."),
    "adapters": CommandEntry(
        "gateway.cli.adapter_commands", "adapters_command", "List installed adapters, or begin one of your own."
    ),
    "profile": CommandEntry("gateway.cli.profile_commands", "profile_command", "List, show and compare profiles."),
    "journal": CommandEntry(
        "gateway.cli.journal_commands", "journal_command", "List, show and export messages sent and received."
    ),
    "replay": CommandEntry("gateway.cli.replay_command", "replay_command", "Replay messages from the journal."),
    "replay-job": CommandEntry(
        "gateway.cli.replay_job_commands",
        "replay_job_command",
        "Begin, list, pause, resume and stop replays of many messages.",
    ),
    "letter": CommandEntry(
        "gateway.cli.mail_commands", "letter_command", "List and preview letters to patrons and partners."
    ),
    "translations": CommandEntry(
        "gateway.cli.translation_commands", "translations_command", "Translate pages and letters into another language."
    ),
    "key": CommandEntry("gateway.cli.daemon_commands", "key_command", "Create, list and revoke API keys."),
    "peer-key": CommandEntry(
        "gateway.cli.peer_key_commands",
        "peer_key_command",
        "Create, list and retire keys that sign messages to partners.",
    ),
    "user": CommandEntry("gateway.cli.user_commands", "user_command", "Manage staff accounts for /staff."),
    "audit": CommandEntry("gateway.cli.user_commands", "audit_command", "Show the audit log."),
    "states": CommandEntry(
        "gateway.cli.profile_commands", "states_command", "Show the state tables of managed requests."
    ),
    "request": CommandEntry("gateway.cli.request_group", "request_command", "List, show, create and process requests."),
    "task": CommandEntry("gateway.cli.task_commands", "task_command", "List the task lists of staff."),
    "message": CommandEntry(
        "gateway.cli.message_commands", "message_command", "List, show and mark messages from partners."
    ),
    "partner": CommandEntry(
        "gateway.cli.partner_commands", "partner_command", "Show partners with their open requests."
    ),
    "directory": CommandEntry(
        "gateway.cli.directory_commands", "directory_command", "List and pull directories of partners."
    ),
    "rota": CommandEntry(
        "gateway.cli.partner_commands", "rota_command", "Show rotas and explain the order of suppliers."
    ),
    "search": CommandEntry(
        "gateway.cli.search_command", "search_command", "Search other libraries' catalogues and request results."
    ),
    "mail": CommandEntry(
        "gateway.cli.mail_commands",
        "mail_command",
        "Read mailboxes, explain email, process unmatched email.",
    ),
    "outbox": CommandEntry(
        "gateway.cli.outbox_commands", "outbox_command", "List failed work (dead letters); retry, edit or skip it."
    ),
    LIBRARY: CommandEntry("", "", "Add and list libraries; show and edit the built-in one."),
}


SUBJECTS = {
    "Installation": "init upgrade serve backup restore deploy check doctor config",
    "Libraries and partners": f"{LIBRARY} partner directory rota profile adapters",
    "Requests": "request task search states",
    "Messages": "message mail outbox journal replay replay-job letter translations",
    "Accounts and keys": "user audit key peer-key",
}
"""The commands of `COMMANDS` in help, by subject."""

OTHERS = "Protocols and simulations"
"""The subject of commands that adapters bring."""

EXTENSIONS = "illgate.commands"
"""The entry point group of commands that adapters bring: each is a click command, shown as `illgate NAME`. Ours come
first where names are the same."""

SHIPPED_EXTENSIONS = {
    "adapters.iso_ill.commands:command": "Read ISO ILL messages (APDUs, ISO 10161).",
    "adapters.sru.commands:command": "Query SRU servers.",
    "rehearsal.conformance.conformance_command:conformance_command": "Test whether a partner's system conforms to its "
    "protocol.",
    "rehearsal.fakes.fake_command:command": "Run a simulated library system in memory for rehearsals.",
    "rehearsal.mock.mock_command:mock_command": "Simulate a partner that answers and sends messages.",
    "rehearsal.send.send_command:send_command": "Simulate a partner: build a message, send it, show the answer.",
}
"""What help says of those of our own adapters, by entry point: to ask the commands themselves, their adapters would
have to be loaded."""


_UNKNOWN_COMMAND = re.compile(r"No such command '(.+)'\.")
"""What click says; it has no class for it."""


class MainGroup(LazyGroup):
    """The group of all commands, those that adapters bring included."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *_find_extensions()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if point := _find_extensions().get(cmd_name):
            return _load_extension(point)
        return _find_library_command(ctx) if cmd_name == LIBRARY else super().get_command(ctx, cmd_name)

    def describe_commands(self) -> list[tuple[str, str]]:
        brought = [(name, _describe_extension(point)) for name, point in _find_extensions().items()]
        return [*super().describe_commands(), *brought]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        helps = dict(self.describe_commands())
        subjects = {title: names.split() for title, names in SUBJECTS.items()}
        subjects[OTHERS] = [name for name in helps if name not in COMMANDS]
        for title, names in subjects.items():
            with formatter.section(click.style(title, bold=True)):
                formatter.write_dl([(click.style(name, fg="cyan"), helps[name]) for name in names])

    def invoke(self, ctx: click.Context) -> object:
        from gateway.cli.installation import errors_as_exit_codes

        with errors_as_exit_codes(ctx), _suggested_commands():
            return super().invoke(ctx)


@contextmanager
def _suggested_commands() -> Iterator[None]:
    """A command that isn't there, of this group or of one within, also of an adapter's: which was probably meant."""
    try:
        yield
    except click.UsageError as error:
        unknown = _UNKNOWN_COMMAND.fullmatch(error.message)
        group = error.ctx.command if error.ctx is not None else None
        if unknown is None or error.ctx is None or not isinstance(group, click.Group):
            raise
        from gateway.configuration.yaml_document import nearest_match

        near = nearest_match(unknown[1], group.list_commands(error.ctx))
        if not near:
            raise
        raise click.UsageError(f"{error.message} Did you mean '{near}'?", error.ctx) from error


@cache
def _find_extensions() -> dict[str, EntryPoint]:
    points = sorted(entry_points(group=EXTENSIONS), key=lambda point: point.name)
    return {point.name: point for point in points if point.name not in COMMANDS}


def _describe_extension(point: EntryPoint) -> str:
    """One that is broken doesn't keep the others from being shown; whoever calls it gets the whole reason."""
    if point.value in SHIPPED_EXTENSIONS:
        return SHIPPED_EXTENSIONS[point.value]
    from gateway.adapter_registry import AdapterError

    try:
        return _load_extension(point).get_short_help_str(80)
    except AdapterError as broken:
        return f"Can't be used: {broken}"


def _load_extension(point: EntryPoint) -> click.Command:
    from gateway.adapter_registry import AdapterError

    where = f"command '{point.name}' ({point.value}, entry point group {EXTENSIONS})"
    try:
        command = point.load()
    except Exception as error:  # whatever a third party's module raises while it is imported
        raise AdapterError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(command, click.Command):
        raise AdapterError(f"{where} is a {type(command).__name__}, not a click command")
    return command


def _find_library_command(ctx: click.Context) -> click.Command:
    """The commands about libraries, and those of the library system in use; of several kinds, the first that has
    some."""
    from gateway.cli.installation import Installation
    from gateway.cli.library_commands import make_library_command

    installation = ctx.obj or Installation(ctx.params["config"])
    parts, libraries = installation.store_parts, installation.settings.served_libraries
    kinds = {name: kind for library in libraries for name, kind in parts.kinds_of(library).items()}
    for adapter in kinds.values():
        if adapter.load_command is not None:
            return make_library_command(adapter.load_command())
    return make_library_command(None)


@click.command(
    name="illgate",
    cls=MainGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "color": False if os.environ.get("NO_COLOR") else None},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ILLGATE_CONFIG",
    default=SETTINGS_FILE,
    show_default=True,
    show_envvar=True,
    metavar="FILE",
    help="Settings file of the installation.",
)
@click.version_option(package_name="illgate", prog_name="illgate")
@click.pass_context
def main(ctx: click.Context, config: Path) -> None:
    """Interlibrary loan gateway between a library system and its partners.

    \b
    To get started:
      illgate init demo
      cd demo
      illgate check
      illgate serve

    Exit codes: 0 success; 1 refused, or problems found; 2 usage error; 3 invalid settings or profiles; 4 something
    cannot be reached; 5 sent, but the outcome is unknown.
    """
    gc.set_threshold(*COLLECTION_THRESHOLDS)

    from gateway.cli.installation import Installation
    from gateway.runtime.logs import set_up_logging

    set_up_logging("console", "warning")  # until the daemon has read what gateway.yml says
    ctx.obj = Installation(config)
