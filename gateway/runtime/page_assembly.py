"""Assembly of the pages that settings ask for: those of patrons and of staff, and the page that leads to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.roles import RoleGrant
from gateway.ports.catalogue import LinkFormat
from gateway.ports.shared_store import Store
from gateway.runtime.exchange_assembly import attempt_limits, make_authenticator
from gateway.runtime.managed_requests import ManagedRequests
from gateway.services.desks.message_replays import MessageReplayService
from gateway.services.exchange.admission import Secrets
from gateway.services.letters.localization import TextCatalogues
from gateway.services.operation.gateway_operation import GatewayOperation
from gateway.services.operation.library_overview import LibraryOverview
from gateway.services.operation.profile_editing import ProfileEditing
from gateway.services.patrons.patron_data import RetentionDays
from gateway.services.patrons.patron_names import PatronNames
from gateway.services.people.oidc_journeys import OidcJourneys
from gateway.services.people.provider_grants import grants_of_claims
from gateway.services.people.second_factors import SecondFactorService
from gateway.services.people.sign_in_attempts import AttemptCounter
from gateway.services.people.staff_sign_in import SessionTimes, StaffSignInService
from gateway.settings import LibrarySettings, Settings
from gateway.settings.staff_pages import StaffOidcSettings
from gateway.web.app import GatewayReadiness
from gateway.web.html.brand import BrandAssets
from gateway.web.html.visits import BrowserVisits
from gateway.web.oidc import OidcClient
from gateway.web.pages.app import PatronPages
from gateway.web.pages.page_request import ROOT as PATRON_ROOT
from gateway.web.pages.page_request import LibraryEntry, PageServices
from gateway.web.pages.sign_in import NAME as PATRON_COOKIE
from gateway.web.pages.sign_in import PatronSessions, SignInService
from gateway.web.staff.app import RESERVED, StaffPages
from gateway.web.staff.live_counts import CountStreams
from gateway.web.staff.recent_acts import RecentActs
from gateway.web.staff.request_viewers import RequestViewers
from gateway.web.staff.staff_request import COOKIE as STAFF_COOKIE
from gateway.web.staff.staff_request import ROOT as STAFF_ROOT
from gateway.web.staff.staff_request import CheckReadiness, StaffProvider, StaffServices
from gateway.web.start_page import StartLinks, StartPage
from gateway.web.trusted_proxies import TrustedProxies

STAFF_AREA = "staff"
"""Where wrong passwords of staff are counted, apart from those of patrons."""


def make_pages(
    settings: Settings,
    links: LinkFormat,
    managed: ManagedRequests,
    store: Store,
    clock: Clock,
    secrets: Secrets,
    entries: Mapping[str, LibraryEntry],
) -> PatronPages:
    """`entries`: of the libraries that are served, by symbol; they may change."""
    pages, public_url = settings.pages, settings.http.public_url
    proxies = TrustedProxies(settings.http.trusted_proxies)
    return PatronPages(
        PageServices(
            links=links,
            libraries=managed.libraries,
            retention=_read_retention(settings),
            texts=TextCatalogues(*settings.find_letters()),
            store=store,
            clock=clock,
            sessions=PatronSessions(store, clock, pages.session_minutes, managed.libraries.keys()),
            signing_in=SignInService(make_authenticator(settings, store, clock)),
            journeys=OidcJourneys(store, clock, attempt_limits(settings)),
            visits=BrowserVisits(PATRON_COOKIE, public_url, proxies, embedded=bool(pages.embed_in)),
            entries=entries,
            brands=BrandAssets(PATRON_ROOT, settings.find_library),
            proxies=proxies,
            public_url=public_url,
            embed_in=pages.embed_in,
            sends_mail=bool(settings.mail.host),
        )
    )


def _read_retention(settings: Settings) -> RetentionDays:
    journal = settings.journal
    return RetentionDays(journal.keep_bodies_days, journal.keep_rows_days, settings.staff.audit_days)


def make_staff_pages(
    settings: Settings,
    managed: ManagedRequests,
    store: Store,
    clock: Clock,
    secrets: Secrets,
    providers: Mapping[str, StaffProvider],
    operations: Mapping[str, GatewayOperation],
    profile_editing: ProfileEditing,
    replays: Mapping[str, MessageReplayService],
    check_readiness: CheckReadiness,
    check_installation: Callable[[], Awaitable[GatewayReadiness]],
    adapters: AdapterRegistry,
) -> StaffPages:
    """`providers`: as of `list_staff_providers`; they may change."""
    staff, public_url = settings.staff, settings.http.public_url
    proxies = TrustedProxies(settings.http.trusted_proxies)
    symbols = tuple(library.symbol for library in settings.served_libraries)
    times = SessionTimes(timedelta(minutes=staff.idle_minutes), timedelta(hours=staff.session_hours))
    attempts = AttemptCounter(store, clock, attempt_limits(settings), STAFF_AREA)
    keys = [secrets(reference) for reference in settings.journal.encryption_keys]
    return StaffPages(
        StaffServices(
            libraries=managed.libraries,
            list_address_names=AddressNames(settings).list_names,
            list_unserved=lambda: _name_unserved(settings, managed),
            brands=BrandAssets(STAFF_ROOT, settings.find_library),
            retention=_read_retention(settings),
            operations=operations,
            profile_editing=profile_editing,
            replays=replays,
            check_readiness=check_readiness,
            check_installation=check_installation,
            overview=LibraryOverview(store),
            protocols=sorted({*adapters.protocols, *adapters.channels, *adapters.mail_formats}),
            sign_in=StaffSignInService(
                store, clock, attempts, times, symbols[0], managed.libraries.keys(), staff.second_factor, providers
            ),
            factors=SecondFactorService(store, clock, attempts, symbols[0], keys),
            journeys=OidcJourneys(store, clock, attempt_limits(settings), STAFF_AREA),
            providers=providers,
            header_proxies=TrustedProxies(staff.header.proxies),
            texts=TextCatalogues(*settings.find_letters()),
            clock=clock,
            visits=BrowserVisits(STAFF_COOKIE, public_url, proxies, embedded=False),
            streams=CountStreams(),
            readers=RequestViewers(clock),
            recent=RecentActs(clock),
            patron_names=PatronNames(clock),
            proxies=proxies,
            settings=staff,
            home=symbols[0],
            public_url=public_url,
            max_file_bytes=settings.api.max_attachment_bytes,
            links=managed.links,
        )
    )


def list_staff_providers(settings: Settings, secrets: Secrets, clock: Clock) -> dict[str, StaffProvider]:
    """List the identity providers at which staff sign in, by the library whose own they are; of the installation:
    empty."""

    def make_provider(symbol: str, oidc: StaffOidcSettings) -> StaffProvider:
        def read_grants(claims: Mapping[str, Any]) -> tuple[RoleGrant, ...]:
            libraries = [library for library in settings.libraries if symbol in ("", library.symbol)]
            return grants_of_claims(oidc.grants, claims, libraries)

        return StaffProvider(symbol, oidc, OidcClient(oidc, secrets, clock), read_grants)

    sections = {"": settings.staff.oidc, **{library.symbol: library.staff.oidc for library in settings.libraries}}
    return {symbol: make_provider(symbol, oidc) for symbol, oidc in sections.items() if oidc.issuer}


def _name_unserved(settings: Settings, managed: ManagedRequests) -> Mapping[str, str]:
    """Name libraries that aren't served now, by symbol; those whose settings don't say their name, or are gone, by
    their symbol."""
    names = {library.symbol: library.name for library in settings.libraries if "name" in library.model_fields_set}
    return {symbol: names.get(symbol, symbol) for symbol in managed.list_held_back()}


class AddressNames:
    """Names of libraries in addresses: their short names, or something else where a page has that address. They are
    made anew when the settings have other libraries; one that is in no file any more keeps its name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._libraries: tuple[LibrarySettings, ...] = ()
        self._names: Mapping[str, str] = {}

    def list_names(self) -> Mapping[str, str]:
        """List them by symbol."""
        if self._libraries is not self._settings.libraries:
            self._libraries = self._settings.libraries
            self._names = {**self._names, **{library.symbol: _name_library(library) for library in self._libraries}}
        return self._names


def _name_library(library: LibrarySettings) -> str:
    return f"{library.short_name}-library" if library.short_name in RESERVED else library.short_name


def make_start_page(settings: Settings, has_reader_pages: bool) -> StartPage:
    proxies = TrustedProxies(settings.http.trusted_proxies)
    links = StartLinks(
        list_libraries=lambda: [library.info for library in settings.served_libraries],
        readers=has_reader_pages,
        staff=settings.staff.enabled,
    )
    texts = TextCatalogues(*settings.find_letters())
    return StartPage(links, texts, BrowserVisits(PATRON_COOKIE, settings.http.public_url, proxies, embedded=False))


def make_library_entry(settings: Settings, library: LibrarySettings, secrets: Secrets, clock: Clock) -> LibraryEntry:
    sign_in = library.sign_in
    return LibraryEntry(
        settings=sign_in,
        texts=TextCatalogues(*settings.find_letters(library)),
        header_proxies=TrustedProxies(sign_in.header.proxies),
        oidc=OidcClient(sign_in.oidc, secrets, clock) if sign_in.oidc.issuer else None,
    )
