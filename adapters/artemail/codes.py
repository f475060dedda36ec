"""The profile's code table, made ready to read lines with. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from adapters.artemail.dialect.replies import Replies, ReplyRule
from adapters.artemail.values import PATTERNS
from gateway.domain.frozen import frozen


@frozen
class Found:
    """A code at the start of a text. `rule`: its name in the table, empty for one that isn't there; `tail`: the
    explanation behind it."""

    code: str
    rule: str
    values: Mapping[str, str]
    tail: str = ""


class Codes:
    def __init__(self, replies: Replies) -> None:
        self._entries = _table(
            tuple((name, one.template.literal, _pattern(one)) for name, one in replies.codes.items())
        )
        self._unknown = re.compile(replies.unknown_code)
        self._label = re.compile(rf"{labels(replies.code_labels)}(?=\S)", re.IGNORECASE)

    def code(self, line: str) -> Found | None:
        """One of the table, with or without a label before it."""
        said = self._without_label(line)
        for entry in self._entries:
            match = entry.pattern.match(said)
            tail = _TAIL.match(said, match.end()) if match else None
            if match and tail:
                values = {key: value for key, value in match.groupdict().items() if value}
                return Found(match[0].strip(), entry.name, values, tail["tail"] or "")
        return None

    def unknown(self, line: str) -> Found | None:
        """What looks like a code."""
        said = self._without_label(line)
        match = self._unknown.match(said)
        tail = _TAIL.match(said, match.end()) if match else None
        return Found(match[0].strip(), "", {}, tail["tail"] or "") if match and tail else None

    def _without_label(self, line: str) -> str:
        label = self._label.match(line)
        return line[label.end() :] if label else line


def labels(words: tuple[str, ...]) -> str:
    """Pattern of any of them, with what may stand between it and the value."""
    each = (r"\s+".join(map(re.escape, label.split())) for label in sorted(words, key=len, reverse=True))
    return rf"(?:{'|'.join(each) or '(?!)'})\.?\s*[:#=]?\s*"


@frozen
class _Entry:
    name: str
    pattern: re.Pattern[str]


@lru_cache(maxsize=64)
def _table(rules: tuple[tuple[str, str, str], ...]) -> tuple[_Entry, ...]:
    """Longest first, since some codes begin as others do."""
    ordered = sorted(rules, key=lambda one: -len(one[1]))
    return tuple(_Entry(name, re.compile(pattern)) for name, _, pattern in ordered)


def _pattern(rule: ReplyRule) -> str:
    return rule.pattern if rule.pattern is not None else rule.template.pattern(PATTERNS, loose=False)


_TAIL = re.compile(r"\s*[.!]?\s*$|(?:\s+[-–—=]+\s+|[:;,]\s+|\s+(?=\()|\s{2,})(?P<tail>\S.*)$")
"""What may stand behind a code: nothing, or an explanation that is set off from it."""
