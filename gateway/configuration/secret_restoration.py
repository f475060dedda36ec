"""A text that was shown without its secrets and comes back changed: each mask gets what the file has at its place.

The place is the path of keys, never the line's number. In a list it is the entry that is otherwise as it was: a secret
never goes over to another one. A mask in a comment, or in what isn't YAML, needs the same line, with the secret's key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from gateway.configuration.written_secrets import MaskedTextPart, split_at_secrets
from gateway.configuration.yaml_document import MAX_DEPTH, YamlEventLoader
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.value import value_object

_MASK = re.compile(r"(?<!\*)\*{8}(?!\*)")
_TOKEN = re.compile(r"zq\d{4}qz")
"""In the place of a mask while YAML is read, where a star begins the name of an anchor; as long as the mask."""
_MAX_MASKS = 10_000


@value_object
class RestoredText:
    """`lines`: those whose mask stands for nothing, from 1; empty: `text` is whole."""

    text: str = field(repr=False)
    lines: tuple[int, ...] = ()


def restore_written_secrets(text: str, original: str) -> RestoredText:
    """`text`: as it came back; `original`: the file, with its secrets. Lines of both end in a line feed."""
    masks = [found.start() for found in _MASK.finditer(text)]
    if not masks:
        return RestoredText(text)
    if len(masks) > _MAX_MASKS:
        return RestoredText(text, _number_lines(text, masks))
    pieces = split_at_secrets(original)
    by_path, by_line = _read_secrets_by_path(pieces), _read_secrets_by_line(pieces)
    scalars = _read_scalars(_fill_masks(text)) if by_path is not None else None
    changes, lost = list[_Change](), list[int]()
    for start in masks:
        if changes and start < changes[-1].stop:
            continue
        scalar = next((one for one in scalars or () if one.start <= start < one.stop), None)
        if scalar is not None and by_path is not None:
            change = _change_scalar(text, scalar, by_path)
        else:
            change = _change_line(text, start, by_line)
        if change is None:
            lost.append(start)
        else:
            changes.append(change)
    restored, secrets = _apply_changes(text, changes)
    return RestoredText(restored, _number_lines(text, lost if _are_concealed(restored, secrets) else masks))


_Span = tuple[int, int]


@value_object
class _Written:
    """A line or a value as it is written. `secrets`: which parts of it are."""

    text: str = field(repr=False)
    secrets: tuple[_Span, ...]


@value_object
class _Change:
    """`written` None: what stands there may stay."""

    start: int
    stop: int
    written: _Written | None


def _apply_changes(text: str, changes: Iterable[_Change]) -> tuple[str, list[_Span]]:
    """And where the secrets stand then."""
    found, secrets, at = "", list[_Span](), 0
    for change in changes:
        if change.written is not None:
            found += text[at : change.start]
            secrets += [(len(found) + start, len(found) + stop) for start, stop in change.written.secrets]
            found += change.written.text
            at = change.stop
    return found + text[at:], secrets


def _are_concealed(text: str, secrets: Iterable[_Span]) -> bool:
    """Return whether all of them would be masks again where they stand now."""
    spans, at = list[_Span](), 0
    for piece in split_at_secrets(text):
        if piece.is_secret:
            spans.append((at, at + len(piece.written)))
        at += len(piece.written)
    return all(any(first <= start and stop <= last for first, last in spans) for start, stop in secrets)


def _number_lines(text: str, places: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(text.count("\n", 0, place) + 1 for place in places))


def _fill_masks(text: str) -> str:
    """Fill masks with a text as long as before."""
    numbers = iter(range(_MAX_MASKS))
    return _MASK.sub(lambda _mask: f"zq{next(numbers, 0):04d}qz", text)


# --- by line -------------------------------------------------------------------------------------------------


def _read_secrets_by_line(pieces: Sequence[MaskedTextPart]) -> Mapping[str, _Written | None]:
    """Lines as shown that have something besides a mask; None where several fit that differ."""
    shown, written, secrets = [""], [""], list[list[_Span]]([[]])
    for piece in pieces:
        lines = zip(piece.shown.split("\n"), piece.written.split("\n"), strict=True)
        for number, (one, other) in enumerate(lines):
            if number:
                shown.append("")
                written.append("")
                secrets.append([])
            if piece.is_secret and other.strip():
                start = len(written[-1]) + len(other) - len(other.lstrip())
                secrets[-1].append((start, start + len(other.strip())))
            shown[-1] += one
            written[-1] += other
    found: dict[str, _Written | None] = {}
    for line, text, spans in zip(shown, written, secrets, strict=True):
        if _MASK.search(line) and _MASK.sub("", line).strip():
            whole = _Written(text, tuple(spans))
            found[line] = whole if found.get(line, whole) == whole else None
    return found


def _change_line(text: str, place: int, by_line: Mapping[str, _Written | None]) -> _Change | None:
    start = text.rfind("\n", 0, place) + 1
    stop = text.find("\n", place)
    stop = len(text) if stop < 0 else stop
    written = by_line.get(text[start:stop])
    return _Change(start, stop, written) if written is not None else None


# --- by path -------------------------------------------------------------------------------------------------

_Path = tuple[str, ...]


@value_object
class _Scalar:
    """A value in the text; `path` as of `_TreeNode.iter_scalars`."""

    start: int
    stop: int
    path: _Path


def _read_secrets_by_path(pieces: Sequence[MaskedTextPart]) -> Mapping[_Path, _Written | None] | None:
    """Values as shown that have a mask in them; without secrets where the file has the stars itself, None where several
    fit that differ. None in all: the file isn't YAML."""
    shown = "".join(piece.shown for piece in pieces)
    scalars = _read_scalars(_fill_masks(shown))
    if scalars is None:
        return None
    secrets, at = dict[int, str](), 0
    for piece in pieces:
        if piece.is_secret:
            secrets[at] = piece.written
        at += len(piece.shown)
    found: dict[_Path, _Written | None] = {}
    for one in scalars:
        if _MASK.search(shown, one.start, one.stop):
            text = secrets.get(one.start)
            written = _Written("", ()) if text is None else _Written(text.rstrip(), ((0, len(text.rstrip())),))
            found[one.path] = written if found.get(one.path, written) == written else None
    return found


def _change_scalar(text: str, scalar: _Scalar, by_path: Mapping[_Path, _Written | None]) -> _Change | None:
    written = by_path.get(scalar.path)
    if written is None:
        return None
    if not written.secrets:
        return _Change(scalar.start, scalar.stop, None)
    value = text[scalar.start : scalar.stop].rstrip()
    if _MASK.sub("", value).strip("\"' \n"):
        return None  # something was written beside it
    return _Change(scalar.start, scalar.start + len(value), written)


@dataclass
class _TreeNode:
    """A value: `text` of a scalar or an alias; `children` of a collection, for a mapping keys and values by turns."""

    start: int
    stop: int
    text: str | None = None
    is_mapping: bool = False
    children: list[_TreeNode] = field(default_factory=list)

    def describe_content(self) -> str:
        """The same for the same content, whatever its secrets are."""
        if self.text is not None:
            return repr(_TOKEN.sub(CONCEALED, self.text))
        inner = ",".join(one.describe_content() for one in self.children)
        return f"{{{inner}}}" if self.is_mapping else f"[{inner}]"

    def iter_scalars(self, path: _Path = ()) -> Iterator[_Scalar]:
        """Iterate over scalars with the keys that lead to each, and what entries of lists hold in all."""
        if self.text is not None:
            yield _Scalar(self.start, self.stop, path)
        elif self.is_mapping:
            for key, value in zip(self.children[::2], self.children[1::2], strict=True):
                yield from value.iter_scalars((*path, key.describe_content()))
        else:
            for one in self.children:
                yield from one.iter_scalars((*path, one.describe_content()))


def _read_scalars(text: str) -> list[_Scalar] | None:
    """None: it isn't YAML, or nested deeper than profiles are."""
    open_nodes = [_TreeNode(0, len(text))]
    try:
        for event in yaml.parse(text, Loader=YamlEventLoader):
            if isinstance(event, yaml.CollectionEndEvent):
                open_nodes.pop()
            elif isinstance(event, yaml.NodeEvent):
                node = _make_node(event)
                open_nodes[-1].children.append(node)
                if node.text is None:
                    open_nodes.append(node)
            if len(open_nodes) > MAX_DEPTH:
                return None
    except yaml.YAMLError:
        return None
    return [scalar for root in open_nodes[0].children for scalar in root.iter_scalars()]


def _make_node(event: yaml.NodeEvent) -> _TreeNode:
    assert event.start_mark is not None, "events of a parser have both"
    assert event.end_mark is not None
    start, stop = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.ScalarEvent):
        return _TreeNode(start, stop, event.value)
    if isinstance(event, yaml.AliasEvent):
        return _TreeNode(start, stop, f"*{event.anchor}")
    return _TreeNode(start, stop, is_mapping=isinstance(event, yaml.MappingStartEvent))
