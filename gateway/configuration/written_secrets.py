"""A YAML file as people are shown it: without secrets, though only references to them are allowed in it.

Its keys say what is a secret. The parser says where one ends: in quotes, in a block, over several lines, or elsewhere
and only named here. What the parser can't read, and comments, are looked through line by line.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import yaml

from gateway.configuration.yaml_document import YamlEventLoader
from gateway.domain.problems import KeyPath
from gateway.domain.secret_reference import CONCEALED, PASSWORD_IN_URL, is_secret_reference
from gateway.domain.value import value_object

_LAST_WORDS = frozenset({"secret", "password", "key", "token", "pin"})
_WHOLE_KEYS = frozenset({"agency_authentication", "encryption_keys", "open"})
_KEYS_WITHIN = frozenset({("account", "code")})
_ANY_OUTER_KEY = "account"
"""In a line by itself it can't be seen what is around it."""

_KEY = re.compile(r"""(?<![\w-])(?P<key>[\w-]{1,64})["']?[ \t]*:""")
_KEY_LINE = re.compile(r"""[ \t]*(?:-[ \t]+)*["']?[\w.-]+["']?[ \t]*:(?:\s|$)""")
_COMMENT = re.compile(r"#[^\r\n]*")
_LINE = re.compile(r"[^\r\n]+")
_LINE_CONTENT = re.compile(r"[^\s][^\r\n]*")


def is_secret_path(path: KeyPath) -> bool:
    """Return whether the path is that of a value that is not shown, even where something else than a secret's name
    stands there by mistake."""
    keys = ["", *(one for one in path if isinstance(one, str))]
    return any(_is_secret_key(outer, key) for outer, key in itertools.pairwise(keys))


def _is_secret_key(outer: str, key: str) -> bool:
    plain = key.casefold().replace("-", "_")
    return plain in _WHOLE_KEYS or plain.rpartition("_")[2] in _LAST_WORDS or (outer.casefold(), plain) in _KEYS_WITHIN


def conceal_written_secrets(text: str) -> str:
    """The same lines, with `CONCEALED` in the place of each line of a secret. The rest of a line goes with one without
    quotes: nobody knows where it was to end."""
    return "".join(piece.shown for piece in split_at_secrets(text))


@value_object
class MaskedTextPart:
    """A secret, or what stands between two: as it is `written`, and as people are `shown` it."""

    written: str = field(repr=False)
    shown: str
    is_secret: bool = False


def split_at_secrets(text: str) -> list[MaskedTextPart]:
    """All of the text but its byte order mark, in order."""
    text = text.removeprefix("\ufeff")
    reader = _EventReader(text)
    end = reader.read_events()
    spans = [*reader.secrets, *reader.list_aliased_secrets()]
    spans += [*_find_in_comments(text, reader.scalars, end), *_find_in_lines(text, end)]
    pieces, at = list[MaskedTextPart](), 0
    for start, stop in sorted(spans):
        if stop > at:
            pieces.append(MaskedTextPart(text[at:start], text[at:start]))
            secret = text[max(start, at) : stop]
            pieces.append(MaskedTextPart(secret, _LINE_CONTENT.sub(CONCEALED, secret), True))
            at = stop
    return [*pieces, MaskedTextPart(text[at:], text[at:])]


_Span = tuple[int, int]


@dataclass
class _Collection:
    """`outer_key`: the key whose value it is; `key`: of the value that comes next, None where a key comes next.
    `start`: its place in the text; `anchor`: its name elsewhere in the file; `first`: number of values before it."""

    start: int
    is_mapping: bool
    is_secret: bool
    outer_key: str
    anchor: str | None
    first: int
    key: str | None = None


class _EventReader:
    """`secrets`: where they stand in the text; `scalars`: where keys and values stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[_Collection] = []
        self._values: list[yaml.ScalarEvent] = []
        self._anchors: dict[str, tuple[int, int]] = {}
        self._aliased: list[tuple[int, int]] = []
        self.secrets: list[_Span] = []
        self.scalars: list[_Span] = []

    def read_events(self) -> int:
        """Read events, and return where the file stops being YAML: the start of that line, or of the secret that goes
        on there; else the end of the text."""
        read = 0
        try:
            for event in yaml.parse(self._text, Loader=YamlEventLoader):
                read, _ = _find_span(event)
                self._read_event(event)
        except yaml.YAMLError:
            read = min([read, *(one.start for one in self._open if one.is_secret)])
            return self._text.rfind("\n", 0, read) + 1
        return len(self._text)

    def list_aliased_secrets(self) -> Iterator[_Span]:
        """List what stands where others say that it is a secret: each once, however often they say so."""
        at = 0
        for first, last in sorted(self._aliased):
            yield from (self._span_of_secret(one) for one in self._values[max(first, at) : last])
            at = max(at, last)

    def _read_event(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._read_scalar(event)
            case yaml.AliasEvent():
                first, last = self._anchors.get(event.anchor or "", (0, 0))
                if self._take_place():
                    self._aliased.append((first, last))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                outer_key = self._read_outer_key()
                is_secret = self._take_place()
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                place, _ = _find_span(event)
                self._open.append(_Collection(place, is_mapping, is_secret, outer_key, event.anchor, len(self._values)))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                ended = self._open.pop()
                self._note_anchor(ended.anchor, ended.first)

    def _read_outer_key(self) -> str:
        """The key whose value comes next; in a list, the key of the list."""
        if not self._open:
            return ""
        around = self._open[-1]
        return (around.key or "") if around.is_mapping else around.outer_key

    def _take_place(self) -> bool:
        """Take the place of a key or a value that begins, and return whether it is a secret. Keys are none."""
        if not self._open:
            return False
        around = self._open[-1]
        if not around.is_mapping:
            return around.is_secret
        if around.key is None:
            around.key = ""  # a key that is a collection, or the name of another
            return around.is_secret
        key, around.key = around.key, None
        return around.is_secret or _is_secret_key(around.outer_key, key)

    def _read_scalar(self, event: yaml.ScalarEvent) -> None:
        self.scalars.append(_find_span(event))
        around = self._open[-1] if self._open else None
        if around is not None and around.is_mapping and around.key is None:
            around.key = event.value
            return
        self._values.append(event)
        self._note_anchor(event.anchor, len(self._values) - 1)
        if self._take_place() or _is_key_without_space(event.value) or PASSWORD_IN_URL.match(event.value):
            self.secrets.append(self._span_of_secret(event))

    def _note_anchor(self, anchor: str | None, first: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (first, len(self._values))

    def _span_of_secret(self, event: yaml.ScalarEvent) -> _Span:
        """Empty for what may be shown."""
        start, stop = _find_span(event)
        if is_secret_reference(event.value) or not event.value:
            return (start, start)
        if event.style:
            return (start, stop)
        rest = _LINE.match(self._text, stop)
        return (start, rest.end() if rest is not None else stop)


def _find_span(event: yaml.Event) -> _Span:
    assert event.start_mark is not None, "events of a parser have both"
    assert event.end_mark is not None
    return (event.start_mark.index, event.end_mark.index)


def _is_key_without_space(value: str) -> bool:
    """`password:Кот` is no key and value for YAML."""
    found = _KEY.match(value)
    return found is not None and not value[found.end() :][:1].isspace() and _find_in_line(value) is not None


def _find_in_line(line: str) -> tuple[int, int] | None:
    """Find where the key of a secret begins, and its value, which may be on the lines below."""
    for found in _KEY.finditer(line):
        if _is_secret_key(_ANY_OUTER_KEY, found["key"]):
            value = line[found.end() :].strip().strip("\"'")
            if not value.startswith(("env:", "file:")):
                return (found.start("key"), found.end())
    url = PASSWORD_IN_URL.search(line)
    return (url.start(), url.start()) if url is not None else None


def _find_in_comments(text: str, scalars: Iterable[_Span], end: int) -> Iterator[_Span]:
    at = 0
    for start, stop in [*sorted(scalars), (end, end)]:
        for comment in _COMMENT.finditer(text, at, max(start, at)):
            if (found := _find_in_line(comment[0])) is not None:
                yield (comment.start() + found[1], comment.end())
        at = max(at, stop)


def _find_in_lines(text: str, start: int) -> Iterator[_Span]:
    """Find what stands below a secret's key, up to the next key that isn't further in."""
    column: int | None = None
    for line in _LINE.finditer(text, start):
        content = line[0]
        indent = len(content) - len(content.lstrip())
        if column is not None and (indent > column or _KEY_LINE.match(content) is None):
            yield line.span()
            continue
        found = _find_in_line(content)
        column = None if found is None else found[0]
        if found is not None:
            yield (line.start() + found[1], line.end())
