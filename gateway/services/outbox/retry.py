"""What follows from a failure, by its class: again later, or dead.

How often in a row a row failed in the same way is kept in its `error`, as staff read it ("unavailable (3): …"), so
it outlives the process.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from gateway.domain.frozen import frozen
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.services.outbox.handled import Outcome
from gateway.services.outbox.options import Options

DEFECT_TRIES = 3
"""A defect of ours seldom goes away by itself."""

UNKNOWN_FACTOR = 4
"""After an unknown outcome the pause is so much longer: the other side may still be at work on it."""

SHORTEST = 0.1
"""Of the pause drawn, so that 'again' is never 'at once'."""

_WORDS = {
    Outcome.UNAVAILABLE: "unavailable",
    Outcome.UNKNOWN: "outcome unknown",
    Outcome.DEFECT: "internal error",
}
_WRITTEN = re.compile(rf"^({'|'.join(_WORDS.values())}) \((\d+)\): ")

LONGEST_ERROR = 1000
"""Characters of an error that are kept."""


@frozen
class Again:
    outcome: Outcome
    after: timedelta
    error: str


@frozen
class Dead:
    outcome: Outcome
    error: str


Verdict = Again | Dead


def verdict(error: Exception, tries: int, before: str, options: Options, draw: Callable[[], float]) -> Verdict:
    """`tries` counts this one; `before` is the row's error until now; `draw` gives a number in [0, 1)."""
    if isinstance(error, Refused):
        return Dead(Outcome.REFUSED, said_no(error))
    outcome = outcome_of(error)
    count = _count(before, _WORDS[outcome]) + 1
    text = _cut(f"{_WORDS[outcome]} ({count}): {_tell(error)}")
    if tries >= options.max_tries:
        return Dead(outcome, text)
    if outcome is Outcome.DEFECT:
        if count >= DEFECT_TRIES:
            return Dead(outcome, text)
        return Again(outcome, pause(count, options, draw), text)
    if outcome is Outcome.UNKNOWN:
        return Again(outcome, pause(count, options, draw, UNKNOWN_FACTOR), text)
    return Again(outcome, pause(count, options, draw), text)


def may_have_arrived(tries: int, error: str) -> bool:
    """Whether an earlier try may have had its effect: it had no answer, or the gateway stopped in its midst. `tries`
    and `error` are those of the row that is in hand again."""
    return tries > 1 and not _count(error, _WORDS[Outcome.UNAVAILABLE])


def said_no(error: Refused) -> str:
    """A refusal as staff read it."""
    return _cut(f"refused: {error.reason.value}: {error.detail}")


def outcome_of(error: Exception) -> Outcome:
    if isinstance(error, Refused):
        return Outcome.REFUSED
    if isinstance(error, Unavailable):
        return Outcome.UNAVAILABLE
    if isinstance(error, OutcomeUnknown):
        return Outcome.UNKNOWN
    return Outcome.DEFECT


def pause(count: int, options: Options, draw: Callable[[], float], factor: float = 1.0) -> timedelta:
    """After the failure number `count`: doubles each time up to the longest, then anything up to that by chance, so
    that rows which failed together don't come back together."""
    doubled = options.first_seconds * factor * 2.0 ** min(count - 1, 40)
    longest = min(doubled, options.longest_seconds)
    return timedelta(seconds=longest * (SHORTEST + (1 - SHORTEST) * draw()))


def _count(before: str, words: str) -> int:
    found = _WRITTEN.match(before)
    return int(found[2]) if found is not None and found[1] == words else 0


def _tell(error: Exception) -> str:
    """The text of what is not known to us might name a patron; the log has where it happened."""
    if isinstance(error, Unavailable | OutcomeUnknown):
        return str(error) or type(error).__name__
    return f"{type(error).__qualname__} (see the log)"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"
