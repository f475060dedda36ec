"""A profile's section `iso_ill.states`: cells of the state tables that this partner reads otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from adapters.iso_ill.messages.codes import CurrentState
from adapters.iso_ill.state.services import Service, services_named
from adapters.iso_ill.state.tables import IDLE, TABLES, Row, Table, states_of
from gateway.domain.policy import Section
from gateway.domain.requests.request import Role

PROHIBITED = "prohibited"
Cells = Mapping[str, Mapping[str, str]]
"""State -> service -> next state or `prohibited`, in the words of `state_word` and `services.Service`."""


def _readable(role: Role, said: Cells) -> Cells:
    for state, cells in said.items():
        for service in cells:
            try:
                _changes(role, state, {service: cells[service]})
            except ValueError as error:
                raise ValueError(f"{state}: {service}: {error}") from error
    return said


class States(Section):
    late: Literal["keep", "refuse"] = Field(
        "keep",
        description="an APDU that the state doesn't allow, and that was sent before our last change: kept in the "
        "history (it crossed ours on the way), or refused as all others",
    )
    transit_minutes: int = Field(
        0,
        ge=0,
        le=20_000,
        description="how long our APDUs may be on their way there (mail): what is sent within so many minutes after "
        "our last change counts as sent before it",
    )
    requester: Annotated[Cells, AfterValidator(partial(_readable, Role.BORROWING))] = Field(
        {}, description="we are the requester: STATE: {SERVICE: NEXT}, such as pending: {ill-answer/estimate: pending}"
    )
    responder: Annotated[Cells, AfterValidator(partial(_readable, Role.LENDING))] = Field(
        {}, description="we are the responder: STATE: {SERVICE: NEXT}, such as shipped: {cancel: prohibited}"
    )

    def _said(self, role: Role) -> Cells:
        return self.requester if role is Role.BORROWING else self.responder

    @cached_property
    def tables(self) -> Mapping[Role, Table]:
        """The standard's, with what is said here."""
        return {role: _overridden(role, self._said(role)) for role in Role}

    def next(self, role: Role, state: CurrentState, service: Service) -> CurrentState | None:
        """None: prohibited."""
        return self.tables[role].get(state, {}).get(service)


def state_word(state: CurrentState) -> str:
    """As profiles write it: `in-process`; a transaction that isn't known is `idle`."""
    return "idle" if state is IDLE else state.name.lower().replace("_", "-")


def _overridden(role: Role, said: Cells) -> Table:
    table: dict[CurrentState, Row] = dict(TABLES[role])
    for word, cells in said.items():
        state = _state(role, word)
        row = dict(table[state])
        for service, to in _changes(role, word, cells):
            if to is None:
                row.pop(service, None)
            else:
                row[service] = to
        table[state] = row
    return table


def _changes(role: Role, state: str, cells: Mapping[str, str]) -> list[tuple[Service, CurrentState | None]]:
    """Raises ValueError with what is allowed."""
    _state(role, state)
    return [
        (service, None if to.strip().lower() == PROHIBITED else _state(role, to))
        for word, to in cells.items()
        for service in services_named(word, role)
    ]


def _state(role: Role, word: str) -> CurrentState:
    words = {state_word(state): state for state in states_of(role)}
    found = words.get(word.strip().lower())
    if found is None:
        side = "requester" if role is Role.BORROWING else "responder"
        raise ValueError(
            f"a {side} has no state {word}; there are: {', '.join(words)} (and {PROHIBITED} as a next one)"
        )
    return found
