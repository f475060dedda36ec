"""Regular expressions that profiles contain, with RE2 (docs/decisions): the time that one takes grows with the text and
the pattern, never with their product's power, so neither a careless pattern nor a stranger's text brings the gateway to
a standstill. Python's own `re` is for patterns of ours.

RE2 has no look-around and no back-references; `\\w`, `\\d`, `\\s` and `\\b` mean ASCII (`\\pL` is any letter).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

import re2

from gateway.domain.value import value_object

MAX_STEPS = 4_000
"""Of a compiled pattern: `x{0,900}` has 900 times those of `x`. At the worst each character of a text is looked at once
for each step, of which RE2 does some hundred millions a second."""

MAX_MEMORY_BYTES = 1 << 20
"""Of such a pattern, with what RE2 keeps while it matches."""

MAX_TEXT_CHARS = 4_000
"""Of a text that the event loop waits for, such as an identifier or a note. A longer one fits no pattern."""

MAX_REPLACEMENTS = 1_000
"""In one text."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_OPEN_REPEAT = re.compile(r"\\.|(\{,\d*\})", re.DOTALL)


class PatternMatch(Protocol):
    """The match of a pattern, as that of `re`."""

    def __getitem__(self, group: int | str) -> Any: ...

    def end(self) -> int: ...

    def expand(self, template: str) -> str: ...

    def groupdict(self, default: Any = None) -> dict[str, Any]: ...


@value_object
class LinearPattern:
    """`groups`: number of its groups; `names`: the number of each that has a name."""

    compiled: Any
    groups: int
    names: Mapping[str, int]

    def match(self, text: str) -> PatternMatch | None:
        pattern_match: PatternMatch | None = self.compiled.match(_replace_surrogates(text))
        return pattern_match

    def fullmatch(self, text: str) -> PatternMatch | None:
        match: PatternMatch | None = self.compiled.fullmatch(_replace_surrogates(text))
        return match

    def search(self, text: str) -> PatternMatch | None:
        match: PatternMatch | None = self.compiled.search(_replace_surrogates(text))
        return match

    def replace_matches(self, replacement: str, text: str) -> str:
        """Replace as `re.sub` does, the first MAX_REPLACEMENTS."""
        replaced: str = self.compiled.sub(
            lambda match: expand_template(match, replacement), _replace_surrogates(text), MAX_REPLACEMENTS
        )
        return replaced


@lru_cache(maxsize=2_048)
def compile_pattern(pattern: str, *, ignore_case: bool = False, dot_matches_line_ends: bool = False) -> LinearPattern:
    """Compile a pattern; raises ValueError saying what is wrong with it, for the person who wrote it."""
    if any(match[1] for match in _OPEN_REPEAT.finditer(pattern)):
        raise ValueError("not a regular expression of RE2: write {0,n} in place of {,n}")  # it would be plain text
    options = re2.Options()
    options.log_errors = False  # it would print them
    options.max_mem = MAX_MEMORY_BYTES
    options.case_sensitive = not ignore_case
    options.dot_nl = dot_matches_line_ends
    try:
        compiled = re2.compile(_replace_surrogates(pattern), options)
    except re2.error as error:
        raise _describe_error(error) from error
    if compiled.programsize > MAX_STEPS:
        raise ValueError(f"the regular expression is too large: {compiled.programsize} steps, at most {MAX_STEPS}")
    return LinearPattern(compiled, compiled.groups, compiled.groupindex)


@lru_cache(maxsize=256)
def compile_bytes_pattern(pattern: bytes) -> Any:
    """Compile a pattern as `re.compile` does, to match bytes of whatever length: not for the event loop. Names of
    groups are bytes too. Raises ValueError."""
    options = re2.Options()
    options.log_errors = False
    options.encoding = options.Encoding.LATIN1
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise _describe_error(error) from error


def expand_template(match: PatternMatch, template: str) -> str:
    """Expand a template as `re.Match.expand` does. What RE2 has by that name takes the UTF-8 of other letters than
    ASCII for Latin-1."""
    return match.expand(_NOT_ASCII.sub(lambda letter: f"\\U{ord(letter[0]):08x}", template))


def fits_pattern(pattern: str, text: str) -> bool:
    """Return whether a text of a message as a whole is as the pattern says."""
    return match_whole(pattern, text) is not None


def match_whole(pattern: str, text: str) -> PatternMatch | None:
    return compile_pattern(pattern).fullmatch(text) if len(text) <= MAX_TEXT_CHARS else None


def has_match(pattern: str, text: str) -> bool:
    """Return whether a part of a message's text is as the pattern says."""
    return len(text) <= MAX_TEXT_CHARS and compile_pattern(pattern).search(text) is not None


def replace_pattern(pattern: str, replacement: str, text: str) -> str:
    """Replace a pattern in a text of a message."""
    return compile_pattern(pattern).replace_matches(replacement, text) if len(text) <= MAX_TEXT_CHARS else text


def _describe_error(error: Exception) -> ValueError:
    reason = error.args[0] if error.args else ""
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return ValueError(f"not a regular expression of RE2: {text}")


def _replace_surrogates(text: str) -> str:
    """Half of a surrogate pair is no character that RE2 could read."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
