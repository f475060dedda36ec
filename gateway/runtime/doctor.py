"""Faults of a machine, an installation and its network, with remedies.

What `illgate check --live`, /readyz and the outbox know is asked of them. Here is what nobody else looks at: versions,
disk, clock, rights of files, ports, mailboxes and the age of backups.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import platform
import pwd
import shutil
import socket
import sqlite3
import ssl
import stat
import urllib.request
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gateway.configuration.yaml_document import display_path
from gateway.domain.clock import Clock, StoreClock
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store
from gateway.ports.system_errors import describe_system_error
from gateway.runtime.listeners import make_own_url
from gateway.runtime.monitoring import LOW_SPACE, find_newest_backup
from gateway.services.operation.check import CheckReport
from gateway.services.operation.partner_probe import probe_address
from gateway.settings import Settings
from gateway.store.migration import measure_database_bytes
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxStatus

MAX_ANSWER_SECONDS = 10.0
"""Longest wait for the daemon's answer: it asks its parts."""

MAX_CLOCK_LAG = timedelta(minutes=2)

MAX_BACKUP_AGE = timedelta(days=2)
"""As in the alert IllgateBackupOld."""

MAX_WAIT = timedelta(days=1)
"""Of a message to a partner who cannot be reached."""


class FindingState(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@value_object
class Finding:
    """One line of the page. `remedy`: what to do; empty where all is well, or where the text says it."""

    area: str
    state: FindingState
    text: str
    remedy: str = ""


OK, WARNING, PROBLEM = FindingState


# --- the machine and its files -----------------------------------------------------------------------------------


def examine_machine(folder: Path) -> Iterator[Finding]:
    """`folder`: where the database is, or the settings are."""
    area = "machine"
    yield Finding(
        area, OK, f"illgate {version('illgate')}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
    free = shutil.disk_usage(folder).free
    remedy = "Free some space, or move the database to a larger disk" if free < LOW_SPACE else ""
    yield Finding(area, WARNING if remedy else OK, f"{free / 1e6:.0f} MB free at {display_path(folder)}", remedy)


def examine_clock(database: Path | None, clock: Clock) -> Iterator[Finding]:
    """Compare the machine's clock with that of the database's server, or with the last write to the file."""
    ahead = clock.offset if isinstance(clock, StoreClock) else timedelta()
    if database is not None:
        ahead = datetime.fromtimestamp(database.stat().st_mtime, UTC) - clock.now()
    if ahead > MAX_CLOCK_LAG or (database is None and -ahead > MAX_CLOCK_LAG):
        text = f"the clock of this machine differs from the database's by {abs(ahead.total_seconds()):.0f} s"
        yield Finding("machine", PROBLEM, text, "Set the clock, and keep it by NTP (`timedatectl set-ntp true`)")


def examine_files(settings: Settings, database: Path | None, references: Iterable[str]) -> Iterator[Finding]:
    """Rights of settings, database and files of secrets. `references`: of the secrets that settings and profiles
    name."""
    findings = list(_examine_rights(settings, database, references))
    yield from findings or [Finding("files", OK, "settings, database and secrets have safe permissions")]


def _examine_rights(settings: Settings, database: Path | None, references: Iterable[str]) -> Iterator[Finding]:
    area = "files"
    if settings.file.stat().st_mode & stat.S_IWOTH:
        text = f"{display_path(settings.file)}: every user of this machine can change it"
        yield Finding(area, PROBLEM, text, f"chmod o-w {settings.file}")
    secrets = {settings.folder / name.removeprefix("file:") for name in references if name.startswith("file:")}
    for file in sorted(file for file in secrets if file.exists()):
        if file.stat().st_mode & stat.S_IRWXO:
            text = f"{display_path(file)}: every user of this machine can read this secret"
            yield Finding(area, PROBLEM, text, f"chmod o-rwx {file}")
    if database is None or not database.exists():
        return
    status = database.stat()
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = f"{display_path(database)}: other users can read it, and it names patrons"
        yield Finding(area, PROBLEM, text, f"chmod 600 {database}")
    owner = _name_user(status.st_uid)
    if status.st_uid != os.geteuid():
        text = f"{display_path(database)} belongs to {owner}, and this command runs as {getpass.getuser()}"
        yield Finding(area, WARNING, text, f"Run commands as {owner}, such as `sudo -u {owner} illgate …`")


def _name_user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def examine_backups(settings: Settings, now: datetime) -> Finding:
    area = "database"
    if not settings.store.backups:
        remedy = "Let `illgate backup` run each night, and name its folder in store.backups"
        return Finding(area, WARNING, "nobody watches the age of backups", remedy)
    folder = settings.folder / settings.store.backups
    newest = find_newest_backup(folder)
    if not newest:
        return Finding(area, PROBLEM, f"{display_path(folder)}: no backup", "Make one: `illgate backup`")
    age = now - datetime.fromtimestamp(newest, now.tzinfo)
    text = f"newest backup: {age.total_seconds() / 3600:.0f} hours old"
    if age > MAX_BACKUP_AGE:
        return Finding(area, PROBLEM, text, "See why the timer or cron no longer makes them")
    return Finding(area, OK, text)


# --- the network -------------------------------------------------------------------------------------------------


async def examine_daemon(settings: Settings) -> AsyncIterator[Finding]:
    """Report what a running daemon says of itself; if there is none, whether it could listen."""
    area, http = "daemon", settings.http
    if not http.port:
        return
    address = make_own_url(http.host, http.port, is_encrypted=bool(http.tls.certificate))
    try:
        document = await asyncio.to_thread(_ask_readiness, f"{address}/readyz")
    except (OSError, ValueError):
        for finding in _examine_ports(settings):
            yield finding
        return
    yield Finding(area, OK, f"the daemon answers at {address}")
    if document["version"] != version("illgate"):
        text = f"the daemon is illgate {document['version']}, and this command {version('illgate')}"
        yield Finding(area, WARNING, text, "Restart the daemon")
    for part in document["parts"]:
        if not part["up"]:
            yield Finding(
                area, PROBLEM, f"{part['name']}: {part['problem']}", "docs/monitoring.md, Troubleshoot /readyz"
            )
        for note in part.get("notes", ()):
            yield Finding(area, WARNING, f"{part['name']}: {note}")


def _ask_readiness(url: str) -> dict[str, Any]:
    """Ask for the parts, also of a daemon that is not ready. Raises OSError, ValueError (another program answers)."""
    own = ssl.create_default_context()
    own.check_hostname, own.verify_mode = False, ssl.CERT_NONE  # it is this machine; its name is not in the certificate
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=own), _KeepErrors()
    )
    with opener.open(url, timeout=MAX_ANSWER_SECONDS) as answer:
        document = json.load(answer)
    if not isinstance(document, dict) or not {"version", "parts"} <= document.keys():
        raise ValueError("not a daemon of illgate")
    return document


class _KeepErrors(urllib.request.HTTPErrorProcessor):
    """A daemon that is not ready answers with 503, and says why."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


def _examine_ports(settings: Settings) -> Iterator[Finding]:
    area = "daemon"
    listeners = [(settings.http.host, settings.http.port), *((each.host, each.port) for each in settings.tcp)]
    taken = False
    for host, port in listeners:
        if problem := _try_listening(host, port):
            taken = True
            remedy = f"End the program that has it (`ss -ltnp 'sport = :{port}'`), or choose another port"
            yield Finding(area, PROBLEM, f"cannot listen on {host} port {port}: {problem}", remedy)
    if not taken:
        yield Finding(area, WARNING, "no daemon is running", "`illgate serve`, or `systemctl start illgate`")


def _try_listening(host: str, port: int) -> str:
    """Return why nobody could listen there; empty: a daemon could."""
    kind, protocol, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][:5]
    with socket.socket(kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return describe_system_error(error)
    return ""


async def examine_mail_server(settings: Settings) -> AsyncIterator[Finding]:
    if settings.mail.host:
        server = f"{settings.mail.host}:{settings.mail.port}"
        problem = await probe_address(server)
        remedy = "Check mail.host and mail.port, and the firewall; `illgate check` verifies the rest" if problem else ""
        yield Finding("mail", PROBLEM if problem else OK, f"mail server {server}: {problem or 'reachable'}", remedy)


# --- the store and the configuration -----------------------------------------------------------------------------


async def examine_store(store: Store, now: datetime) -> AsyncIterator[Finding]:
    """Size, and what waits in the outbox. Raises Unavailable."""
    size = await measure_database_bytes(store)
    yield Finding("database", OK, f"{store.url.get_backend_name()}: current, {size / 1e6:.0f} MB")
    area = "outbox"
    counts = await store.read(outbox_queries.count_unfinished_rows)
    dead = sum(count for (_, status), count in counts.items() if status is OutboxStatus.DEAD)
    waiting = sum(counts.values()) - dead
    oldest = await store.read(outbox_queries.find_oldest_waiting)
    if dead:
        yield Finding(area, WARNING, f"{dead} dead letters", "`illgate outbox list`, then release, edit or skip them")
    if oldest is not None and now - oldest > MAX_WAIT:
        days = (now - oldest).days
        yield Finding(area, WARNING, f"the oldest message has waited for {days} days", "`illgate outbox waiting`")
    elif not dead:
        yield Finding(area, OK, f"{waiting} waiting, no dead letters")


def examine_report(report: CheckReport) -> Iterator[Finding]:
    """Report the findings of `illgate check --live`: settings, profiles, certificates, systems, partners' addresses."""
    area = "configuration"
    for problem in report.problems:
        yield Finding(area, PROBLEM, str(problem))
    for remark in report.remarks:
        yield Finding(area, WARNING, str(remark))
    for symbol, steps in report.steps.items():
        if not any(step.problem for step in steps):
            yield Finding(area, OK, f"library {symbol}: {', '.join(step.name for step in steps)}")
    if not report.problems:
        yield Finding(area, OK, f"settings and {len(report.profiles)} profiles have no problems")
