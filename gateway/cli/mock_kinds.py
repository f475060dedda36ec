"""The kinds of those whom `illgate mock` can play, and which of them a profile is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import click

from gateway.adapter_registry import AdapterRegistry
from gateway.cli.mock_partners import find_letter_mock, find_partner_mock
from gateway.cli.mock_program import MockKind
from gateway.cli.mock_systems import find_catalogue_mock, find_link_target_mock, find_system_mock
from gateway.domain.profile import Profile
from gateway.services.mock.scenario import PlayedRole

MOCK_KINDS: Sequence[Callable[[AdapterRegistry, Profile], MockKind | None]] = (
    find_partner_mock,
    find_system_mock,
    find_catalogue_mock,
    find_link_target_mock,
    find_letter_mock,
)
"""A profile gets the first that it fits."""

ROLE_TITLES: Mapping[PlayedRole, str] = {
    PlayedRole.LENDING: "Scenarios of a supplier",
    PlayedRole.BORROWING: "Scenarios of a requester",
    PlayedRole.LIBRARY: "Scenarios of a library's system",
    PlayedRole.CATALOGUE: "Scenarios of a catalogue",
    PlayedRole.CLIENT: "Scenarios of a system that asks us",
    PlayedRole.LINK_TARGET: "Scenarios of a system to which links are pushed",
    PlayedRole.LETTER_READER: "Scenarios of a library that gets letters",
}


def find_mock_kind(adapters: AdapterRegistry, profile: Profile) -> MockKind:
    """Raises click.UsageError."""
    found = (find_mock(adapters, profile) for find_mock in MOCK_KINDS)
    kind = next((one for one in found if one is not None), None)
    if kind is None:
        raise click.UsageError(f"profile {profile.name} says no way on which anybody can be played")
    return kind


def parse_values(words: Sequence[str], kind: MockKind) -> Mapping[str, str]:
    """Of `--value`. Raises click.UsageError."""
    known, found = kind.value_names, {}
    for word in words:
        name, equals, text = word.partition("=")
        if name not in known or not equals or not text:
            listed = ", ".join(f"{one} ({about})" for one, about in known.items()) or "none"
            raise click.UsageError(f"--value: {word}: say NAME=TEXT; there are: {listed}")
        found[name] = text
    needed = kind.needed_value
    if needed and needed not in found:
        raise click.UsageError(f"--value {needed}=NUMBER says for which {needed} of the library it asks")
    return found
