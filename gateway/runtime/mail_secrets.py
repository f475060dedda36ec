"""What is not to be kept of mails: passwords of all profiles, and tokens of links in what we send."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.problems import ConfigurationError
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.incoming_mail import PartConcealer, SecretPatterns
from gateway.secrets import resolve_secret
from gateway.services.requests.sent_messages import link_token_pattern
from gateway.settings import Settings

CLIENT = "imap"
"""The adapter that takes mails apart."""


@value_object
class MailConcealer:
    """`profiles` gives those in use now. Without an adapter that takes mails apart nothing is concealed, and no mail
    comes in; ours are kept without their content then."""

    settings: Settings
    adapters: AdapterRegistry
    profiles: Callable[[], Iterable[Profile]]

    def conceal_received(self, content: bytes) -> bytes:
        """A mail that came in; links in it may be another gateway's, which our patrons need."""
        return self._conceal(content, ())

    def conceal_sent(self, content: bytes) -> bytes:
        """A mail of ours."""
        tokens = link_token_pattern(self.settings.http.public_url)
        return self._conceal(content, (tokens,) if tokens else ())

    def _conceal(self, content: bytes, more: tuple[str, ...]) -> bytes:
        reader = self.adapters.mailboxes.get(CLIENT)
        if reader is None:
            return b""
        hidden = self._collect_secret_patterns(self.profiles())
        return reader.conceal(content, SecretPatterns(hidden.words, (*hidden.patterns, *more), hidden.parts))

    def _collect_secret_patterns(self, profiles: Iterable[Profile]) -> SecretPatterns:
        """Passwords of all profiles: our own as they are now, and where others' stand in mails."""
        references: set[str] = set()
        patterns: set[str] = set()
        parts: dict[str, PartConcealer] = {}
        for profile in (one for one in profiles if not one.abstract):
            for channel in self.adapters.channels.values():
                if channel.secrets is not None and (dialect := profile.dialects.get(channel.section)) is not None:
                    references |= set(channel.secrets(dialect).values())
            for name, one in self.adapters.mail_formats.items():
                if (dialect := profile.dialects.get(name)) is None:
                    continue
                if one.secret_pattern is not None:
                    patterns.add(one.secret_pattern(dialect))
                if one.part_concealer is not None:
                    parts[name] = one.part_concealer
        return SecretPatterns(
            tuple(filter(None, map(self._resolve_own_secret, sorted(references)))),
            tuple(sorted(patterns)),
            tuple(parts.values()),
        )

    def _resolve_own_secret(self, reference: str) -> str:
        """Empty: it isn't there, so no mail of ours has it (`illgate check` says so)."""
        try:
            return resolve_secret(reference, self.settings.folder)
        except ConfigurationError:
            return ""
