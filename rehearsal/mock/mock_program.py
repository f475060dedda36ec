"""The program of `illgate mock`: whoever is played with its page, and what each kind of them must say of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import click

from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.services.letters.localization import TextCatalogues
from gateway.settings import Settings
from rehearsal.mock.mock_site import MockSite
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.scenarios.scenario import PlayedRole
from rehearsal.send.send_command import parse_tcp_address, require_http_url

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


class MockKind(Protocol):
    """The kind of system played under a profile: one class for each kind, listed in `rehearsal.mock.mock_command`."""

    @property
    def roles(self) -> tuple[PlayedRole, ...]:
        """The roles whose scenarios can be chosen."""
        ...

    @property
    def is_over_http(self) -> bool:
        """Messages come to the port of the page."""
        ...

    @property
    def is_recorded(self) -> bool:
        """True if real systems were recorded in its protocol, which some scenarios are compared with."""
        ...

    @property
    def misbehaviours(self) -> Mapping[str, str]:
        """The mistakes that can be made in each answer, in plain words, by name."""
        ...

    @property
    def value_names(self) -> Mapping[str, str]:
        """The values that `--value` may name, in plain words, by name."""
        ...

    @property
    def needed_value(self) -> str:
        """The one of these that must be named; empty: none."""
        ...

    def choose_address(self, against: str | None, settings: Settings, profile: Profile) -> str:
        """Choose where its own messages go; empty: it sends none. Raises click.UsageError."""
        ...

    def open_program(
        self, installation: Installation, profile: Profile, options: MockOptions, against: str | None
    ) -> AbstractAsyncContextManager[MockProgram]:
        """Open the program; raises click.UsageError, and on entering ConfigurationError."""
        ...


def load_page_texts(settings: Settings) -> TextCatalogues:
    return TextCatalogues(settings.letters_folder, settings.letters.language)


def check_url_or_tcp(against: str) -> str:
    """A URL or HOST:PORT. Raises click.UsageError."""
    if "://" in against:
        require_http_url(against, "--against")
    else:
        parse_tcp_address(against, "--against")
    return against


def refuse_address(against: str | None) -> str:
    """Refuse an address of who sends nothing by itself. Raises click.UsageError."""
    if against is not None:
        raise click.UsageError("--against: this simulation does not send messages")
    return ""
