"""describe_system_error: what went wrong with a connection or a file, in the operating system's words."""

from __future__ import annotations

import os
import re

from gateway.domain.sentences import mark_template, sentence_of_text, write_sentence

_CONNECT_FAILED = re.compile(r"Connect call failed \('(?P<host>[^']+)', (?P<port>\d+)")
"""asyncio's own words, which say where, and not why."""


FREQUENT_WORDS = (
    mark_template("Connection refused"),
    mark_template("Connection reset by peer"),
    mark_template("Connection timed out"),
    mark_template("Name or service not known"),
    mark_template("No address associated with hostname"),
    mark_template("No route to host"),
    mark_template("No space left on device"),
    mark_template("No such file or directory"),
    mark_template("Network is unreachable"),
    mark_template("Permission denied"),
    mark_template("Temporary failure in name resolution"),
)
"""The system's words that pages tell in the reader's language; others stay as they are."""


def describe_system_error(error: Exception) -> str:
    """Return what went wrong; of an error that isn't the system's its kind, since its text may quote what it is
    about."""
    if isinstance(error, TimeoutError) and not error.strerror:
        return write_sentence("timeout")
    text = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    match = _CONNECT_FAILED.match(text)
    if match is None or not isinstance(error, OSError) or error.errno is None:
        return sentence_of_text(text)
    words = sentence_of_text(os.strerror(error.errno))
    return write_sentence("%(words)s (%(host)s, port %(port)s)", words=words, host=match["host"], port=match["port"])


def describe_stream_error(error: Exception) -> str:
    """Describe what broke a connection, without the address that the caller names; an error that isn't the system's
    has its own words."""
    if isinstance(error, OSError) and error.strerror:
        return describe_system_error(error)
    return str(error) or type(error).__name__
