"""Answers of the shipped profiles to their own examples, and to messages of real systems.

Each profile answers a conversation in order, with a sample library of its own at a clock that stands still. Samples of
real systems are no part of the repository: of each its digest is kept beside that of the answers to it, and a
conversation of which a file isn't there, or is another by now, is left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from pathlib import Path

from gateway.cli.installation import Installation
from gateway.domain.clock import FixedClock
from gateway.domain.profile import Profile
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.ports.responder import RawMessage, TransportKind
from gateway.profiles import ProfileSet, load_profiles
from gateway.runtime.sample_libraries import SampleLibraries
from tests.support.paths import ROOT
from tests.unit.golden.golden_texts import make_digest

SAMPLES = Path(os.environ.get("ILLGATE_SAMPLES", ROOT / "../shared/samples"))
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
LIBRARY = "DEMO"
PEER = "PEER"

PROFILES_OF_FOLDERS: Mapping[str, Sequence[str]] = {
    "crosslink-broker": ("crosslink-18626",),
    "crosslink-library": ("crosslink-18626",),
    "illmock": ("crosslink-18626",),
    "mod-ncip": ("ncip2", "reshare"),
    "oclc-dummy": ("ncip1", "worldshare"),
    "oclc-responder": ("worldshare-18626",),
}
"""Recordings of one system, which its own profile answers; all that speak the protocol answer the other folders."""

EVERY_NTH = 12
"""Of the conversations of real systems the ordinary run looks at one in so many."""

_AGENCY = re.compile(
    rb"(<(?:\w+:)?(supplyingAgencyId|requestingAgencyId)>\s*<(?:\w+:)?agencyIdType>)[^<]*"
    rb"(</(?:\w+:)?agencyIdType>\s*<(?:\w+:)?agencyIdValue>)[^<]*(?=<)"
)
_DRAWN_ID = re.compile(rb"\b01[0-9a-f]{28}\b")
_KIND = re.compile(rb"<(?:\w+:)?(request|requestingAgencyMessage|supplyingAgencyMessage)>")


@dataclass(frozen=True)
class Sample:
    """A message as it is sent. `address`: of the library, where the message names it."""

    name: str
    content: bytes
    address: str = ""

    @property
    def conversation(self) -> str:
        return self.name.rpartition("/")[0]


class AnsweringProfiles:
    """The shipped profiles, each with a sample library that is made anew for every conversation."""

    def __init__(self, folder: Path) -> None:
        installation = _open_installation()
        parts = replace(installation.parts, clock=FixedClock(NOW))
        self._libraries = SampleLibraries(parts, folder)
        self._protocols = parts.adapters.protocols

    def list_profiles(self, protocol: str) -> Sequence[str]:
        return [name for name, loaded in _shipped().loaded.items() if protocol in loaded.profile.dialects]

    async def answer_examples(self) -> Iterator[str]:
        lines: list[str] = []
        for name, loaded in _shipped().loaded.items():
            for protocol in sorted(self._protocols.keys() & loaded.profile.dialects.keys()):
                samples = [
                    Sample(f"{name}/{protocol}: {example.name}", self._protocols[protocol].example(example.send))
                    for example in loaded.profile.examples
                ]
                if protocol == "iso18626":
                    samples = [replace(one, content=address_to_library(one.content)) for one in samples]
                answers = await self.answer(name, protocol, samples)
                lines += [f"{answer} {one.name}" for one, answer in zip(samples, answers, strict=True)]
        return iter(lines)

    async def answer(self, name: str, protocol: str, conversation: Iterable[Sample]) -> list[str]:
        """How each message of a conversation ends, and a digest of what is answered to it."""
        profile = _let_everybody_in(_shipped().loaded[name].profile)
        answers: list[str] = []
        drawn: dict[bytes, bytes] = {}

        def number_id(match: re.Match[bytes]) -> bytes:
            return drawn.setdefault(match[0], b"id-%d" % len(drawn))

        async with self._libraries.open_sample_exchange(profile) as exchange:
            for sample in conversation:
                answer = await exchange(RawMessage(sample.content, NOW, TransportKind.REPLAY, protocol, profile=name))
                answers.append(f"{answer.outcome.value:9} {make_digest(_DRAWN_ID.sub(number_id, answer.body))}")
        return answers

    async def answer_samples(self, samples: Iterable[Sample]) -> Iterator[str]:
        """Each sample with a digest of itself and one of all answers to it."""
        lines: list[str] = []
        for conversation, group in groupby(samples, lambda sample: sample.conversation):
            messages = list(group)
            protocol = find_protocol(conversation)
            names = PROFILES_OF_FOLDERS.get(conversation.partition("/")[2].partition("/")[0]) or self.list_profiles(
                protocol
            )
            answers = [await self.answer(name, protocol, messages) for name in names]
            for sample, *told in zip(messages, *answers, strict=True):
                lines.append(f"{make_digest(sample.content)} {make_digest(''.join(told))} {sample.name}")
        return iter(lines)


@cache
def _open_installation() -> Installation:
    return Installation(ROOT / "gateway.yml")


@cache
def _shipped() -> ProfileSet:
    installation = _open_installation()
    return load_profiles(ROOT / "profiles", installation.adapters, installation.settings)


def _let_everybody_in(profile: Profile) -> Profile:
    """With a partner where the profile is one for partners: those that are shipped have neither symbol nor address."""
    if "iso18626" in profile.dialects:
        partner = (profile.partner or PartnerPolicy()).model_copy(update={"symbols": (f"ISIL:{PEER}",), "name": PEER})
        return profile.model_copy(update={"partner": partner})
    return profile


def find_protocol(conversation: str) -> str:
    return {"iso-18626": "iso18626", "iso-ill": "iso_ill"}.get(conversation.split("/")[0], "ncip")


def list_samples(folder: Path = SAMPLES) -> list[Sample]:
    """What partners say first in the folder; neither answers nor what this gateway has said itself."""
    files = [file for file in folder.rglob("*") if file.suffix in (".xml", ".ber") and not _is_ours(file)]
    samples = [Sample(file.relative_to(folder).as_posix(), file.read_bytes()) for file in sorted(files)]
    return [one for one in map(prepare_sample, samples) if one is not None]


def list_usable(golden: str, thorough: bool) -> list[Sample]:
    """The samples that golden lines name, of conversations that are here as they were then; not `thorough`: of some."""
    wanted = [line.split(" ", 2)[::2] for line in golden.splitlines()]
    samples = {sample.name: sample for sample in list_samples()}
    usable: list[Sample] = []
    conversations = groupby(wanted, lambda line: line[1].rpartition("/")[0])
    for position, (_, lines) in enumerate(conversations):
        known = [(digest, samples.get(name)) for digest, name in lines]
        if position % EVERY_NTH and not thorough:
            continue
        if all(sample is not None and make_digest(sample.content) == digest for digest, sample in known):
            usable += [sample for _, sample in known if sample is not None]
    return usable


def _is_ours(file: Path) -> bool:
    return {".answer", ".ours"} & set(file.suffixes) != set()


def prepare_sample(sample: Sample) -> Sample | None:
    """As it is sent here; None for what isn't a message that can be answered."""
    if not sample.name.startswith("iso-18626/"):
        return sample
    if _KIND.search(sample.content) is None:
        return None
    return replace(sample, content=address_to_library(sample.content))


def address_to_library(content: bytes) -> bytes:
    """A message of ISO 18626 with the sample library as its receiver and the partner as its sender."""
    kind = _KIND.search(content)
    sender = b"supplyingAgencyId" if kind is not None and kind[1].startswith(b"supplying") else b"requestingAgencyId"

    def replace_agency(match: re.Match[bytes]) -> bytes:
        value = PEER if match[2] == sender else LIBRARY
        return match[1] + b"ISIL" + match[3] + value.encode()

    return _AGENCY.sub(replace_agency, content)
