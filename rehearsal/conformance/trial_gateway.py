"""A gateway for a trial of ourselves: the installation's own settings, profiles and rules, on a store that is thrown
away and with sample libraries, at an address of its own.

The same code answers as in the daemon, and nothing that is said in a trial can be on a list of the daemon's or go to a
partner, a patron or a library's system: the store is another one, and of its outbox only messages to the tried partner
are sent, whose address is where the trial listens, and calls to the sample library.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration.yaml_document import read_yaml
from gateway.domain.problems import Refused, UnfinishedWork
from gateway.domain.profile import Profile
from gateway.domain.requests.state_table import FollowUp
from gateway.domain.value import replace, value_object
from gateway.ports.adapter import ProtocolAdapter
from gateway.profiles import LoadedProfile
from gateway.runtime.assembly import Assembly
from gateway.runtime.daemon import Daemon
from gateway.runtime.database_setup import create_database
from gateway.services.requests.effects import LIBRARY, PARTNER, WORK
from gateway.services.requests.lending import LOCATE
from gateway.settings import Settings
from gateway.settings.article_lookup import ArticleLookupSettings
from gateway.settings.sections import JournalSettings, LibrarySettings, MailSettings, SystemSettings, TcpListener, Tls
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.web.common_headers import make_header_signal
from gateway.web.trusted_proxies import TrustedProxies
from rehearsal.conformance.listening import TrialReception
from rehearsal.mock.mock_lines import MockLines
from rehearsal.mock.mock_site import MockEndpoint
from rehearsal.ports.adapter import find_rehearsal
from rehearsal.ports.trials import ConformanceContext

HERE = "127.0.0.1"

FROM_HERE = [{"kind": "network", "networks": [f"{HERE}/32"]}]
"""Whom the tried profile lets in: a trial is about what is answered, and comes from this machine."""

OWN_WORK = frozenset({LOCATE, FollowUp.REPORT_STATUS, FollowUp.DECIDE_CONDITION, FollowUp.DECIDE_RENEWAL})

LOOK_SECONDS = 0.05
ROWS_AT_ONCE = 100


@value_object(kw_only=True)
class TrialPlan:
    """`partner_address`: where what is said to the partner goes, a URL or HOST:PORT; empty: nothing is."""

    tried: LoadedProfile
    adapter: ProtocolAdapter
    partner_address: str = ""

    @property
    def speaks(self) -> bool:
        """True if the gateway says anything to the partner by the protocol that is tried: by another one its words
        would go to the partner itself."""
        partner, make = self.tried.profile.partner, find_rehearsal(self.adapter.name).partner
        channel = make().channel if make is not None else ""
        return bool(self.partner_address) and partner is not None and partner.channel == channel


@asynccontextmanager
async def open_trial_gateway(parts: Assembly, plan: TrialPlan, folder: Path) -> AsyncIterator[str]:
    """The address at which it takes messages of the partner: a URL or HOST:PORT. `folder` is empty, and whoever gives
    it removes it. Raises ConfigurationError for what is wrong in the installation's files, Unavailable, OSError."""
    file = plan.tried.file
    for source, target in _pair_folders(parts.settings, folder):
        if source.is_dir():
            shutil.copytree(source, target)
            if file.parent == source:
                text = yaml.safe_dump(_rewrite_profile(plan), allow_unicode=True)
                (target / file.name).write_text(text, "utf-8")
    settings = rewrite_settings(parts, plan, folder)
    await _fill_libraries(replace(parts, settings=settings))
    daemon = Daemon(settings, parts.adapters, parts.clock)
    await daemon.start()
    speaking = asyncio.create_task(_work_off(daemon, plan)) if plan.speaks else None
    name = plan.adapter.name
    try:
        if plan.adapter.over_http:
            yield f"{daemon.url}/{name}/{_name_tried(plan.tried.profile, settings)}"
        else:
            yield f"{HERE}:{daemon.tcp_ports[0]}"
    finally:
        try:
            if speaking is not None:
                speaking.cancel()
                with suppress(asyncio.CancelledError):
                    await speaking
        finally:
            await daemon.stop()


def _name_tried(profile: Profile, settings: Settings) -> str:
    """Name the profile in an address; of several libraries its own stands before it."""
    return f"{profile.library}/{profile.name}" if len(settings.libraries) > 1 else profile.name


def _pair_folders(settings: Settings, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Pair the folders of profiles and partners with those of the trial."""
    yield settings.profiles_folder, folder / "profiles"
    yield settings.partners_folder, folder / "partners"


def _rewrite_profile(plan: TrialPlan) -> Mapping[str, Any]:
    written: dict[str, Any] = dict(read_yaml(plan.tried.file).data)
    if plan.tried.profile.auth:
        written["auth"] = FROM_HERE
    name, make = plan.adapter.name, find_rehearsal(plan.adapter.name).trials
    if make is not None and plan.partner_address:
        written[name] = make().aim_section(written.get(name) or {}, plan.partner_address)
    return written


def rewrite_settings(parts: Assembly, plan: TrialPlan, folder: Path) -> Settings:
    """Those of the installation, with a store in `folder`, sample libraries, and no way to anybody outside."""
    settings = parts.settings
    listener = TcpListener(host=HERE, port=0, protocol=plan.adapter.name, profile=plan.tried.profile.name)
    return settings.model_copy(
        update={
            "store": settings.store.model_copy(update={"url": f"sqlite:///{folder / 'trial.db'}", "password": ""}),
            "http": settings.http.model_copy(update={"host": HERE, "port": 0, "tls": Tls()}),
            "tcp": () if plan.adapter.over_http else (listener,),
            "profiles": settings.profiles.model_copy(
                update={
                    "folder": str(folder / "profiles"),
                    "partners": str(folder / "partners"),
                    "reload": False,
                }
            ),
            "libraries": tuple(_choose_sample_system(library, parts.adapters) for library in settings.libraries),
            "article_lookup": ArticleLookupSettings(),
            "mail": MailSettings(),
            "mailboxes": (),
            "journal": JournalSettings(),
            "pages": settings.pages.model_copy(update={"enabled": False}),
            "staff": settings.staff.model_copy(update={"enabled": False}),
        }
    )


def _choose_sample_system(library: LibrarySettings, adapters: AdapterRegistry) -> LibrarySettings:
    """The library's own kind of system where that can make a sample, or else any that can."""
    if adapters.libraries[library.system.type].sample is not None:
        return library
    name, adapter = next(entry for entry in adapters.libraries.items() if entry[1].sample is not None)
    return library.model_copy(update={"system": SystemSettings(type=name, options=adapter.options())})


async def _fill_libraries(parts: Assembly) -> None:
    await create_database(parts)
    store = parts.open_store()
    try:
        for library in parts.settings.libraries:
            sample = parts.adapter_of(library).sample
            assert sample is not None, "_choose_sample_system has looked"
            await sample(parts.library_context(library, store))
    finally:
        await store.close()


async def _work_off(daemon: Daemon, plan: TrialPlan) -> None:
    """Work off what the library's system is asked, and what is for the partner that is tried; nothing else of the
    outbox."""
    symbol = daemon.settings.find_library(plan.tried.profile.library).symbol
    store, list_rows = daemon.managed.contexts[symbol].store, outbox_queries.list_rows_of_kind
    while True:
        for kind in (WORK, LIBRARY, PARTNER):
            page = await store.read(partial(list_rows, library=symbol, kind=kind, request_id="", limit=ROWS_AT_ONCE))
            for row in reversed(page.rows):
                if row.status is OutboxStatus.WAITING and stays_in_trial(row, plan):
                    with suppress(Refused, UnfinishedWork):  # by the trial, or the sample library
                        await daemon.managed.worker.run_row(row)
        await asyncio.sleep(LOOK_SECONDS)


def stays_in_trial(row: OutboxRow, plan: TrialPlan) -> bool:
    """Return whether nobody outside hears of it: where a supplier is looked for, others' catalogues would be asked."""
    if row.kind == PARTNER:
        return row.target == plan.tried.profile.name
    return row.kind == LIBRARY or row.target in OWN_WORK


# --- where the tried system's own messages come in ---------------------------------------------------------


@asynccontextmanager
async def open_trial_site(
    reception: TrialReception, context: ConformanceContext, host: str, port: int
) -> AsyncIterator[str]:
    """Its URL. `port` 0: a free one. Raises OSError."""
    app = web.Application()
    app.on_response_prepare.append(make_header_signal(TrustedProxies(()), 0))
    MockEndpoint(reception, context.clock).register(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{runner.addresses[0][1]}/{reception.protocol}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def open_trial_lines(
    reception: TrialReception, context: ConformanceContext, host: str, port: int
) -> AsyncIterator[str]:
    """HOST:PORT. `port` 0: a free one. Raises OSError."""
    lines = MockLines(reception.responder, reception.protocol, context.profile, context.folder, context.clock)
    try:
        yield await lines.start(reception, host, port)
    finally:
        await lines.stop()
