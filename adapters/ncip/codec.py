"""NCIP on the wire: bytes to messages and back. Pure: no I/O, no clock, no settings.

    parse(bytes) -> Parsed      a safe XML tree; what was mended is noted
    peek(parsed) -> Peek        service, version and header, before a partner's profile is known
    decode(parsed, dialect)     -> Message
    encode(message, dialect)    -> bytes

All raise `gateway.domain.problems.MalformedMessage` with place, reason and fault for what they can't read.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

from adapters.ncip.bodies import Unwrapped, unwrap, wrap
from adapters.ncip.decoding import Peek, decode, peek
from adapters.ncip.dialect.xml import XmlDialect
from adapters.ncip.messages.envelope import Message
from adapters.ncip.parsing import DEFAULT_DIALECT, DEFAULT_HTTP, DEFAULT_LIMITS, Limits, Parsed, parse
from adapters.ncip.writing import writer_for


def encode(message: Message, dialect: XmlDialect = DEFAULT_DIALECT, zone: tzinfo = UTC) -> bytes:
    """The message in its own `version`, in the dialect's style. `zone` is where days and local times are, unless
    the dialect names its own.

    What the version can't carry is left out: README.md lists it. Raises ValueError for naive datetimes.
    """
    return writer_for(dialect, message.version, message.root, zone).write(message)


__all__ = [
    "DEFAULT_DIALECT",
    "DEFAULT_HTTP",
    "DEFAULT_LIMITS",
    "Limits",
    "Parsed",
    "Peek",
    "Unwrapped",
    "decode",
    "encode",
    "parse",
    "peek",
    "unwrap",
    "wrap",
]
