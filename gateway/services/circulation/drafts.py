"""Patrons as partners describe them, in the library's terms."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.commands import Named
from gateway.domain.identifiers import patron_types
from gateway.domain.library import PatronDraft, PatronIdentifier
from gateway.services.circulation.desk import Desk


def in_our_terms(draft: PatronDraft, desk: Desk, *, named: Named | None = None) -> PatronDraft:
    """Identifiers by the profile's types and rewriting; `named` is one more, from the message's UserId."""
    sent = [Named(identifier.value, identifier.type) for identifier in draft.identifiers]
    if named is not None and named.value.strip():
        sent.insert(0, named)
    return replace(draft, identifiers=tuple(dict.fromkeys(_identifier(one, desk) for one in sent)))


def _identifier(sent: Named, desk: Desk) -> PatronIdentifier:
    rules = desk.policy.patrons
    known = {*rules.lookup_by, *rules.id_types.values(), *rules.identity_types.values()}
    type_ = sent.type if sent.type in known else patron_types(sent, rules)[0]
    return PatronIdentifier(type_, rules.rewrite.apply(sent.value))
