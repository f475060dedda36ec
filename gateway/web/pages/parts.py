"""What the pages work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen_by_name
from gateway.ports.citing import LinkFormat
from gateway.services.letters.page_texts import PageTexts
from gateway.services.offering import Offering
from gateway.services.requests.patrons_front import PatronsFront
from gateway.settings.pages import SignInSettings
from gateway.store.engine import Store
from gateway.web.gate import Gate
from gateway.web.senders import TrustedProxies
from gateway.web.sessions.oidc import OidcClient
from gateway.web.sessions.sessions import Sessions
from gateway.web.sessions.signing_in import SigningIn
from gateway.web.sessions.visits import Visits


@frozen_by_name
class Door:
    """How patrons of one library sign in. `header_proxies`: from where the header is believed."""

    settings: SignInSettings
    header_proxies: TrustedProxies
    oidc: OidcClient | None = None


@frozen_by_name
class PageParts:
    """`doors` by symbol of the library. `proxies`: whose X-Forwarded-For is believed; `embed_in`: sites that may show
    the pages in a frame. `look_ups`: anybody can have catalogues asked about a number, so only a few are at once."""

    links: LinkFormat
    offering: Offering
    patrons: PatronsFront
    texts: PageTexts
    store: Store
    clock: Clock
    sessions: Sessions
    signing_in: SigningIn
    visits: Visits
    doors: Mapping[str, Door]
    proxies: TrustedProxies
    public_url: str = ""
    embed_in: tuple[str, ...] = ()
    look_ups: Gate = field(default_factory=lambda: Gate(places=4, queue=16, seconds=5.0))
