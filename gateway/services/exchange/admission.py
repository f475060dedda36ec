"""Search for the owner of a message, and check whether its sender is who it says."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import structlog

from gateway.domain.problems import ConfigurationError, MessagePart, RefusalReason, Refused
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.domain.sentences import sentence_of_text, write_sentence
from gateway.domain.value import value_object
from gateway.ports.responder import MessageEnvelope, RawMessage
from gateway.profiles import ProfileCandidate, ProfileSet
from gateway.services.exchange.message_context import MessageContext, SenderRefused, message_sender
from gateway.services.exchange.peer_tokens import PeerTokenVerifier

log = structlog.get_logger(component="exchange")

Secrets = Callable[[str], str]
"""Resolves `env:NAME` or `file:PATH`; raises a ConfigurationError when it can't."""


def _is_from_network(entry: Authentication, peer: str) -> bool:
    if not entry.networks:
        return entry.kind is not AuthKind.NETWORK  # a network rule without networks lets nobody in
    address = _parse_peer_address(peer)
    return address is not None and any(address in _parse_network(network) for network in entry.networks)


@lru_cache(maxsize=4096)
def _parse_peer_address(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(peer)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def _parse_network(network: str) -> IPv4Network | IPv6Network:
    return ip_network(network, strict=False)


def _is_same_secret(given: str, expected: str) -> bool:
    """Compare in constant time; an empty secret never fits. `given`: text, or a header whose octets were no UTF-8,
    which HTTP libraries keep as lone surrogates."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _check_basic_auth(entry: Authentication, arrival: RawMessage, _envelope: MessageEnvelope, secrets: Secrets) -> bool:
    scheme, _, encoded = arrival.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:  # no base64, no ASCII at all, or octets that are no UTF-8
        return False
    return bool(colon) and _is_same_secret(user, entry.user) and _is_same_secret(password, secrets(entry.secret))


def _check_bearer_token(
    entry: Authentication, arrival: RawMessage, _envelope: MessageEnvelope, secrets: Secrets
) -> bool:
    scheme, _, token = arrival.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and _is_same_secret(token.strip(), secrets(entry.secret))


def _check_path_key(entry: Authentication, arrival: RawMessage, _envelope: MessageEnvelope, secrets: Secrets) -> bool:
    return _is_same_secret(arrival.path.rstrip("/").rpartition("/")[2], secrets(entry.secret))


def _check_query_key(entry: Authentication, arrival: RawMessage, _envelope: MessageEnvelope, secrets: Secrets) -> bool:
    return _is_same_secret(arrival.query.get(entry.parameter, ""), secrets(entry.secret))


def _check_header(entry: Authentication, arrival: RawMessage, _envelope: MessageEnvelope, secrets: Secrets) -> bool:
    """A header that the partner sends with each message, such as CrossLink's `httpHeaders`."""
    shown = arrival.headers.get(entry.header.lower(), "") if entry.header else ""
    return _is_same_secret(shown, secrets(entry.secret))


def _check_agency_secret(
    entry: Authentication, _arrival: RawMessage, envelope: MessageEnvelope, secrets: Secrets
) -> bool:
    return _is_same_secret(envelope.agency_secret, secrets(entry.secret))


def _check_system_secret(
    entry: Authentication, _arrival: RawMessage, envelope: MessageEnvelope, secrets: Secrets
) -> bool:
    return _is_same_secret(envelope.system_secret, secrets(entry.secret))


def _check_certificate(
    entry: Authentication, arrival: RawMessage, _envelope: MessageEnvelope, _secrets: Secrets
) -> bool:
    """All that the entry says must fit; an entry that says nothing fits nobody."""
    shown = arrival.certificate
    if shown is None or not (entry.user or entry.san or entry.fingerprint):
        return False
    return (
        (not entry.user or shown.common_name == entry.user)
        and (not entry.san or entry.san in shown.alternative_names)
        and (not entry.fingerprint or shown.fingerprint == entry.fingerprint)
    )


def _admit_without_check(
    _entry: Authentication, _arrival: RawMessage, _envelope: MessageEnvelope, _secrets: Secrets
) -> bool:
    return True


_CHECKS: dict[AuthKind, Callable[[Authentication, RawMessage, MessageEnvelope, Secrets], bool]] = {
    AuthKind.NONE: _admit_without_check,
    AuthKind.NETWORK: _admit_without_check,  # its networks were checked already
    AuthKind.BASIC: _check_basic_auth,
    AuthKind.BEARER: _check_bearer_token,
    AuthKind.PATH_KEY: _check_path_key,
    AuthKind.QUERY_KEY: _check_query_key,
    AuthKind.HEADER: _check_header,
    AuthKind.AGENCY_SECRET: _check_agency_secret,
    AuthKind.SYSTEM_SECRET: _check_system_secret,
    AuthKind.CERTIFICATE: _check_certificate,
}
"""Of all kinds but signed-token, for which keys may have to be fetched."""


@dataclass(slots=True)
class _CredentialFaults:
    """The faults of the credentials that were looked at, as `SenderRefused` tells."""

    token: str = ""
    agency: str = ""


@value_object
class SenderAdmission:
    profiles: Callable[[], ProfileSet]
    secrets: Secrets
    tokens: PeerTokenVerifier

    async def choose_profile(self, message: MessageContext) -> Profile:
        """Choose the profile; raises SenderRefused(UNKNOWN_SENDER | SENDER_AUTH_FAILED), and Refused(UNKNOWN_AGENCY)
        where the sender is let in, and doesn't say for which of the partner's libraries."""
        line = message.arrival.line
        profiles = self.profiles()
        candidates = profiles.find_candidates(message_sender(message))
        if line is not None and not (message.envelope.from_agency or message.envelope.symbols):
            known = profiles.find_sole_version(line.sole_profile)
            if known is not None:
                return known  # on a connection parties need not be named (facts/iso-ill-10161.md 3)
        faults = _CredentialFaults()
        for candidate in candidates:
            profile = candidate.profile
            if (
                line is not None
                and line.is_admitted(profiles.find_key(profile))
                and self._speaks_for_sender(profile, message)
            ):
                return _require_library(candidate, message)
            credential = await self._find_credential(profile, message, faults)
            wanted = candidate.rule.credential if candidate.rule is not None else None
            if credential is not None and wanted in (None, credential):
                if line is not None:
                    line.admit(profiles.find_key(profile))
                return _require_library(candidate, message)
        if candidates:
            raise SenderRefused(
                RefusalReason.SENDER_AUTH_FAILED,
                _describe_failure(faults.token),
                token_fault=faults.token,
                agency_fault=faults.agency,
            )
        raise SenderRefused(
            RefusalReason.UNKNOWN_SENDER, "No profile matches this sender.", value=message.envelope.from_agency
        )

    async def _find_credential(
        self, profile: Profile, message: MessageContext, faults: _CredentialFaults
    ) -> str | None:
        """The name (or else kind) of the entry that lets this sender in, None if there is none."""
        try:
            for entry in profile.auth:
                if not _is_from_network(entry, message.arrival.peer):
                    continue
                if not await self._is_admitted(entry, profile, message, faults):
                    continue
                name = entry.name or str(entry.kind)
                if self._speaks_for_sender(profile, message, entry):
                    return name
                faults.agency = (
                    f"profile {profile.name}: auth '{name}' fits, but the sender's agency is not among its agencies, "
                    "or is that of another profile"
                )
        except ConfigurationError as error:  # a secret that can't be read lets nobody in
            log.error("profile.secret_missing", profile=profile.name, problem=str(error))
        return None

    def _speaks_for_sender(self, profile: Profile, message: MessageContext, *entries: Authentication) -> bool:
        """Return whether the agency that the message names as its sender is that of the credential, or of one of them
        where it isn't known which was used. A partner that is named by its symbols may hand on messages of others (a
        broker)."""
        agency = message.envelope.from_agency.strip()
        if not agency:
            return True
        named = [entry.agencies for entry in entries or profile.auth]
        if all(named):
            return agency.casefold() in {own.casefold() for agencies in named for own in agencies}
        if message.envelope.symbols:
            return True
        return not self.profiles().is_agency_of_another(profile, message.arrival.protocol, agency)

    async def _is_admitted(
        self, entry: Authentication, profile: Profile, message: MessageContext, faults: _CredentialFaults
    ) -> bool:
        arrival, envelope = message.arrival, message.envelope
        if entry.kind is not AuthKind.SIGNED_TOKEN:
            return _CHECKS[entry.kind](entry, arrival, envelope, self.secrets)
        peer = profile.peer_authentication.theirs
        assert peer is not None, "profiles are checked"
        authorization = arrival.headers.get("authorization", "")
        faults.token = await self.tokens.find_fault(peer, authorization, envelope.from_system)
        if faults.token:
            log.warning("sender.token_refused", peer=arrival.peer, profile=profile.name, fault=faults.token)
        return not faults.token


def _require_library(candidate: ProfileCandidate, message: MessageContext) -> Profile:
    """Require that one library is meant; raises Refused(UNKNOWN_AGENCY)."""
    if not candidate.is_ambiguous:
        return candidate.profile
    address = f"/{message.arrival.protocol}/LIBRARY/{candidate.profile.name}"
    raise Refused(
        RefusalReason.UNKNOWN_AGENCY,
        write_sentence("The message names none of its partner's libraries. Send it to %(address)s.", address=address),
        about=MessagePart.RECEIVER,
        value=message.envelope.to_agency,
    )


def _describe_failure(token_fault: str) -> str:
    if not token_fault:
        return "The sender could not be authenticated."
    return write_sentence("The sender could not be authenticated: %(fault)s.", fault=sentence_of_text(token_fault))
