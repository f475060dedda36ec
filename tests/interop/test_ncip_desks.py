"""Two gateways lend to each other, and one of the two libraries works by NCIP with its own: what it does by messages
the other hears, in whatever way they are joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.joined.installations import Template, make_template
from tests.support.dovecot import Dovecot
from tests.support.joined_ways import play_desk

BY_STAFF = {
    ("NORTH", "loan"): "yes",
    ("NORTH", "renew"): "yes; by staff: renew",
    ("NORTH", "crossing_cancel"): "yes",
    ("SOUTH", "loan"): "yes; by staff: will-supply",
    ("SOUTH", "renew"): "yes; by staff: renew-refused",
    ("SOUTH", "copy"): "– (NCIP has no message: digitised, copy-delivered)",
}
"""By whose library works by NCIP, and the case; the second renewal is past the library's own rule."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("desks"))


@pytest.mark.long
@pytest.mark.parametrize("way", ["iso18626-2021", "letters"])
@pytest.mark.parametrize(("desk", "case"), BY_STAFF)
async def test_what_is_done_by_ncip_the_other_library_hears(
    desk: str, case: str, way: str, dovecot: Dovecot, template: Template, tmp_path: Path
) -> None:
    assert await play_desk(way, desk, case, template, tmp_path, dovecot) == BY_STAFF[desk, case]
