"""The patrons' pages and what stands behind them, put together from settings."""

from __future__ import annotations

from gateway.adapters import Adapters
from gateway.domain.clock import Clock
from gateway.ports.citing import LinkFormat
from gateway.runtime.managed import Managed
from gateway.services.authentication import Secrets
from gateway.services.letters.page_texts import PageTexts
from gateway.services.offering import Offering, Resolver
from gateway.settings import LibrarySettings, Settings
from gateway.store.engine import Store
from gateway.web.pages.app import Pages
from gateway.web.pages.parts import Door, PageParts
from gateway.web.senders import TrustedProxies
from gateway.web.sessions.oidc import OidcClient
from gateway.web.sessions.sessions import Sessions
from gateway.web.sessions.signing_in import SigningIn, Tries
from gateway.web.sessions.visits import Visits

LINKS = "openurl"


def link_format(adapters: Adapters) -> LinkFormat | None:
    """None: no adapter for OpenURL is installed."""
    adapter = adapters.links.get(LINKS)
    return adapter.make() if adapter is not None else None


def make_offering(managed: Managed, links: LinkFormat) -> Offering:
    return Offering(managed.houses, links, managed.finder.by_identifier)


def make_pages(
    settings: Settings,
    resolver: Resolver,
    managed: Managed,
    store: Store,
    clock: Clock,
    secrets: Secrets,
) -> Pages:
    pages, public_url = settings.pages, settings.http.public_url
    proxies = TrustedProxies(settings.http.trusted_proxies)
    return Pages(
        PageParts(
            links=resolver.links,
            offering=resolver.offering,
            patrons=managed.patrons,
            texts=PageTexts(settings.letters_folder, settings.letters.language),
            store=store,
            clock=clock,
            sessions=Sessions(store, clock, pages.session_minutes, [one.symbol for one in settings.libraries]),
            signing_in=SigningIn(store, clock, Tries(pages.tries, pages.address_tries, pages.tries_minutes)),
            visits=Visits(public_url, proxies, embedded=bool(pages.embed_in)),
            doors={one.symbol: _door(one, secrets, clock) for one in settings.libraries},
            proxies=proxies,
            public_url=public_url,
            embed_in=pages.embed_in,
        )
    )


def _door(library: LibrarySettings, secrets: Secrets, clock: Clock) -> Door:
    sign_in = library.sign_in
    return Door(
        settings=sign_in,
        header_proxies=TrustedProxies(sign_in.header.proxies),
        oidc=OidcClient(sign_in.oidc, secrets, clock) if sign_in.oidc.issuer else None,
    )
