"""ISO ILL under a coverage-guided fuzzer (atheris, libFuzzer): any bytes are a value or MalformedMessage, in bounded
time and memory.

    python -m tests.fuzz.iso_ill --seconds 600 [--corpus FOLDER]

What it finds is written as crash-…, timeout-… or oom-… into the working directory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["adapters.iso_ill"]):
    from adapters.iso_ill.codec import (
        ApduSplitter,
        BerLimits,
        DecodedApdu,
        apdu_digest,
        decode_apdu,
        encode_apdu,
        peek_apdu,
    )
    from adapters.iso_ill.commands import format_apdu
    from adapters.iso_ill.mapping import apdu_of_message, event_of_apdu
    from adapters.iso_ill.messages import APDUS
    from adapters.iso_ill.responder import IsoIllResponder
    from tests.support.full_apdus import CONTEXT, LENDING, REQUESTING, build_full_apdus

from gateway.domain.problems import MalformedMessage, Refused
from gateway.domain.profile import Profile
from gateway.ports.responder import ExchangeContext, RawMessage, TransportKind

LONGEST = 4_096
SECONDS_EACH = 2
MEGABYTES = 1_024

RESPONDER = IsoIllResponder()
NOW = datetime(2026, 3, 2, tzinfo=UTC)
TALK = ExchangeContext(Profile(name="anybody"), "DEMO", UTC, "EUR", NOW)


def one(data: bytes) -> None:
    """Everything that bytes from outside go through before the gateway decides."""
    with suppress(MalformedMessage):
        peek_apdu(data)
    stream(data)
    try:
        read = decode_apdu(data)
    except MalformedMessage:
        read = None
    if read is not None:
        understood(data, read)
    answered(data)


def stream(data: bytes) -> None:
    """In pieces: no more is held than was fed."""
    frames, fed, cut = ApduSplitter(BerLimits(size=2_000)), 0, 0
    step = 1 + len(data) % 7 * 40
    try:
        for at in range(0, len(data), step):
            piece = data[at : at + step]
            frames.add_octets(piece)
            fed += len(piece)
            while (apdu := frames.take_message()) is not None:
                cut += len(apdu)
    except MalformedMessage:
        pass
    assert frames.begun == fed - cut


def understood(data: bytes, read: DecodedApdu) -> None:
    """What was read can be shown, written, read again as the same, and be known again."""
    assert list(format_apdu(read))
    again = decode_apdu(encode_apdu(read.apdu)).apdu
    assert encode_apdu(again) == encode_apdu(read.apdu)
    assert event_of_apdu(read.apdu, CONTEXT, apdu_digest(data)).id == apdu_digest(data)


def answered(data: bytes) -> None:
    envelope = RESPONDER.open(RawMessage(data, NOW, TransportKind.TCP, RESPONDER.protocol), LONGEST)
    problem: MalformedMessage | None = envelope.malformed
    if problem is None:
        try:
            RESPONDER.decode(envelope, TALK)
        except MalformedMessage as malformed:
            problem = malformed
        except Refused:
            return
    if problem is not None and (body := RESPONDER.refuse(envelope, problem, TALK).body):
        decode_apdu(body)  # what we answer is an APDU


def seeds(folder: Path) -> None:
    """One of each APDU, full and as we send it."""
    whole = [encode_apdu(apdu) for cls in APDUS for apdu in build_full_apdus(cls)]
    ours = [encode_apdu(apdu_of_message(message, CONTEXT)) for message in (*REQUESTING, *LENDING)]
    for number, octets in enumerate((*whole, *ours)):
        (folder / f"seed-{number}").write_bytes(octets)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.iso_ill", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long; 0: until something is found")
    parser.add_argument("--corpus", type=Path, help="folder in which what reaches new code is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        corpus = options.corpus or Path(name)
        corpus.mkdir(parents=True, exist_ok=True)
        seeds(corpus)
        limits = [f"-max_total_time={options.seconds}", f"-max_len={LONGEST}", f"-timeout={SECONDS_EACH}"]
        atheris.Setup([sys.argv[0], *limits, f"-rss_limit_mb={MEGABYTES}", str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
