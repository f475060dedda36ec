"""Port `ProtocolRehearsal`: a partner of ISO ILL that is played, over TCP (docs/rehearsing.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import BaseModel

from adapters.iso_ill.dialect import Credentials, dialect_of
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import AuthKind, Profile
from gateway.domain.value import value_object
from gateway.ports.responder import ResponderAnswer

_NO_MESSAGE = b"\x30\x03\x02\x01\x05"
"""BER that is no APDU: a sequence with a number."""


@value_object
class SpoiledReport:
    """What is wrong with a report of the partner's, and how it becomes so."""

    words: str
    change: Callable[[bytes], bytes]


MISBEHAVIOURS: Mapping[str, SpoiledReport] = {
    "no-report": SpoiledReport("nothing is reported, whatever was agreed", lambda _body: b""),
    "broken-ber": SpoiledReport("a report ends in the middle", lambda body: body[: len(body) // 2]),
    "other-ber": SpoiledReport("a report is BER, but no APDU", lambda body: _NO_MESSAGE if body else body),
    "double-report": SpoiledReport("each report comes twice", lambda body: body + body),
}


class IsoIllRehearsal:
    channel = "iso-ill"

    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return {name: one.words for name, one in MISBEHAVIOURS.items()}

    def mirror_dialect(self, profile: Profile, address: str) -> BaseModel:
        """Each reports what the other wants reported, and sends what the other takes. Raises ConfigurationError for a
        partner that is reached by mail."""
        ours = dialect_of(profile)
        if ours.transport.by == "mail":
            words = "a partner that is reached by mail can't be played"
            key = ("iso_ill", "transport", "by")
            raise ConfigurationError([ConfigurationProblem(f"profile {profile.name}", 0, key, words)])
        transport = ours.transport.model_copy(update={"address": address, "follow_sender_info": False})
        changes: Mapping[str, object] = {
            "transport": transport,
            "acknowledges": ours.answers,
            "answers": ours.acknowledges,
            "never_sends": ours.withheld,
            "withheld": ours.never_sends,
            "credentials": _credentials_of_partner(profile),
            "symbols": ours.symbols.model_copy(update={"ours": ""}),
            "reply_to": "",
        }
        return ours.model_copy(update=dict(changes))

    def spoil_answer(self, name: str, answer: ResponderAnswer, number: int) -> ResponderAnswer:
        return replace(answer, body=MISBEHAVIOURS[name].change(answer.body))


def _credentials_of_partner(profile: Profile) -> Credentials:
    """What is shown to be let in by the password of an extension."""
    shown = next((one for one in profile.auth if one.kind is AuthKind.AGENCY_SECRET and one.secret), None)
    return Credentials(user=profile.name, password=shown.secret) if shown is not None else Credentials()
