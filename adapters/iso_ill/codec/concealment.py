"""Passwords taken out of an APDU's octets, for all that is kept. Pure.

They stand in EXTERNALs of Z39.50's access control, wherever these are (facts/iso-ill-10161.md 8). All else stays byte
for byte; so that every length is still right, each octet of a password becomes a star.
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters import ber
from adapters.iso_ill.codec.extension_items import ANSWER, PROMPT, PROMPT_RESPONSE, USER_ID, read_prompt_number
from gateway.domain.concealment import CONCEALED
from gateway.domain.problems import MalformedMessage

_ACCESS_CONTROL = ber.identifier_octets("1.2.840.10003.8")
_PROMPT_1 = ber.identifier_octets("1.2.840.10003.8.1")
_SINGLE_ASN1_TYPE = ber.CONTEXT
_BEFORE_ENCODING = frozenset({ber.INTEGER, ber.OBJECT_DESCRIPTOR})
"""What may stand in an EXTERNAL between the object identifier and the contents."""

_STAR = CONCEALED[:1].encode("ascii")


def conceal_credentials(data: bytes) -> bytes:
    """The octets without passwords; the same object where there are none. The user's name stays. Never raises, also
    for what is no APDU; contents that can't be read are concealed as a whole, up to the end if need be."""
    at = data.find(_ACCESS_CONTROL)
    if at < 0:
        return data
    source = ber.BerSource(data, ber.BerLimits(size=len(data)))
    concealed = bytearray(data)
    while at >= 0:
        secrets, at = _find_secrets(source, at + len(_PROMPT_1), data.startswith(_PROMPT_1, at))
        for start, end in secrets:
            concealed[start:end] = _STAR * (end - start)
        at = data.find(_ACCESS_CONTROL, at)
    return bytes(concealed)


def _find_secrets(source: ber.BerSource, at: int, prompted: bool) -> tuple[list[tuple[int, int]], int]:
    """Of the EXTERNAL whose identifier ends at `at`; and where it ends itself. `prompted`: its contents are answers to
    prompts."""
    whole = len(source.data)
    try:
        tag, _, start, end, following = source.read_header(at, whole)
        while tag in _BEFORE_ENCODING:
            tag, _, start, end, following = source.read_header(following, whole)
    except MalformedMessage:
        return [(at, whole)], whole
    if not prompted or tag != _SINGLE_ASN1_TYPE:
        return [(start, end)], following
    try:
        return list(_find_answers(source, start, end)), following
    except MalformedMessage:
        return [(start, end)], following


def _find_answers(source: ber.BerSource, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the answers to prompts stand, but for the user's name. Raises MalformedMessage."""
    tag, _, at, stop, _ = source.read_header(start, end)
    if tag != PROMPT_RESPONSE:
        raise MalformedMessage("", "not a response to prompts")
    while at < stop:
        _, _, entry, entry_end, at = source.read_header(at, stop)
        number, answers = 0, []
        while entry < entry_end:
            tag, _, begin, finish, entry = source.read_header(entry, entry_end)
            if tag == PROMPT:
                number = read_prompt_number(source, begin, finish)
            elif tag == ANSWER:
                _, _, begin, finish, _ = source.read_header(begin, finish)
                answers.append((begin, finish))
        if number != USER_ID:
            yield from answers
