"""Rights of partners in tests: those that a profile names, since as shipped it names few."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.domain.circulation_policy import LibraryService
from gateway.domain.profile import Profile

ALL_RIGHTS: dict[str, Any] = {"library_services": [one.value for one in LibraryService], "max_charge": 1000}
"""Section `circulation.rights` of a partner that may do everything with what is the library's own."""


def give_all_rights(profile: Profile) -> Profile:
    """The same partner, which may do everything with what is the library's own."""
    rights = type(profile.circulation.rights).model_validate(ALL_RIGHTS)
    circulation = profile.circulation.model_copy(update={"rights": rights})
    return profile.model_copy(update={"circulation": circulation})


def write_all_rights(folder: Path, name: str = "ncip2") -> None:
    """Into that profile of an installation, which says nothing of circulation as it comes."""
    file = folder / "profiles" / f"{name}.yml"
    wanted = f"\ncirculation: {json.dumps({'rights': ALL_RIGHTS})}"
    text = file.read_text("utf-8").replace("\ncirculation: {}", wanted)
    assert wanted in text, f"{name} says something of circulation"
    file.write_text(text, "utf-8")
