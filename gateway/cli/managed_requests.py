"""Managed requests that a command acts on, beside a running daemon and on the same store: what is to be sent is left to
its worker, what the library must say yes to is asked at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import click

from gateway.cli.installation import CommandFailed, Installation, errors_as_sentences
from gateway.domain.requests.request import Request
from gateway.domain.requests.views import NotFound
from gateway.ports.adapter import OpenLibrary
from gateway.runtime.assembly import make_open_library
from gateway.runtime.exchange_assembly import make_journal_options
from gateway.runtime.library_contexts import build_library_contexts
from gateway.runtime.managed_requests import ManagedRequests
from gateway.services.exchange.circulation_link import DeskLink
from gateway.services.letters.renderer import make_letter_renderer
from gateway.services.libraries.library_services import LibraryServices
from gateway.settings import LibrarySettings
from gateway.store.journal import Journal
from gateway.store.nodes import COMMAND, Node, make_node_name

T = TypeVar("T")


@asynccontextmanager
async def open_managed_requests(installation: Installation, shown: str = "") -> AsyncIterator[ManagedRequests]:
    """The store up to date, libraries open (`shown`: one that may be closed). Profiles and policies are those of
    `Installation.working_configuration`, read when something is asked of them, which raises ConfigurationError then.

    Raises ConfigurationError, SchemaTooNew, SchemaTooOld, Unavailable.
    """
    parts = installation.parts
    async with installation.open_current_store() as store:
        managed = ManagedRequests(
            settings=installation.settings,
            adapters=installation.adapters,
            clock=installation.clock,
            secrets=parts.secrets,
            store=store,
            journal=Journal(store, make_journal_options(parts)),
            libraries=await parts.open_libraries(store, shown),
            profiles=lambda: installation.working_configuration[0],
            policies=lambda symbol: installation.working_configuration[1].for_library(symbol),
            node=Node(store, make_node_name(COMMAND)),  # a daemon that starts leaves our rows to us
        )
        try:
            await managed.network.restore_reports(managed.contexts)
            yield managed
        finally:
            await managed.close_clients()


def run_on_requests(installation: Installation, work: Callable[[ManagedRequests], Awaitable[T]]) -> T:
    """Open, do the work, close. What is refused ends the command with a sentence (`CommandFailed`,
    click.UsageError). Nothing is begun unless profiles and policies can be worked with."""
    installation.require_configuration()

    async def open_and_run() -> T:
        async with open_managed_requests(installation) as managed:
            return await work(managed)

    with errors_as_sentences():
        return asyncio.run(open_and_run())


def run_on_library(
    installation: Installation, library: LibrarySettings, work: Callable[[LibraryServices], Awaitable[T]]
) -> T:
    """Do the work on one library; see `run_on_requests`. Nothing is done for a closed one."""
    if not library.is_served:
        raise CommandFailed(f"Nothing was done: library {library.short_name} is closed (`state` of its settings).")
    return run_on_requests(installation, lambda managed: work(managed.libraries[library.symbol]))


def read_from_library(
    installation: Installation, library: LibrarySettings, read: Callable[[LibraryServices], Awaitable[T]]
) -> T:
    """Open, look, close; `read` changes nothing. Profiles and policies are read when one is asked for. Errors are those
    of `run_on_requests`."""

    async def open_and_read() -> T:
        async with open_managed_requests(installation, library.symbol) as managed:
            return await read(managed.libraries[library.symbol])

    with errors_as_sentences():
        return asyncio.run(open_and_read())


def run_on_request(
    installation: Installation,
    library: LibrarySettings,
    number: str,
    work: Callable[[LibraryServices, Request], Awaitable[T]],
) -> T:
    """Do the work on the request of this number, barcode or id; see `run_on_requests`. Where the words of a
    work find one request, it is named, and nothing is done: tomorrow they may find another."""

    async def find_and_run(services: LibraryServices) -> T:
        try:
            request = await services.requests.find_request(number)
        except NotFound:
            match = await services.requests.find_only_match(number, hides_patrons=True)
            raise click.UsageError(
                f"'{number}' finds {match.number} ({match.citation.short}): use this number"
            ) from None
        return await work(services, request)

    return run_on_library(installation, library, find_and_run)


def open_desk(installation: Installation, opened: OpenLibrary) -> DeskLink:
    """Open the desk of a library for its system's commands: requests of its items and patrons follow. Raises
    ConfigurationError."""
    settings, context = installation.settings, opened.context
    library = make_open_library(settings.find_library(context.library), opened.system)
    profiles, policies = installation.profiles.profiles, installation.policies.policies
    contexts = build_library_contexts(
        settings, context.store, installation.clock, {library.symbol: library}, lambda: profiles, policies.for_library
    )
    return DeskLink(contexts[library.symbol], make_letter_renderer(settings))
