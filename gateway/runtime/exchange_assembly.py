"""The exchange of messages, built from an assembly: its journal, responders, and what follows for managed requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError
from gateway.ports.adapter import ProtocolAdapter
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.shared_store import Store
from gateway.profiles import ProfileSet
from gateway.runtime.assembly import Assembly
from gateway.services.exchange import ExchangeRecord, MessageExchange
from gateway.services.exchange.broker import RequestBroker
from gateway.services.exchange.circulation_link import CirculationLinker
from gateway.services.exchange.handlers import DefectReporter, log_defect
from gateway.services.people.patron_authentication import PatronAuthenticator
from gateway.services.people.sign_in_attempts import AttemptLimits
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.partner_inbox import PartnerInbox
from gateway.settings import Settings
from gateway.store.journal import Journal
from gateway.store.journal_records import BodyCipher, JournalOptions


def observe_nothing(_done: ExchangeRecord) -> None:
    """Observes nothing."""


def build_exchange(
    parts: Assembly,
    libraries: Mapping[str, ExchangeLibrary],
    profiles: Callable[[], ProfileSet],
    store: Store,
    journal: Journal,
    observe: Callable[[ExchangeRecord], None] = observe_nothing,
    contexts: Mapping[str, LibraryContext] | None = None,
    report_defect: DefectReporter = log_defect,
    names: Mapping[str, str] | None = None,
) -> MessageExchange:
    """`contexts`: managed requests of the libraries, by symbol; None: messages are for the libraries alone. `names`:
    those of `name_libraries`; None: they don't change."""
    return MessageExchange(
        responders={name: adapter.responder() for name, adapter in parts.adapters.protocols.items()},
        profiles=profiles,
        libraries=libraries,
        journal=journal,
        clock=parts.clock,
        authenticator=make_authenticator(parts.settings, store, parts.clock),
        secrets=parts.secrets,
        library_seconds=parts.settings.library_timeout_seconds,
        observe=observe,
        link=CirculationLinker(contexts) if contexts is not None else None,
        broker=RequestBroker(contexts) if contexts is not None else None,
        partner_inbox=PartnerInbox(contexts) if contexts is not None else None,
        report_defect=report_defect,
        names=names if names is not None else name_libraries(parts.settings),
        is_closed=lambda symbol: parts.settings.find_library(symbol).state == "closed",
    )


def name_libraries(settings: Settings) -> dict[str, str]:
    """Name libraries as addresses may: symbols by symbol and short name, case-folded."""
    known = settings.libraries
    return {name.casefold(): each.symbol for each in known for name in (each.short_name, each.symbol)}


def make_journal_options(parts: Assembly) -> JournalOptions:
    """Make options; raises ConfigurationError naming the place in gateway.yml."""
    settings = parts.settings.journal
    keys = [parts.secrets(reference) for reference in settings.encryption_keys]
    try:
        cipher = BodyCipher(keys) if keys else None
    except ValueError as error:
        raise ConfigurationError([parts.settings.make_problem(("journal", "encryption_keys"), str(error))]) from error
    return JournalOptions(
        settings.body_limit, settings.keep_bodies_days, settings.keep_rows_days, cipher, make_body_concealers(parts)
    )


def make_body_concealers(parts: Assembly) -> Mapping[str, Callable[[bytes], bytes]]:
    """Make concealers by protocol, as `JournalOptions` has them."""
    return {name: _make_body_concealer(adapter) for name, adapter in parts.adapters.protocols.items()}


def _make_body_concealer(adapter: ProtocolAdapter) -> Callable[[bytes], bytes]:
    """The responder is made with the first body: a command that only reads loads no protocol."""
    make_once = cache(adapter.responder)
    return lambda body: make_once().conceal_secrets(body)


def make_authenticator(settings: Settings, store: Store, clock: Clock) -> PatronAuthenticator:
    """Make the authenticator by the limits of the pages, which count wherever a PIN comes in."""
    return PatronAuthenticator(store, clock, attempt_limits(settings))


def attempt_limits(settings: Settings) -> AttemptLimits:
    """Return the limits of wrong PINs and passwords, of patrons and of staff."""
    pages = settings.pages
    return AttemptLimits(pages.tries, pages.address_tries, pages.tries_minutes)
