"""ISO 18626 under a coverage-guided fuzzer (atheris, libFuzzer): any bytes are a message or MalformedMessage, in
bounded time and memory; posted to us, they get a confirmation or an error of HTTP.

    python -m tests.fuzz.iso18626 --seconds 600 [--corpus FOLDER]

What it finds is written as crash-…, timeout-… or oom-… into the working directory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import atheris

with atheris.instrument_imports(include=["adapters.iso18626"]):
    from adapters.iso18626.codec import decode_message, encode_message
    from adapters.iso18626.dialect import DEFAULT_DIALECT
    from adapters.iso18626.http_channel import judge_confirmation
    from adapters.iso18626.messages import AnyMessage, Confirmation, Request
    from adapters.iso18626.messages.codes import MessageStatus
    from adapters.iso18626.messages.declaration import SchemaVersion
    from adapters.iso18626.responder import Iso18626Responder

from gateway.domain.problems import MalformedMessage, OutcomeUnknown, Refusal, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.outgoing_http import HttpReply
from gateway.ports.partner_channel import InboxResult
from gateway.ports.responder import ExchangeContext, RawMessage, ResponderAnswer, TransportKind
from tests.support.paths import ROOT
from tests.support.yaml_files import read_yaml_file

LONGEST = 8_192
SECONDS_EACH = 2
MEGABYTES = 1_024

RESPONDER = Iso18626Responder()
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Oslo")
TALK = ExchangeContext(Profile(name="anybody"), "DEMO", ZONE, "EUR", NOW)


def one(data: bytes) -> None:
    """Everything that bytes from outside go through before the gateway decides."""
    try:
        message = decode_message(data, ZONE).message
    except MalformedMessage:
        pass
    else:
        understood(message)
    answered(data)
    judged(data)


def understood(message: AnyMessage) -> None:
    """What was read can be written, unless something is missing, and is read again as the same."""
    for version in SchemaVersion:
        try:
            written = encode_message(message, version).data
        except ValueError:  # it lacks what must be there
            continue
        assert encode_message(decode_message(written).message, version).data == written


def answered(data: bytes) -> None:
    """What isn't a message gets an error of HTTP, what is one a confirmation."""
    answer, is_message = answer_of(data)
    if not is_message:
        assert answer.status in (400, 413)
        assert answer.body
        return
    confirmation = decode_message(answer.body).message
    assert isinstance(confirmation, Confirmation)
    assert confirmation.header is not None
    status = confirmation.header.message_status
    assert status == (MessageStatus.ERROR if confirmation.errors else MessageStatus.OK)


def answer_of(data: bytes) -> tuple[ResponderAnswer, bool]:
    """And whether it was a message."""
    RESPONDER.conceal_secrets(data)
    envelope = RESPONDER.open(RawMessage(data, NOW, TransportKind.HTTP, RESPONDER.protocol), LONGEST)
    if envelope.malformed is not None:
        return RESPONDER.refuse(envelope, envelope.malformed, TALK), False
    try:
        incoming = RESPONDER.decode(envelope, TALK)
    except MalformedMessage as malformed:
        return RESPONDER.refuse(envelope, malformed, TALK), True
    except Refused as refused:
        return RESPONDER.refuse(envelope, Refusal.from_error(refused), TALK), True
    return RESPONDER.encode(envelope, incoming, InboxResult(), TALK), True


def judged(data: bytes) -> None:
    """A partner's answer to what we sent: it has it, or one of the three ways in which it doesn't."""
    with suppress(Refused, Unavailable, OutcomeUnknown):
        judge_confirmation(HttpReply(200, data, "application/xml"), Request(), DEFAULT_DIALECT, repeated=True)


def list_seeds() -> Iterator[bytes]:
    """The messages that the shipped profiles give as examples, and our answers to them."""
    for file in sorted((ROOT / "profiles").glob("*18626*.yml")):
        for example in read_yaml_file(file).get("examples", ()):
            message = example["send"].encode()
            yield message
            yield answer_of(message)[0].body


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.iso18626", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long; 0: until something is found")
    parser.add_argument("--corpus", type=Path, help="folder in which what reaches new code is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        corpus = options.corpus or Path(name)
        corpus.mkdir(parents=True, exist_ok=True)
        for number, octets in enumerate(list_seeds()):
            (corpus / f"seed-{number}").write_bytes(octets)
        limits = [f"-max_total_time={options.seconds}", f"-max_len={LONGEST}", f"-timeout={SECONDS_EACH}"]
        atheris.Setup([sys.argv[0], *limits, f"-rss_limit_mb={MEGABYTES}", str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
