"""What a system answers to a push: taken, refused, later or nobody knows (facts/openurl.md section 2). Pure.

ILLiad and others say no with status 200 and a page; the profile's patterns know it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import field

from adapters.openurl.dialect import AnswerRules
from gateway.domain.frozen import frozen
from gateway.domain.problems import OutcomeUnknown, Reason, Refused, Unavailable

LONGEST = 300
"""Characters of the other system's words that are kept."""

_NOT_NOW = frozenset({408, 423, 425, 429, 501, 503, 505})
"""Nothing was done."""

_DROPPED = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


@frozen
class PushAnswer:
    """`elsewhere`: the other host that it leads to."""

    status: int
    text: str = field(default="", repr=False)
    elsewhere: str = ""


def judged(answer: PushAnswer, rules: AnswerRules, secret: Iterable[str] = ()) -> str:
    """The other system's number of the request, empty where it says none. `secret`: what must not be shown of its
    words (the patron's identifier).

    Raises Refused, Unavailable, OutcomeUnknown.
    """
    if answer.elsewhere:
        if rules.elsewhere == "taken":
            return ""
        detail = f"The other system leads to another host ({answer.elsewhere}), perhaps to sign in there."
        raise Refused(Reason.SENDER_AUTH_FAILED, detail)
    texts = (answer.text, plain(answer.text))
    if (said := _first(rules.later, texts)) is not None:
        raise Unavailable(f"not now: {_shown(said, secret)}")
    said = _first(rules.refused, texts)
    if said is None:
        _blame_status(answer.status)
    if said is not None:
        raise Refused(_reason(answer.status), f"The other system refused: {_shown(said, secret)}")
    if rules.taken is not None and _first((rules.taken,), texts) is None:
        raise Refused(Reason.OTHER, f"The other system did not say that it took it (HTTP {answer.status}).")
    number = _first((rules.number,), texts) if rules.number is not None else None
    return _shown(number, secret)[:100] if number is not None else ""


def _blame_status(status: int) -> None:
    """What the status says where no pattern does. 500, 502 and 504 tell nothing of what was done before."""
    if 200 <= status < 300:
        return
    if status in _NOT_NOW:
        raise Unavailable(f"the other system did not take it (HTTP {status})")
    if status >= 500:
        raise OutcomeUnknown(f"the other system failed (HTTP {status})")
    raise Refused(_reason(status), f"The other system refused it (HTTP {status}).")


def _reason(status: int) -> Reason:
    return Reason.SENDER_AUTH_FAILED if status in (401, 403, 407) else Reason.OTHER


def _first(patterns: Iterable[str], texts: tuple[str, ...]) -> str | None:
    for pattern in patterns:
        for text in texts:
            match = re.search(pattern, text, re.IGNORECASE | re.DOTALL)
            if match is not None:
                return (match[1] or "") if match.re.groups else match[0]
    return None


def plain(text: str) -> str:
    """Without tags, scripts and entities, in one line."""
    return " ".join(html.unescape(_TAG.sub(" ", _DROPPED.sub(" ", text))).split())


def _shown(text: str, secret: Iterable[str]) -> str:
    said = plain(text)
    for one in filter(None, secret):
        said = re.sub(re.escape(one), "…", said, flags=re.IGNORECASE)
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"
