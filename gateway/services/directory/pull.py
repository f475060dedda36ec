"""A source of the directory asked for all its entries, and its files written.

`directory/SOURCE.json` says how the last pull went. It is written at each; entries only by one that got all of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from yarl import URL

from gateway.configuration.file_replacement import (
    FileChangedError,
    FileNotReplaceableError,
    read_bytes,
    write_beside,
)
from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_http import HttpClient, HttpFailure, HttpLimits, HttpRequest
from gateway.ports.secrets import Secrets
from gateway.services.directory.crosslink import read_page
from gateway.services.directory.entry_files import EntryFiles, plan_files, read_endpoints
from gateway.settings import Settings
from gateway.settings.directory import DirectorySource

log = structlog.get_logger(component="directory")

PAGE_ENTRIES = 1000
"""The most that CrossLink gives at once."""

MAX_PAGES = 100
_LIMITS = HttpLimits(connect_seconds=10, reply_seconds=60, max_bytes=20_000_000)


class PullReport(BaseModel):
    """The last pull of a source. `pulled`: the last that got all entries; `failure`: why the last one didn't,
    empty: it did. `held`: an address on another host that isn't taken yet, by partner."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pulled: datetime | None = None
    entries: int = 0
    held: dict[str, str] = {}
    problems: tuple[str, ...] = ()
    failure: str = ""


@value_object
class DirectoryPull:
    """The sources of an installation."""

    settings: Settings
    secrets: Secrets
    clock: Clock

    def make_folders(self) -> tuple[Path, ...]:
        """Make the folder of each source, so that it can be watched. Raises ConfigurationError."""
        folders = tuple(self.settings.directory_folder / source.name for source in self.settings.directory.sources)
        for folder in folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                message = f"{folder}: can't be made: {error.strerror}; name a folder that the daemon may write"
                raise ConfigurationError([self.settings.make_problem(("directory", "folder"), message)]) from error
        return folders

    async def pull(self, source: DirectorySource, accepted: Collection[str] = ()) -> PullReport:
        """Pull a source. `accepted`: partners whose new address the office agrees to. Raises Unavailable, and then no
        entry has changed, but the report says so. The folders must be there."""
        try:
            items = await self._fetch_items(source)
            return await asyncio.to_thread(self._write_entries, source, items, accepted)
        except Unavailable as error:
            failed = read_report(self.settings, source).model_copy(update={"failure": str(error)})
            await asyncio.to_thread(self._write_report, source, failed)
            raise

    async def pull_regularly(self, source: DirectorySource) -> None:
        """Pull a source as a task of the daemon; raises Unavailable."""
        report = await self.pull(source)
        held, problems = sorted(report.held), list(report.problems)
        log.info("directory.pulled", source=source.name, entries=report.entries, held=held, problems=problems)

    async def _fetch_items(self, source: DirectorySource) -> list[dict[str, object]]:
        """Fetch all entries, along the links of pages, which must not lead elsewhere. Raises Unavailable."""
        base = URL(source.url)
        url = (base / "entries").with_query(limit=PAGE_ENTRIES)
        items: list[dict[str, object]] = []
        async with HttpClient() as client:
            for _ in range(MAX_PAGES):
                page = read_page(await self._fetch_page(client, source, url))
                items += page.items
                if not page.next_link:
                    if len(items) < page.count:
                        raise Unavailable(
                            write_about(
                                base.origin(),
                                write_sentence(
                                    "%(count)s entries, but it states %(stated)s", count=len(items), stated=page.count
                                ),
                            )
                        )
                    return items
                url = _follow_link(url, page.next_link)
        raise Unavailable(write_about(base.origin(), write_sentence("more than %(most)s pages", most=MAX_PAGES)))

    async def _fetch_page(self, client: HttpClient, source: DirectorySource, url: URL) -> bytes:
        headers = {"Accept": "application/json"}
        if source.token:
            try:
                headers["Authorization"] = f"Bearer {self.secrets(source.token)}"
            except ConfigurationError as error:
                raise Unavailable(error.problems[0].describe_problem()) from error
        try:
            reply = await client.exchange(HttpRequest("GET", url, headers=headers), _LIMITS)
        except HttpFailure as failure:
            raise Unavailable(failure.describe_place(url.origin())) from failure
        if reply.status != 200:
            raise Unavailable(write_about(url.origin(), write_sentence("status %(status)s", status=reply.status)))
        if reply.is_cut:
            raise Unavailable(
                write_about(
                    url.origin(),
                    write_sentence("a page of more than %(most)s bytes", most=format(_LIMITS.max_bytes, ",")),
                )
            )
        return reply.body

    def _write_entries(
        self, source: DirectorySource, items: list[dict[str, object]], accepted: Collection[str]
    ) -> PullReport:
        folder = self.settings.directory_folder / source.name
        before = read_endpoints(folder)
        libraries = self.settings.libraries
        ours = [symbol for library in libraries for symbol in (library.symbol, *library.symbols)]
        files = plan_files(items, source, before, ours=ours, currency=libraries[0].currency, accepted=accepted)
        if before and not files.texts:
            raise Unavailable(write_sentence("it lists no library any more; the entries stay as they were"))
        self._write_files(folder, files)
        report = PullReport(
            pulled=self.clock.now(), entries=len(files.texts), held=dict(files.held), problems=files.problems
        )
        self._write_report(source, report)
        return report

    def _write_files(self, folder: Path, files: EntryFiles) -> None:
        for name, text in files.texts.items():
            _replace_file(folder / f"{name}.yml", text.encode())
        for name in files.removed:
            (folder / f"{name}.yml").unlink(missing_ok=True)

    def _write_report(self, source: DirectorySource, report: PullReport) -> None:
        _replace_file(_report_file(self.settings, source), report.model_dump_json(indent=1).encode() + b"\n")


def read_report(settings: Settings, source: DirectorySource) -> PullReport:
    """Read how the last pull went; an empty report where there was none."""
    try:
        return PullReport.model_validate(json.loads(_report_file(settings, source).read_bytes()))
    except (OSError, ValueError, ValidationError):
        return PullReport()


def _report_file(settings: Settings, source: DirectorySource) -> Path:
    return settings.directory_folder / f"{source.name}.json"


def _follow_link(url: URL, link: str) -> URL:
    try:
        target = url.join(URL(link))
    except ValueError:
        raise Unavailable(write_about(url.origin(), write_sentence("the link to the next page is not a URL"))) from None
    if target.origin() != url.origin():
        raise Unavailable(write_about(url.origin(), write_sentence("the link to the next page leads to another host")))
    return target


def _replace_file(file: Path, content: bytes) -> None:
    """Write a file anew, if it says something else now. Raises Unavailable."""
    try:
        before = read_bytes(file)
        if before != content:
            waiting = write_beside(file, before, content)
            try:
                waiting.replace_file()
            finally:
                waiting.remove_waiting_file()
    except OSError as error:
        raise Unavailable(write_about(file.name, str(error.strerror))) from error
    except (FileChangedError, FileNotReplaceableError) as error:
        raise Unavailable(
            write_about(file.name, write_sentence("is being changed by somebody else, or is a link"))
        ) from error
