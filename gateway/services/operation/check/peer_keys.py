"""Check of signed tokens: our key, the partner's keys, and both clocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta

from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationProblem, Unavailable
from gateway.profiles import LoadedProfile
from gateway.services.exchange.peer_keys import NO_KEY
from gateway.services.exchange.peer_tokens import LEEWAY, is_peer_key
from gateway.services.exchange.published_keys import Jwk, choose_signing_keys, fetch_key_set

KEYS_WANTED = "no RSA key for RS256 that can be used is among its keys"


def check_own_key(
    loaded: LoadedProfile, library: str, signing: Collection[str] | None
) -> Iterator[ConfigurationProblem]:
    """`signing`: libraries that have a key; None: it isn't known."""
    profile = loaded.profile
    if profile.peer_authentication.ours is None or profile.abstract or signing is None or library in signing:
        return
    yield loaded.make_problem(("peer_authentication", "ours"), NO_KEY)


def check_listed_keys(loaded: LoadedProfile) -> Iterator[ConfigurationProblem]:
    """Those that stand in the profile itself."""
    theirs = loaded.profile.peer_authentication.theirs
    if theirs is None or theirs.jwks is None:
        return
    for index, key in enumerate(theirs.jwks.keys):
        if not _has_peer_key(choose_signing_keys({"keys": [key]})):
            yield loaded.make_problem(("peer_authentication", "theirs", "jwks", "keys", index), KEYS_WANTED)


async def probe_published_keys(loaded: LoadedProfile, clock: Clock) -> list[ConfigurationProblem]:
    """The partner's keys are fetched. Its clock is compared with ours, since tokens hold for minutes."""
    theirs = loaded.profile.peer_authentication.theirs
    if theirs is None or not theirs.jwks_url or loaded.profile.abstract:
        return []
    path = ("peer_authentication", "theirs", "jwks_url")
    try:
        fetched = await fetch_key_set(theirs.jwks_url)
    except Unavailable as error:
        return [loaded.make_problem(path, str(error), theirs.jwks_url)]
    problems = []
    if not _has_peer_key(choose_signing_keys(fetched.published)):
        problems.append(loaded.make_problem(path, KEYS_WANTED, theirs.jwks_url))
    if fetched.server_time is not None and abs(ahead := fetched.server_time - clock.now()) > LEEWAY:
        seconds = round(ahead / timedelta(seconds=1))
        message = f"its clock differs from ours by {seconds:+d} seconds; tokens allow {LEEWAY.seconds}"
        problems.append(loaded.make_problem(path, message, theirs.jwks_url))
    return problems


def _has_peer_key(keys: Iterable[Jwk]) -> bool:
    return any(map(is_peer_key, keys))
