"""How a protocol is rehearsed: what `illgate mock` needs of it to play a partner.

The partner that is played reads by the protocol's own `Responder` and speaks by its own `PartnerChannel`, under the
profile as the partner would have written it for us.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import BaseModel

from gateway.domain.profile import Profile
from gateway.ports.responder import ResponderAnswer


class ProtocolRehearsal(Protocol):
    @property
    def channel(self) -> str:
        """Name of the channel by which the partner speaks."""
        ...

    @property
    def misbehaviours(self) -> Mapping[str, str]:
        """What the partner can do wrong in its answers, in plain words, by name."""
        ...

    def mirror_dialect(self, profile: Profile, url: str) -> BaseModel:
        """The section of the protocol as the partner would write it: its symbols are ours there, and messages go to
        `url`."""
        ...

    def misbehave(self, name: str, answer: ResponderAnswer, number: int) -> ResponderAnswer:
        """The answer with what is wrong in it. `number`: the how manieth answer to this message it is, from 1. Raises
        KeyError for a name that isn't in `misbehaviours`."""
        ...
