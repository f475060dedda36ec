"""The program of `illgate mock`: whoever is played with its page, and what each kind of them must say of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import field

import click

from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.services.letters.localization import TextCatalogues
from gateway.settings import Settings
from rehearsal.addresses import parse_tcp_address, require_http_url
from rehearsal.mock.mock_site import MockSite
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.scenarios.scenario import PlayedRole

ListenAt = Callable[[str, int], Awaitable[str]]
"""Host and port; it gives HOST:PORT. Raises OSError, Refused."""


def begin_nothing() -> None:
    return None


@value_object
class MockProgram:
    """Whoever is played, before it listens. `destination`: where its own messages go, for people; empty: it sends none.
    `introduction`: what can be tried, in plain lines. `listen` and `stop_listening`: where messages don't come by HTTP;
    `begin`: what it does by itself once it listens."""

    site: MockSite
    destination: str = ""
    introduction: str = ""
    listen: ListenAt | None = None
    stop_listening: Callable[[], Awaitable[None]] | None = None
    begin: Callable[[], None] = begin_nothing


OpenProgram = Callable[[Installation, Profile, MockOptions, str | None], AbstractAsyncContextManager[MockProgram]]
"""Opens what is played, with the value of `--against`. Raises click.UsageError, and on entering ConfigurationError."""


def refuse_address(against: str | None, _settings: Settings, _profile: Profile) -> str:
    """Refuse an address of who sends nothing by itself. Raises click.UsageError."""
    if against is not None:
        raise click.UsageError("--against: this simulation does not send messages")
    return ""


@value_object(kw_only=True)
class MockKind:
    """The kind of system played under a profile. `roles`: whose scenarios can be chosen; `is_over_http`: messages come
    to the port of the page; `is_recorded`: real systems were recorded in its protocol, with which some scenarios are
    compared; `misbehaviours`: mistakes that can be made in each answer, in plain words, by name; `value_names`: what
    `--value` may name, likewise, and `needed_value` the one of these that must be named, empty: none;
    `choose_address`: where its own messages go, empty: it sends none."""

    roles: tuple[PlayedRole, ...]
    is_over_http: bool
    open_program: OpenProgram
    is_recorded: bool = False
    misbehaviours: Mapping[str, str] = field(default_factory=dict)
    value_names: Mapping[str, str] = field(default_factory=dict)
    needed_value: str = ""
    choose_address: Callable[[str | None, Settings, Profile], str] = refuse_address


def load_page_texts(settings: Settings) -> TextCatalogues:
    return TextCatalogues(*settings.find_letters())


def check_url_or_tcp(against: str) -> str:
    """A URL or HOST:PORT. Raises click.UsageError."""
    if "://" in against:
        require_http_url(against, "--against")
    else:
        parse_tcp_address(against, "--against")
    return against
