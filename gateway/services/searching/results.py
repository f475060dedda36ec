"""What a search found, as values."""

from __future__ import annotations

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.requests.citation import Citation
from gateway.ports.search import HeldItem


@frozen
class Holder:
    """A target that has it. `holdings` None: it said nothing about them."""

    target: str
    holdings: tuple[HeldItem, ...] | None = None


@frozen_by_name
class Result:
    """`citation`: the fullest description, with the numbers of all."""

    citation: Citation
    holders: tuple[Holder, ...]


@frozen_by_name
class Answered:
    """One target. `total`: its own count; `shown`: so many records came. `asked`: the question in its own notation.
    `problem`: why it gave no answer; empty: it did. `notes`: what it remarked."""

    target: str
    total: int = 0
    shown: int = 0
    seconds: float = 0.0
    asked: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()


@frozen
class Found:
    """`answers` in the order of the group; `results` best placed first."""

    answers: tuple[Answered, ...]
    results: tuple[Result, ...]


@frozen_by_name
class Searchable:
    """What a search can be made in: a profile with a catalogue, or a group of them. `members`: of a group."""

    name: str
    description: str = ""
    by: str = ""
    members: tuple[str, ...] = ()
