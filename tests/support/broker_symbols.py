"""An installation that passes on what is asked of a symbol of its own as a broker."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from gateway.domain.requests.request import Request, Role
from tests.support.yaml_files import write_yaml_file

SUPPLIER = "nordvik"
"""The one profile of the rota; its address isn't known, so that nothing is sent."""

_PROFILE = {
    "partner": {"symbols": ["ISIL:NO-0030199"], "name": "Nordvik folkebibliotek", "channel": "iso18626"},
    "iso18626": {},
}


def copy_as_broker(template: Path, folder: Path, symbol: str) -> Path:
    """A copy of the template in `folder`. By rule nothing is passed on."""
    shutil.copytree(template, folder)
    requests = {
        "rotas": {"others": {"lines": [{"partner": SUPPLIER}], "only_owning": "no"}},
        "brokering": {"rota": "others", "what": "by-hand", "symbols": [symbol]},
    }
    write_yaml_file(folder / "requests.yml", requests)
    write_yaml_file(folder / "profiles" / f"{SUPPLIER}.yml", _PROFILE)
    return folder


def list_passed_on(requests: Iterable[Request]) -> list[tuple[str, list[str]]]:
    """Of what partners asked and we ask of others: the title, and who is on the rota."""
    by_id = {one.id: one for one in requests}
    found = []
    for lending in by_id.values():
        if lending.role is Role.LENDING and lending.other_leg is not None:
            borrowing = by_id[lending.other_leg.request_id]
            assert borrowing.other_leg is not None
            assert borrowing.other_leg.request_id == lending.id
            found.append((borrowing.citation.title, [line.partner for line in borrowing.rota]))
    return found
