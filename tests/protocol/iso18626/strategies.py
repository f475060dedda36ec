"""Hypothesis strategies for messages of ISO 18626, built from what the message classes declare.

Values are as they come back from reading: texts without blanks at their ends, moments to the second.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from adapters.iso18626.messages import MESSAGES, AnyMessage, SupplyingAgencyMessage
from adapters.iso18626.messages.codes import WORDS_SINCE_2021
from adapters.iso18626.messages.declaration import Compound, FieldElement, Kind, OpenCode, SchemaVersion, list_elements
from adapters.iso18626.messages.structures import Address

_WORDS = ("DE-Brt1", "Das Schloß", "Преступление и наказание", "源氏物語", "كليلة ودمنة", "R&D <2026>", "😀 €")
texts = st.sampled_from(_WORDS) | st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), min_size=1, max_size=12
).map(lambda text: " ".join(text.split())).filter(bool)
moments = st.integers(-600_000_000, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
codes = st.builds(OpenCode, texts, st.none() | st.just("http://library.example/codes"))
_SIMPLE: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: texts,
    Kind.CODE: codes,
    Kind.MOMENT: moments,
    Kind.NUMBER: st.integers(0, 999),
    Kind.AMOUNT: st.integers(0, 100_000).map(lambda cents: Decimal(cents) / 100),
    Kind.YES_NO: st.booleans(),
    Kind.BOOLEAN: st.booleans(),
}


def build_message_strategy(version: SchemaVersion) -> st.SearchStrategy[AnyMessage]:
    """Messages that `version` can say whole."""
    return st.one_of([_build_structure(kind, version).map(_without_moved) for kind in MESSAGES.values()])


def _without_moved(message: Any) -> Any:
    """What older versions keep in messageInfo is read into retryInfo, which the model alone says."""
    if isinstance(message, SupplyingAgencyMessage) and message.message_info is not None:
        info = replace(message.message_info, offered_costs=None, retry_after=None, retry_before=None)
        return replace(message, message_info=info)
    return message


def _build_structure(structure: type[Compound], version: SchemaVersion) -> st.SearchStrategy[Any]:
    if structure is Address:
        electronic, physical = list_elements(Address).values()
        return st.builds(Address, electronic=_build_value(electronic, version)) | st.builds(
            Address, physical=_build_value(physical, version)
        )
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, element in list_elements(structure).items():
        if not element.is_in(version):
            continue
        value = _build_value(element, version)
        if element.is_many:
            fields[name] = st.lists(value, max_size=2 if element.is_repeatable_in(version) else 1).map(tuple)
        elif element.is_required_in(version):
            fields[name] = value
        else:
            fields[name] = st.none() | value
    return st.builds(structure, **fields).filter(lambda made: made != structure())


def _build_value(element: FieldElement, version: SchemaVersion) -> st.SearchStrategy[Any]:
    if element.structure is not None:
        return _build_structure(element.structure, version)
    if element.words is not None:
        words = [word for word in element.words if version >= SchemaVersion.V2021 or word not in WORDS_SINCE_2021]
        return st.sampled_from(words)
    return _SIMPLE[element.kind]
