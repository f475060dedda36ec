"""What a library's operators must mend shows beside its part of /ready."""

from __future__ import annotations

from pathlib import Path

from gateway.domain.problems import Refused
from gateway.runtime.monitoring import probe_library
from rehearsal.fakes.koha import ALL_PERMISSIONS
from tests.library_contract.koha_world import KNOWN
from tests.unit.adapters.koha.place import koha_place


async def test_a_call_that_is_not_accepted_stands_beside_its_library(tmp_path: Path) -> None:
    async with koha_place(tmp_path, access={"permissions": ALL_PERMISSIONS - {"borrowers"}}) as place:
        assert (await probe_library("DEMO", place.library)).notes == ()
        try:
            await place.library.find_patron(KNOWN.good)
        except Refused:
            part = await probe_library("DEMO", place.library)

    assert part.is_up
    assert "call not accepted since" in part.notes[0]
    assert "GET /patrons: HTTP 403" in part.notes[0]
