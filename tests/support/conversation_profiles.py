"""Profiles of the gateway that recorded conversations are played against: one for each partner, as guides say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.recorded_conversations import RecordedConversation, RecordedMessage

HERE = [{"kind": "network", "networks": ["127.0.0.0/8"]}]


@dataclass(frozen=True)
class PartnerProfile:
    """`ours`: the symbol that the partner knows us by; `symbol`: its own in messages, which several entries of one
    broker share (in a real installation there is one entry, and it is the symbol of its profile)."""

    name: str
    extends: str
    symbol: str
    ours: str
    dialect: Mapping[str, Any] = field(default_factory=dict)

    def write(self, url: str) -> dict[str, Any]:
        """`url`: where the partner takes messages."""
        return {
            "extends": self.extends,
            "auth": HERE,
            "partner": {
                "symbols": [f"ISIL:{self.name}"],
                "name": self.name,
                "workflow": {"borrowing": {"asks_others": "-broker-" in self.name}},
            },
            "circulation": {"accept": {"barcode_from": "generated"}},
            "iso18626": {
                "http": {"url": url},
                "symbols": {"ours": f"ISIL:{self.ours}", "theirs": f"ISIL:{self.symbol}"},
                **self.dialect,
            },
        }


BROKERED = ("crosslink", "alma", "reshare")
_DIRECT = (
    *(("iso18626-2017", "illmock", theirs, "OAK") for theirs in ("SUP1", "SUP2", "SUP3", "SUP4", "REQ", "REQBOOK")),
    ("iso18626-2017", "illmock", "SUP1", "ILS"),
    ("iso18626-2017", "illmock", "REQ", "ILS"),
    ("iso18626-2017", "illmock", "REQ", "BROKER"),
    ("iso18626-2017", "illmock", "BROKER", "REQ"),
    ("worldshare-18626", "oclc-responder", "OCLC-FJORD", "DEMO"),
)
_BY_BOOK = {"REQBOOK": {"conditions": "retry"}}
PROFILES = {
    one.name: one
    for one in (
        *(
            PartnerProfile(f"{vendor}-broker-{ours.lower()}", f"{vendor}-18626", "BROKER", ours)
            for vendor in BROKERED
            for ours in ("OAK", "ELM")
        ),
        *(
            PartnerProfile(f"{system}-{theirs.lower()}-{ours.lower()}", base, theirs, ours, _BY_BOOK.get(theirs, {}))
            for base, system, theirs, ours in _DIRECT
        ),
    )
}
"""By name. A broker's is one for all modes, at a path of its own."""

SUPPLIERS = [name for name in PROFILES if "-sup" in name and name.endswith("-oak")]
RULES = {
    "intake": {
        "mediation_default": "straight-through",
        "locally_owned": "allow",
        "duplicates": {"action": "allow"},
    },
    "rotas": {
        f"{first} {second}": {"lines": [{"partner": first}, {"partner": second}], "only_owning": "no"}
        for first in SUPPLIERS
        for second in SUPPLIERS
        if first != second
    },
}


def find_profile(conversation: RecordedConversation, message: RecordedMessage | None = None) -> PartnerProfile:
    """`message`: of which sender or receiver, where a conversation has several."""
    said = (message or conversation.messages[0]).spoken
    ours, theirs = (
        (said.requester, said.supplier) if conversation.role == "borrower" else (said.supplier, said.requester)
    )
    if conversation.system in ("illmock", "oclc-responder"):
        names = tuple(f"{conversation.system}-{end}" for end in (f"{theirs}-{ours}".lower(), theirs.lower(), ""))
        return next(one for name in names for key, one in PROFILES.items() if key.startswith(name))
    return PROFILES[f"{_find_vendor(conversation)}-broker-{ours.lower()}"]


def _find_vendor(conversation: RecordedConversation) -> str:
    """Of our entry: a conversation of two of ours names the vendor of one of them first, and of the other after it."""
    if conversation.vendor:
        return {"Alma": "alma", "ReShare": "reshare"}.get(conversation.vendor, "crosslink")
    name = conversation.name
    vendor, _, does = name.partition("-")
    side = "borrower" if does.startswith("borrows") else "lender"
    if conversation.role == side:
        return vendor
    if "reshare-lends" in name:
        return "reshare"
    return "alma" if "from-alma" in name else "crosslink"
