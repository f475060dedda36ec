"""Whose message it is: the profile that fits, of a sender who is who it says."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from gateway.configuration.problems import ConfigurationError
from gateway.domain.frozen import frozen
from gateway.domain.problems import About, Reason, Refused
from gateway.domain.profile import Profile
from gateway.profiles import ProfileSet
from gateway.services.authentication import Secrets, admit
from gateway.services.hand import Hand, sender_of

log = structlog.get_logger(component="exchange")


@frozen
class Admission:
    profiles: Callable[[], ProfileSet]
    secrets: Secrets

    def choose(self, hand: Hand) -> Profile:
        """Raises Refused(UNKNOWN_SENDER | SENDER_AUTH_FAILED)."""
        line = hand.arrival.line
        candidates = self.profiles().candidates(sender_of(hand))
        if line is not None and not (hand.envelope.from_agency or hand.envelope.symbols):
            known = self.profiles().by_name(line.only)
            if known is not None:
                return known  # on a connection parties need not be named (facts/iso-ill-10161.md 3)
        for candidate in candidates:
            profile = candidate.profile
            if line is not None and line.knows(profile.name):
                return profile
            credential = self._admitted(profile, hand)
            wanted = candidate.rule.credential if candidate.rule is not None else None
            if credential is not None and wanted in (None, credential):
                if line is not None:
                    line.admit(profile.name)
                return profile
        if candidates:
            raise Refused(Reason.SENDER_AUTH_FAILED, "The sender could not be authenticated.", about=About.SENDER)
        raise Refused(
            Reason.UNKNOWN_SENDER,
            "No profile fits this sender.",
            about=About.SENDER,
            value=hand.envelope.from_agency,
        )

    def _admitted(self, profile: Profile, hand: Hand) -> str | None:
        try:
            return admit(profile, hand.arrival, hand.envelope, self.secrets)
        except ConfigurationError as error:  # a secret that can't be read lets nobody in
            log.error("profile.secret_missing", profile=profile.name, problem=str(error))
            return None
