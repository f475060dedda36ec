"""Headers that show a partner, in each message by HTTP, that it is ours (`peer_authentication.ours`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.domain.problems import Unavailable
from gateway.domain.profile import Profile
from gateway.domain.sentences import write_sentence

MakePeerHeaders = Callable[[Profile], Awaitable[Mapping[str, str]]]
"""What shows the partner of a profile, in each message by HTTP, that it is ours (`peer_authentication.ours`); empty
where it asks for nothing. Raises Unavailable."""


async def refuse_peer_headers(profile: Profile) -> Mapping[str, str]:
    """Refuse headers where there is no key to sign with."""
    if profile.peer_authentication.ours is not None:
        raise Unavailable(write_sentence("messages to this partner must be signed, but no signing key exists"))
    return {}
