"""NCIP as initiator, the pure part: values to a message, and an answer to what it says.

build(ask, values, speaker)          -> Message, for codec.encode
read_reply(reply, sent, dialect, …)  -> Answered, or an error that says what kind of failure it is
"""

from __future__ import annotations

from adapters.ncip.client.replies import Answered, read_answer, read_reply
from adapters.ncip.client.services import ASKS, Ask, build, find, mirrored, style_for
from adapters.ncip.client.speaker import CannotSay, Input, Parties, Speaker, Values

__all__ = [
    "ASKS",
    "Answered",
    "Ask",
    "CannotSay",
    "Input",
    "Parties",
    "Speaker",
    "Values",
    "build",
    "find",
    "mirrored",
    "read_answer",
    "read_reply",
    "style_for",
]
