"""A message about a request as the keys that a partner's profile wants. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from string import Formatter

from adapters.openurl.codec import context, query_of
from adapters.openurl.dialect import OpenUrlDialect, Said, Version
from adapters.openurl.old import old_pairs
from adapters.openurl.writing import Pair
from gateway.domain.frozen import frozen
from gateway.domain.problems import About, Reason, Refused
from gateway.domain.requests.citation import Citation
from gateway.ports.channel import PartnerMessage


@frozen
class Push:
    """`query`: percent-encoded, for URL or form. `left_out`: keys that didn't fit; `replaced`: keys whose characters
    the character set lacks."""

    query: str
    left_out: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


def push_of(message: PartnerMessage, dialect: OpenUrlDialect) -> Push:
    """Raises Refused when it is too long whatever is left out."""
    pairs = tuple(_pairs(message, dialect))
    left_out: list[str] = []
    room = dialect.max_length - (len(dialect.url) + 1 if dialect.method == "GET" else 0)
    for key in ("", *dialect.drop):
        if key and any(name == key for name, _ in pairs):
            pairs = tuple(pair for pair in pairs if pair[0] != key)
            left_out.append(key)
        query = query_of(pairs, dialect.charset)
        if not dialect.max_length or len(query) <= room:
            return Push(query, tuple(left_out), _replaced(pairs, dialect.charset))
    detail = f"The OpenURL is longer than {dialect.max_length} bytes, whatever is left out."
    raise Refused(Reason.INVALID_VALUE, detail, about=About.RECORD)


def _replaced(pairs: tuple[Pair, ...], charset: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key, value in pairs if value.encode(charset, "ignore").decode(charset) != value))


def _pairs(message: PartnerMessage, dialect: OpenUrlDialect) -> Iterator[Pair]:
    """The partner's own keys come first: dispatchers such as ILLiad's go by them."""
    yield from dialect.fixed.items()
    ours = dict.fromkeys((*_cited(message.request.citation, dialect), *_told(message, dialect)))
    for key, value in ours:
        if value and key not in dialect.fixed:
            yield key, value


def _cited(citation: Citation, dialect: OpenUrlDialect) -> Iterator[Pair]:
    """The note goes with what is told."""
    bare = replace(citation, note="")
    genre = dialect.genres.get(citation.type, "")
    pairs: list[Pair] = []
    if dialect.version is not Version.OLD:
        pairs += context(bare, dialect.prefix, genre, dialect.charset)
    if dialect.version is not Version.NEW:
        pairs += old_pairs(bare, genre)
    for key, value in pairs:
        if name := dialect.names.get(key, key):
            yield name, value


def _told(message: PartnerMessage, dialect: OpenUrlDialect) -> Iterator[Pair]:
    values = values_of(message, dialect)
    values[Said.NOTE] = "\n".join(_lines(dialect.note, values))
    for said, keys in dialect.fields.items():
        for key in keys:
            yield key, values[said]


def values_of(message: PartnerMessage, dialect: OpenUrlDialect) -> dict[Said, str]:
    request = message.request
    maximum = request.costs.maximum
    return {
        Said.NUMBER: message.transaction,
        Said.PATRON: request.patron.identifier,
        Said.CATEGORY: request.patron.category,
        Said.PICKUP: request.patron.pickup,
        Said.SERVICE: dialect.word(request.service.type),
        Said.FORMAT: request.service.format,
        Said.LEVEL: request.service.level,
        Said.NEED_BY: request.dates.need_by.strftime(dialect.date_format) if request.dates.need_by else "",
        Said.NOTE: request.citation.note,
        Said.MAXIMUM_COST: f"{maximum.amount} {maximum.currency}" if maximum is not None else "",
        Said.LIBRARY: message.sender.symbol,
        Said.KIND: message.kind.value,
        Said.STATUS: message.details.status,
        Said.MESSAGE: message.id,
    }


def _lines(templates: tuple[str, ...], values: dict[Said, str]) -> Iterator[str]:
    for template in templates:
        named = [name for _, name, _, _ in Formatter().parse(template) if name]
        if all(values[Said(name)] for name in named):
            yield template.format(**values)
