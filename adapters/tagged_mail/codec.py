"""Tagged mail: text lines <-> values. Pure, knows no request.

Strict in what is written: a tag at the start of a line, what belongs to it below, indented. Lenient in what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import wrap

from adapters.tagged_mail.message_names import NAMES, MessageName, normalise_text
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

NEXT_LINE = "    "
"""Before a further line of a value."""

GOES_ON = "      "
"""Before the rest of a line that was too long."""

MAX_LINES = 20_000
LINES_BEFORE_NAME = 20
"""A greeting or a letterhead may stand above the first message."""

MAX_LINE_CHARS = 200
"""Of a line that names a message."""

_TAG = re.compile(r"([A-Z0-9][A-Z0-9#$/.]{1,2}) ?:(?!//)[ \t]*(.*)")


@value_object
class MessageTag:
    """`name` without its colon; `value` may have several lines."""

    name: str
    value: str


@value_object(kw_only=True)
class TaggedMessage:
    """`text`: lines of the message that belong to no tag."""

    name: MessageName
    tags: tuple[MessageTag, ...] = ()
    text: tuple[str, ...] = ()

    def tag_values(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values of these tags, in the order of the mail; empty ones left out."""
        return tuple(tag.value for tag in self.tags if tag.name in names and tag.value)

    def first_value(self, names: tuple[str, ...]) -> str:
        return next(iter(self.tag_values(names)), "")


@value_object
class TaggedMailLayout:
    """`language`: en, fr or both; `length`: most characters of a line; `more`: further names by which a message is
    known, plain (see `message_names.normalise_text`)."""

    language: str = "both"
    length: int = 76
    more: tuple[tuple[str, MessageName], ...] = ()


def encode(message: TaggedMessage, layout: TaggedMailLayout) -> str:
    """Encode a message; raises ValueError for a tag that could not be read again."""
    lines = [message_title(message.name, layout.language), ""]
    for tag in message.tags:
        if not is_tag_name(tag.name):
            raise ValueError(f"'{tag.name}' is no tag")
        lines += _write_tag_lines(tag, layout.length)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def is_tag_name(name: str) -> bool:
    return re.fullmatch(r"[A-Z0-9][A-Z0-9#$/.]{1,2}", name) is not None


def message_title(name: MessageName, language: str) -> str:
    words = NAMES[name]
    return {"en": words.english, "fr": words.french}.get(language, words.both)


def _write_tag_lines(tag: MessageTag, length: int) -> Iterator[str]:
    start = f"{tag.name}: "
    for index, line in enumerate(tag.value.splitlines() or [""]):
        before = NEXT_LINE if index else start
        folded = wrap(
            " ".join(line.split()),
            length,
            initial_indent=before,
            subsequent_indent=GOES_ON,
            break_on_hyphens=False,
            break_long_words=False,  # an address of the web stays whole
        )
        yield from folded or [before]


# --- reading ---------------------------------------------------------------------------------------------


def decode(lines: list[str], layout: TaggedMailLayout) -> tuple[TaggedMessage, ...]:
    """All messages of a mail, in order. `lines` without what is quoted. Raises MalformedMessage: there is none."""
    if len(lines) > MAX_LINES:
        raise MalformedMessage("", f"more than {MAX_LINES} lines", MalformationKind.TOO_LARGE)
    names = known_names(layout)
    starts = [(n, name) for n, line in enumerate(lines) if (name := find_message_name(line, names)) is not None]
    if not starts:
        raise MalformedMessage("line 1", "no message of the Generic Script is named", MalformationKind.UNKNOWN_SERVICE)
    bounds = [n for n, _ in starts[1:]] + [len(lines)]
    return tuple(_read_tagged_message(name, lines[n + 1 : end]) for (n, name), end in zip(starts, bounds, strict=True))


def is_tagged_mail(lines: list[str], layout: TaggedMailLayout) -> bool:
    names = known_names(layout)
    head = [line for line in lines[:MAX_LINES] if line.strip()][:LINES_BEFORE_NAME]
    return any(find_message_name(line, names) is not None for line in head)


def known_names(layout: TaggedMailLayout) -> Mapping[str, MessageName]:
    own = {
        normalise_text(text): name
        for name, words in NAMES.items()
        for text in (words.english, words.french, words.both)
    }
    return {**own, **dict(layout.more)}


def find_message_name(line: str, known: Mapping[str, MessageName]) -> MessageName | None:
    """The message that a line names, alone or before a colon or two blanks. An indented line belongs to a tag."""
    if len(line) > MAX_LINE_CHARS or line[:1].isspace():
        return None
    text = normalise_text(re.split(r":|\s{2,}(?=\S)", line.strip(), maxsplit=1)[0])
    return known.get(text)


def _read_tagged_message(name: MessageName, lines: list[str]) -> TaggedMessage:
    tags: list[MessageTag] = []
    text: list[str] = []
    for line in lines:
        match = _TAG.fullmatch(line.rstrip())
        if match:
            tags.append(MessageTag(match[1], match[2].strip()))
        elif not line.strip():
            continue
        elif tags and line[0] in " \t":
            last = tags[-1]
            between = " " if line.startswith(GOES_ON) else "\n"
            tags[-1] = MessageTag(last.name, f"{last.value}{between}{line.strip()}".strip())
        elif line.startswith("---"):
            continue
        else:
            text.append(line.strip())
    return TaggedMessage(name=name, tags=tuple(tags), text=tuple(text))
