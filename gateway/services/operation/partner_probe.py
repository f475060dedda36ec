"""Test of addresses and catalogues, and of partners step by step, each with its time.

`illgate check --live` and the test at a partner's page do the same. Nothing is sent to partners.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from urllib.parse import urlsplit

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.problems import ConfigurationError, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.views import NotFound
from gateway.domain.value import value_object
from gateway.ports.adapter import SearchContext
from gateway.ports.catalogue import CatalogueQuery, RecordSearch, SearchIndex, SearchTerm
from gateway.ports.library_system import ProbeStep
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.ports.system_errors import describe_system_error
from gateway.services.requests.library_context import LibraryContext
from gateway.services.searching.article_lookup import Secrets
from gateway.services.searching.targets import CatalogueTarget, failure_reason

MAX_PROBE_SECONDS = 10.0
_PORTS = {"https": 443, "http": 80}

MAX_SEARCH_SECONDS = 20.0
QUESTION = CatalogueQuery((SearchTerm(SearchIndex.TITLE, "history"),))
"""Any word will do: only whether there is an answer counts."""


SECRETS, CONNECTION, CATALOGUE, MAIL_SERVER = "secrets", "connection", "catalogue", "mail server"
"""Names of steps."""


@value_object(kw_only=True)
class PartnerProbe:
    """`mail_server`: host:port through which letters go; empty: there is none."""

    context: LibraryContext
    adapters: AdapterRegistry
    secrets: Secrets
    addresses: AllowedAddresses
    mail_server: str

    async def probe_partner(self, partner: str) -> tuple[ProbeStep, ...]:
        """All steps, failed ones too; empty: the profile names nothing that could be tried. Raises NotFound."""
        profile = self.context.profile(partner)
        if profile is None or profile.partner is None or profile.abstract:
            raise NotFound("partner")
        return tuple([step async for step in self._try_steps(profile)])

    async def _try_steps(self, profile: Profile) -> AsyncIterator[ProbeStep]:
        references = self._list_secrets(profile)
        if references:
            yield await _measure_step(SECRETS, "", self._find_missing_secret(references))
        for name, dialect in profile.dialects.items():
            protocol = self.adapters.protocols.get(name)
            addresses = protocol.addresses(dialect) if protocol is not None and protocol.addresses is not None else {}
            for key, address in addresses.items():
                yield await _measure_step(CONNECTION, address, probe_address(address), f"{name}.{key}")
        if self._is_written_mails(profile) and self.mail_server:
            yield await _measure_step(MAIL_SERVER, self.mail_server, probe_address(self.mail_server))
        context = SearchContext(self.secrets, self.addresses)
        for name in (name for name in self.adapters.searches if name in profile.dialects):
            search = self.adapters.searches[name].make(context)
            address = self.adapters.searches[name].address(profile.dialects[name])
            try:
                target = CatalogueTarget(profile, name)
                yield await _measure_step(CATALOGUE, address, ask_catalogue(target, search), name)
            finally:
                await search.close()

    def _is_written_mails(self, profile: Profile) -> bool:
        assert profile.partner is not None
        channel = self.adapters.channels.get(profile.partner.channel)
        return channel is not None and (
            channel.section in self.adapters.mail_formats or profile.partner.channel == "mail"
        )

    def _list_secrets(self, profile: Profile) -> tuple[str, ...]:
        """References of all secrets that the profile names."""
        references = [authentication.secret for authentication in profile.auth]
        for channel in self.adapters.channels.values():
            dialect = profile.dialects.get(channel.section)
            if channel.secrets is not None and dialect is not None:
                references += channel.secrets(dialect).values()
        return tuple(dict.fromkeys(filter(None, references)))

    async def _find_missing_secret(self, references: tuple[str, ...]) -> str:
        """Find why one can't be read; empty: all can."""
        for reference in references:
            try:
                self.secrets(reference)
            except ConfigurationError as error:
                return error.problems[0].message
        return ""


async def _measure_step(name: str, target: str, work: Awaitable[str], key: str = "") -> ProbeStep:
    """`work` gives what is wrong; empty: nothing."""
    begun = time.perf_counter()
    problem = await work
    return ProbeStep(name, time.perf_counter() - begun, target, problem, key)


async def probe_address(address: str) -> str:
    """Return why a URL or host:port can't be reached; empty when a connection was made (and closed at once)."""
    try:
        host, port = _split_host_and_port(address)
    except ValueError as error:
        return str(error)
    try:
        async with asyncio.timeout(MAX_PROBE_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no connection within {MAX_PROBE_SECONDS:g} seconds"
    except OSError as error:
        return f"no connection: {describe_system_error(error) if error.strerror else error}"
    writer.close()
    return ""


def _split_host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address if "://" in address else f"//{address}")
    port = parts.port or _PORTS.get(parts.scheme)  # a port that is no number raises ValueError itself
    if not parts.hostname or port is None:
        raise ValueError("not a URL or host:port")
    return parts.hostname, port


async def ask_catalogue(target: CatalogueTarget, search: RecordSearch) -> str:
    """Ask how many titles have a certain word, and return why there is no answer; empty: there is one."""
    try:
        async with asyncio.timeout(MAX_SEARCH_SECONDS):
            await search.search(target.profile, QUESTION, count=0)
    except TimeoutError:
        return f"no answer within {MAX_SEARCH_SECONDS:g} seconds"
    except (Unavailable, Refused) as error:
        return failure_reason(error)
    except ConfigurationError as error:  # a secret that isn't there
        return error.problems[0].message
    return ""
