"""A message in the terms of another version of the schema, and what is lost by that.

The model follows 2021. `move_to_retry_info` brings what an older version has elsewhere to where the model has it;
`fit_to_version` does the way back, and leaves out what a version lacks. Nothing is left out in silence: each detail is
named, so that it can be written into a note, and shown (docs/facts/iso-18626.md 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from adapters.iso18626.messages import AnyMessage, Compound, SupplyingAgencyMessage
from adapters.iso18626.messages.codes import WORDS_SINCE_2021
from adapters.iso18626.messages.declaration import FieldElement, Kind, OpenCode, SchemaVersion, list_elements
from adapters.iso18626.messages.structures import MessageInfo, RetryInfo
from gateway.domain.value import replace, value_object

T = TypeVar("T", bound=Compound)

MAX_SUB_TYPES = 3
"""So often version 1.2 takes requestSubType."""


@value_object
class LostDetail:
    """A detail that a version can't say: the element's path below the message, in the names of 2021, and its value."""

    path: str
    value: str


@value_object
class FittedMessage:
    message: AnyMessage
    lost: tuple[LostDetail, ...]


def move_to_retry_info(message: AnyMessage) -> AnyMessage:
    """Move what versions before 2021 have in messageInfo to retryInfo, unless the message has that already."""
    if not isinstance(message, SupplyingAgencyMessage) or message.message_info is None:
        return message
    info = message.message_info
    if info.offered_costs is None and info.retry_after is None and info.retry_before is None:
        return message
    retry = message.retry_info or RetryInfo()
    return replace(
        message,
        message_info=replace(info, offered_costs=None, retry_after=None, retry_before=None),
        retry_info=replace(
            retry,
            offered_costs=retry.offered_costs or ((info.offered_costs,) if info.offered_costs else ()),
            retry_after=retry.retry_after or info.retry_after,
            retry_before=retry.retry_before or info.retry_before,
        ),
    )


def fit_to_version(message: AnyMessage, version: SchemaVersion) -> FittedMessage:
    """The message as `version` can say it. Words of closed lists that the version lacks stay: which other word stands
    for them is a question of their meaning (`list_words_beyond`)."""
    if version < SchemaVersion.V2021:
        message = _move_to_message_info(message)
    lost: list[LostDetail] = []
    fitted = _fit_structure(message, version, "", lost)
    return FittedMessage(fitted, tuple(lost))


def list_words_beyond(message: AnyMessage, version: SchemaVersion) -> tuple[str, ...]:
    """Words of closed lists in the message that `version` doesn't have."""
    if version >= SchemaVersion.V2021:
        return ()
    return tuple(word for word in _iterate_words(message) if word in WORDS_SINCE_2021)


def _move_to_message_info(message: AnyMessage) -> AnyMessage:
    if not isinstance(message, SupplyingAgencyMessage) or message.retry_info is None:
        return message
    retry, info = message.retry_info, message.message_info or MessageInfo()
    rest = replace(retry, offered_costs=retry.offered_costs[1:], retry_after=None, retry_before=None)
    return replace(
        message,
        message_info=replace(
            info,
            offered_costs=retry.offered_costs[0] if retry.offered_costs else info.offered_costs,
            retry_after=retry.retry_after or info.retry_after,
            retry_before=retry.retry_before or info.retry_before,
        ),
        retry_info=rest if rest != RetryInfo() else None,
    )


def _fit_structure(structure: T, version: SchemaVersion, path: str, lost: list[LostDetail]) -> T:
    changes: dict[str, Any] = {}
    for name, element in list_elements(type(structure)).items():
        value = getattr(structure, name)
        if value is None or value == ():
            continue
        fitted = _fit_value(value, element, version, f"{path}/{element.name}" if path else element.name, lost)
        if fitted is not value:
            changes[name] = fitted
    return replace(structure, **changes) if changes else structure


def _fit_value(value: Any, element: FieldElement, version: SchemaVersion, path: str, lost: list[LostDetail]) -> Any:
    if not element.is_in(version):
        lost.extend(LostDetail(path, text) for text in _describe_value(value))
        return () if element.is_many else None
    if not element.is_many:
        return _fit_structure(value, version, path, lost) if element.kind is Kind.STRUCTURE else value
    kept = value
    limit = _count_limit(element, version)
    if limit is not None and len(value) > limit:
        kept = value[:limit]
        lost.extend(LostDetail(path, text) for item in value[limit:] for text in _describe_value(item))
    if element.kind is Kind.STRUCTURE:
        fitted = tuple(_fit_structure(item, version, path, lost) for item in kept)
        return fitted if fitted != value else value
    return kept


def _count_limit(element: FieldElement, version: SchemaVersion) -> int | None:
    if not element.is_repeatable_in(version):
        return 1
    if element.name == "requestSubType" and version is SchemaVersion.V1_2:
        return MAX_SUB_TYPES
    return None


def describe_structure(structure: Compound, *left_out: str) -> Iterator[str]:
    """`trackingId: RR 123`: what is in it, for people, without the elements of these names."""
    for name, element in list_elements(type(structure)).items():
        if element.name not in left_out:
            yield from (f"{element.name}: {text}" for text in _describe_value(getattr(structure, name)))


def _describe_value(value: Any) -> Iterator[str]:
    """The texts in a value, for people."""
    if isinstance(value, tuple):
        for item in value:
            yield from _describe_value(item)
    elif isinstance(value, Compound):
        texts = [text for name in list_elements(type(value)) for text in _describe_value(getattr(value, name))]
        if texts:
            yield " ".join(texts)
    elif isinstance(value, bool):
        yield "yes" if value else "no"
    elif isinstance(value, OpenCode):
        yield value.value
    elif value is not None and value != "":
        yield str(value)


def _iterate_words(structure: Compound) -> Iterator[str]:
    for name, element in list_elements(type(structure)).items():
        value = getattr(structure, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Compound):
                yield from _iterate_words(item)
            elif item is not None and element.kind is Kind.WORD:
                yield item
