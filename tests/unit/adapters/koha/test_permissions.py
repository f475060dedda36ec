"""What docs/library-systems/koha.md tells a library to allow is what our calls take, by the documents of real Kohas."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from gateway.domain.problems import RefusalReason, Refused
from tests.fakes.documented_koha import DOCUMENTS, DocumentedKoha, Granted, is_permitted
from tests.library_contract.koha_world import make_documented_koha, read_guide_permissions
from tests.unit.adapters.koha.place import koha_place
from tests.unit.adapters.koha.test_calls import OPERATIONS

NAMED_WRONGLY = {"parameters": "catalogue"}
"""As a Koha near main asks for patron categories: no such permission exists, so it takes the whole group."""


def list_shorter(granted: Granted) -> Iterator[tuple[str, Granted]]:
    """Each time without one thing that the guide names."""
    for group, some in granted.items():
        for one in some:
            yield f"{group}:{one}", {**granted, group: (some - {one}) or frozenset({"nothing"})}
        yield group, {name: given for name, given in granted.items() if name != group}


async def test_the_guide_lists_what_the_calls_take_and_no_more(tmp_path: Path, specs_folder: Path) -> None:
    asked: list[Any] = []
    for number, document in enumerate(DOCUMENTS):
        for place_number, (arrange, act) in enumerate(OPERATIONS.values()):
            folder = tmp_path / f"{number}-{place_number}"
            folder.mkdir()
            make_fake = partial(make_documented_koha, specs=specs_folder, document=document)
            async with koha_place(folder, make_fake=make_fake) as place:
                assert isinstance(place.fake, DocumentedKoha)
                who = await place.patron_id()
                with lacking_calls():
                    await arrange(place, who)
                    await act(place, who)
                assert place.fake.refused == []
                asked += place.fake.asked

    guide = read_guide_permissions()
    by_table = [one for one in asked if is_permitted(one, guide)]
    unneeded = [name for name, less in list_shorter(guide) if all(is_permitted(one, less) for one in by_table)]
    assert unneeded == []
    assert all(one == NAMED_WRONGLY for one in asked if one not in by_table)


@contextlib.contextmanager
def lacking_calls() -> Iterator[None]:
    """An older Koha has not all of them."""
    try:
        yield
    except Refused as refused:
        if refused.reason is not RefusalReason.UNSUPPORTED_SERVICE:
            raise


def test_permissions_are_judged_as_koha_does() -> None:
    some = {"borrowers": frozenset({"edit_borrowers"}), "catalogue": frozenset[str]()}

    assert is_permitted({"borrowers": "edit_borrowers", "catalogue": "1"}, some)
    assert is_permitted([{"tools": "label_creator"}, {"borrowers": "edit_borrowers"}], some)
    assert is_permitted({"borrowers": "*"}, some)
    assert not is_permitted({"borrowers": "1"}, some)
    assert not is_permitted({"borrowers": "edit_borrowers", "tools": "*"}, some)
