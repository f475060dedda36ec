"""Secrets that are not to be kept of mails: passwords of all profiles, and tokens of links in what we send."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.problems import ConfigurationError, MalformedMessage, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.adapter import MailboxAdapter
from gateway.ports.incoming_mail import MailboxClient, ParsedMail, PartConcealer, SecretPatterns
from gateway.ports.secrets import Secrets as PartnerSecrets
from gateway.secrets import resolve_secret
from gateway.services.requests.sent_messages import link_token_pattern
from gateway.settings import Settings

CLIENT = "imap"
"""The adapter that takes mails apart."""


@value_object
class _SecretSources:
    """The sources of secrets in mails, by profiles. `references`: of our own passwords."""

    references: tuple[str, ...]
    patterns: tuple[str, ...]
    parts: tuple[PartConcealer, ...]


class MailConcealer:
    """The concealer of mails. Without an adapter that takes mails apart nothing is concealed, and no mail comes in;
    ours are kept without their content then."""

    def __init__(
        self, settings: Settings, adapters: AdapterRegistry, profiles: Callable[[], Iterable[Profile]]
    ) -> None:
        """`profiles` gives those in use now: the same object until they change, as `ProfileSet` is."""
        self._settings = settings
        self._adapters = adapters
        self._profiles = profiles
        self._token_pattern = link_token_pattern(settings.http.public_url)
        self._last: tuple[Iterable[Profile], _SecretSources] | None = None

    def conceal_received(self, content: bytes) -> bytes:
        """A mail that came in; links in it may be another gateway's, which our patrons need."""
        return self._conceal(content, ())

    def conceal_sent(self, content: bytes) -> bytes:
        """A mail of ours."""
        return self._conceal(content, (self._token_pattern,) if self._token_pattern else ())

    def _conceal(self, content: bytes, more: tuple[str, ...]) -> bytes:
        reader = self._adapters.mailboxes.get(CLIENT)
        if reader is None:
            return b""
        sources = self._find_sources()
        words = tuple(filter(None, map(self._resolve_own_secret, sources.references)))
        return reader.conceal(content, SecretPatterns(words, (*sources.patterns, *more), sources.parts))

    def _find_sources(self) -> _SecretSources:
        """Find the sources of the profiles in use: they are gone through once, not for each mail. Passwords are read
        anew each time, since they change without a reload. Mails are concealed in several threads, so that both are
        kept as one."""
        profiles, last = self._profiles(), self._last
        if last is not None and last[0] is profiles:
            return last[1]
        sources = self._collect_sources(profiles)
        self._last = (profiles, sources)
        return sources

    def _collect_sources(self, profiles: Iterable[Profile]) -> _SecretSources:
        """Collect from all profiles where our own passwords are, and where others' stand in mails."""
        references: set[str] = set()
        patterns: set[str] = set()
        parts: dict[str, PartConcealer] = {}
        for profile in (profile for profile in profiles if not profile.abstract):
            for channel in self._adapters.channels.values():
                if channel.secrets is not None and (dialect := profile.dialects.get(channel.section)) is not None:
                    references |= set(channel.secrets(dialect).values())
            for name, mail_format in self._adapters.mail_formats.items():
                if (dialect := profile.dialects.get(name)) is None:
                    continue
                if mail_format.secret_pattern is not None:
                    patterns.add(mail_format.secret_pattern(dialect))
                if mail_format.part_concealer is not None:
                    parts[name] = mail_format.part_concealer
        return _SecretSources(tuple(sorted(references)), tuple(sorted(patterns)), tuple(parts.values()))

    def _resolve_own_secret(self, reference: str) -> str:
        """Empty: it isn't there, so no mail of ours has it (`illgate check` says so)."""
        try:
            return resolve_secret(reference, self._settings.folder)
        except ConfigurationError:
            return ""


MISSING = f"no adapter called '{CLIENT}' is installed"


def _refuse_parsing(_content: bytes, _received: datetime) -> ParsedMail:
    raise MalformedMessage("", MISSING)


def _refuse_mailbox(_secrets: PartnerSecrets) -> MailboxClient:
    raise Refused(RefusalReason.UNSUPPORTED_SERVICE, MISSING)


_NO_MAILBOX_ADAPTER = MailboxAdapter(
    name=CLIENT, make=_refuse_mailbox, parse=_refuse_parsing, conceal=lambda content, _hidden: content
)


def find_mailbox_adapter(adapters: AdapterRegistry) -> MailboxAdapter:
    """Return the one that takes mails apart, or one that refuses to."""
    return adapters.mailboxes.get(CLIENT, _NO_MAILBOX_ADAPTER)
