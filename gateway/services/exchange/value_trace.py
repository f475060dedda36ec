"""The way of each value of a message: as it came, decoded, understood, and after the profile, with the file and line of
each key of the profile that has changed it.

What a decoder and a profile do is not said here once more: the message is read again with one value changed, and under
the profile without one of its keys. What is different then depends on that value, or on that key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from gateway.domain.problems import KeyPath, MalformedMessage, Refused, format_key_path
from gateway.domain.profile import Profile
from gateway.domain.value import replace, value_object
from gateway.ports.responder import DecodedMessage, ExchangeContext, RawMessage, Responder
from gateway.profiles import LoadedProfile
from gateway.profiles.effective import source_of

HIDDEN = "[hidden]"
"""Instead of a PIN or password, which is not kept either."""

MAX_VALUES = 250
"""The values of a message that are followed, at most."""

MAX_PLACES = 5
"""Where the same octets stand in a message more than once."""

MIN_LENGTH = 2
"""Shorter values are not looked for in the octets."""

FRAGMENT_OCTETS = 120
"""Most that are shown on either side of a value."""


@value_object
class ChangedValue:
    """A value that the profile has changed, at its dotted path. `before` is empty for one that it has added. `keys`:
    which of its keys did so, each with its file and line, `profiles/x.yml:12`."""

    path: str
    before: str
    after: str
    keys: tuple[tuple[str, str], ...]


@value_object
class TracedValue:
    """`raw`: the octets around the value, empty where it does not stand there as it was decoded; `path`: its dotted
    path in the decoded message; `understood`: what it gave, as pairs of path and text; empty: nothing uses it."""

    raw: bytes
    path: str
    decoded: str
    understood: tuple[tuple[str, str], ...]
    changed: tuple[ChangedValue, ...] = ()


@value_object
class ValueTrace:
    """`added`: values that the profile alone has set; `unknown`: paths of what was not understood, and kept;
    `problem`: why the message could not be read, empty: it could."""

    values: tuple[TracedValue, ...] = ()
    added: tuple[ChangedValue, ...] = ()
    unknown: tuple[str, ...] = ()
    problem: str = ""


ProfileMessage = Callable[[DecodedMessage, Profile], Mapping[str, object]]
"""Gives the values that a profile makes of those of a decoded command, by their dotted paths."""


@value_object
class ValueTracer:
    """Traces the values of one message. `profile_message` as `list_profiled_values`."""

    responder: Responder
    arrival: RawMessage
    exchange: ExchangeContext
    loaded: LoadedProfile
    profile_message: ProfileMessage

    def trace_values(self) -> ValueTrace:
        try:
            message = self.read_message(self.arrival.body, self.exchange.profile)
        except (Refused, MalformedMessage) as error:
            return ValueTrace(problem=str(error))
        decoded = dict(list(list_leaves(message.message))[:MAX_VALUES])
        understood = list_understood(message)
        changed = self._list_changes(message)
        values = []
        for path, text in decoded.items():
            raw, names = self._find_place(path, text, understood)
            names = names or _list_equal(text, understood)
            if not raw and not names:
                continue  # what the decoder says of the whole, such as its version
            pairs = tuple((name, understood[name]) for name in names)
            values.append(
                TracedValue(raw, path, text, pairs, tuple(changed[name] for name in names if name in changed))
            )
        traced = {name for value in values for name, _text in value.understood}
        added = tuple(change for name, change in changed.items() if name not in traced)
        return ValueTrace(tuple(values), added, message.unknown)

    def list_values(self, profile: Profile) -> Mapping[str, str]:
        """List what is understood under a profile, and what it makes of that. Empty: the message can't be read so."""
        message = self._try_to_read(self.arrival.body, profile)
        return self._list_after(message, profile) if message is not None else {}

    def read_message(self, body: bytes, profile: Profile) -> DecodedMessage:
        """Read it; raises Refused, MalformedMessage."""
        envelope = self.responder.open(replace(self.arrival, body=body), profile.max_bytes)
        if envelope.malformed is not None:
            raise envelope.malformed
        return self.responder.decode(envelope, replace(self.exchange, profile=profile))

    # --- from octets to what was understood --------------------------------------------------------------

    def _find_place(self, path: str, text: str, understood: Mapping[str, str]) -> tuple[bytes, list[str]]:
        """Find the octets of a decoded value, and the paths of what was understood by them. A code that can't be
        another one has its place where nothing else can stand."""
        body, code = self.arrival.body, b""
        for spelling in _list_spellings(text):
            at, written = -1, spelling.encode()
            for _place in range(MAX_PLACES):
                at = body.find(written, at + 1)
                if at < 0:
                    break
                end = at + len(written)
                texts = (body[:at] + changed.encode() + body[end:] for changed in _change_text(spelling))
                message = next((message for message in map(self._try_to_read, texts) if message is not None), None)
                if message is None:
                    code = code or _cut_fragment(body, at, end)
                elif dict(list_leaves(message.message)).get(path) != text:
                    now = list_understood(message)
                    return _cut_fragment(body, at, end), [
                        name for name in understood if now.get(name) != understood[name]
                    ]
        return code, []

    def _try_to_read(self, body: bytes, profile: Profile | None = None) -> DecodedMessage | None:
        try:
            return self.read_message(body, profile or self.exchange.profile)
        except (Refused, MalformedMessage):
            return None

    # --- what the profile does ---------------------------------------------------------------------------

    def _list_changes(self, message: DecodedMessage) -> Mapping[str, ChangedValue]:
        """List what the profile has changed, by path, with the keys that did. What a default adds is left out."""
        profile = self.exchange.profile
        after = self._list_after(message, profile)
        before = self._list_plain_values() or list_understood(message)
        keys: dict[str, list[tuple[str, str]]] = {path: [] for path in after if after[path] != before.get(path, "")}
        for key in _list_set_keys(self.loaded, profile):
            without = _drop_profile_key(profile, key)
            other = self._try_to_read(self.arrival.body, without)
            values = self._list_after(other, without) if other is not None else after
            for path in keys:
                if values.get(path, "") != after[path]:
                    keys[path].append((format_key_path(key), source_of(self.loaded.document, key)))
        return {
            path: ChangedValue(path, before.get(path, ""), after[path], tuple(deciding))
            for path, deciding in keys.items()
            if deciding or path in before
        }

    def _list_plain_values(self) -> Mapping[str, str]:
        """List what the protocol alone says, without the dialect of a partner. Empty: the message can't be read so."""
        profile = self.exchange.profile
        dialects = {name: type(dialect).model_construct() for name, dialect in profile.dialects.items()}
        message = self._try_to_read(self.arrival.body, profile.model_copy(update={"dialects": dialects}))
        return list_understood(message) if message is not None else {}

    def _list_after(self, message: DecodedMessage, profile: Profile) -> Mapping[str, str]:
        """List what was understood, and in its place what the profile makes of that."""
        profiled = self.profile_message(message, profile)
        texts = {path: format_leaf(value) for path, value in profiled.items() if value not in (None, "", False)}
        return {**list_understood(message), **texts}


# --- values as text ----------------------------------------------------------------------------------------


def list_leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """List the single values in a dataclass with their dotted paths; empty ones are left out, what must not be shown is
    HIDDEN."""
    if value in (None, "", (), False):
        return
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            inner, place = getattr(value, field.name), f"{path}.{field.name}" if path else field.name
            if field.compare and (field.repr or inner in (None, "", ())):
                yield from list_leaves(inner, place)
            elif field.compare:
                yield place, HIDDEN
    elif isinstance(value, tuple | list):
        for index, inner in enumerate(value):
            yield from list_leaves(inner, f"{path}.{index}")
    else:
        yield path, format_leaf(value)


def format_leaf(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return value.isoformat() if isinstance(value, date) else str(value)


def list_understood(message: DecodedMessage) -> dict[str, str]:
    """List what was understood; the id of what is told is left out, since it is made of all octets."""
    values = dict(list_leaves(message.told if message.told is not None else message.command))
    if message.told is not None:
        values.pop("id", None)
    return values


def _list_equal(text: str, understood: Mapping[str, str]) -> list[str]:
    """List the paths of values with the same text, for a code that can't be changed into another."""
    same = text.strip().casefold()
    if same in {"true", HIDDEN}:
        return []
    return [name for name, other in understood.items() if other.strip().casefold() == same]


# --- octets ------------------------------------------------------------------------------------------------


def _list_spellings(text: str) -> Sequence[str]:
    """List the ways in which a value may stand in the octets."""
    if len(text) < MIN_LENGTH or text == HIDDEN:
        return ()
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    dates = text.replace("+00:00", "Z"), text.removesuffix("T00:00:00"), text.replace("-", "")
    return tuple(dict.fromkeys((text, escaped, *dates)))


def _change_text(text: str) -> Iterator[str]:
    """Change one letter or digit: the last, the first or the fourth one. Of a day these are its day and year."""
    places = [index for index, char in enumerate(text) if char.isalnum()]
    for index in dict.fromkeys([places[-1], places[0], places[min(3, len(places) - 1)]] if places else ()):
        other = ord(text[index]) + (-1 if text[index] in "9zZ" else 1)
        yield f"{text[:index]}{chr(other)}{text[index + 1 :]}"


def _cut_fragment(body: bytes, first: int, last: int) -> bytes:
    """Cut out a value with the element around it, or alone."""
    start, end = body.rfind(b"<", max(0, first - FRAGMENT_OCTETS), first), body.find(b">", last, last + FRAGMENT_OCTETS)
    is_element = start >= 0 and end >= 0 and body.find(b">", start, first) >= 0
    return body[start : end + 1] if is_element else body[first:last]


# --- keys of a profile -------------------------------------------------------------------------------------


def _list_set_keys(loaded: LoadedProfile, profile: Profile) -> Sequence[KeyPath]:
    """List the keys with a single value that a file says, in the sections that work on values of messages."""
    places = [path for path in loaded.document.places if path and path[0] in {"circulation", *profile.dialects}]
    parents = {path[:length] for path in places for length in range(1, len(path))}
    return [path for path in places if path not in parents]


def _drop_profile_key(profile: Profile, path: KeyPath) -> Profile:
    section, rest = str(path[0]), path[1:]
    if section == "circulation":
        return profile.model_copy(update={section: _drop_key(profile.circulation, rest)})
    return profile.model_copy(
        update={"dialects": {**profile.dialects, section: _drop_key(profile.dialects[section], rest)}}
    )


def _drop_key(value: object, path: KeyPath) -> object:
    """Return the value without what is said at the path; what has to be said stays. A section is made anew, since it
    may keep what it has computed."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(value, BaseModel):
        name = str(step)
        info = type(value).model_fields.get(name)
        if info is None:
            return value
        default = info.get_default(call_default_factory=True) if not rest else _drop_key(getattr(value, name), rest)
        values = {field: getattr(value, field) for field in type(value).model_fields}
        return value if default is PydanticUndefined else type(value).model_construct(**{**values, name: default})
    if isinstance(value, Mapping):
        kept = {key: inner for key, inner in value.items() if str(key) != str(step)}
        return kept if not rest else {k: _drop_key(v, rest) if str(k) == str(step) else v for k, v in value.items()}
    if isinstance(value, tuple) and isinstance(step, int):
        inner = (_drop_key(value[step], rest),) if rest else ()
        return (*value[:step], *inner, *value[step + 1 :])
    return value
