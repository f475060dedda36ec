"""gateway/letters/README.md names what templates find: no more, no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.domain.requests.event_catalogue import PARTNER_LETTERS
from gateway.domain.requests.events import EventKind
from gateway.services.letters.templates import PATRON_LETTERS, SHIPPED
from tests.unit.services.letters.support import letters, notice, to_partner

TEXT = (SHIPPED / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (both|patrons|partners) \|", TEXT, re.MULTILINE)


def told(to: str) -> set[str]:
    return {name for name, whom in ROWS if whom in ("both", to)}


@pytest.mark.parametrize("to", ["patrons", "partners"])
def test_every_name_of_the_guide_is_there(tmp_path: Path, to: str) -> None:
    """A name that isn't there would be an error."""
    text = "{% set subject %}x{% endset %}" + "".join(f"{{{{ {name} is defined }}}}\n" for name in sorted(told(to)))
    by = letters(tmp_path, {"en/patron/sent.j2": text, "en/partner/cancel.j2": text})

    written = notice(by, "sent") if to == "patrons" else to_partner(by, EventKind.CANCEL)

    assert "False" not in written.text
    assert written.text.count("True") == len(told(to))


def test_names_of_the_other_side_are_not_there(tmp_path: Path) -> None:
    text = "{% set subject %}x{% endset %}{{ patron is defined }} {{ query is defined }} {{ account is defined }}"

    by = letters(tmp_path, {"en/partner/cancel.j2": text})

    assert "False False False" in to_partner(by, EventKind.CANCEL).text


SYNTAX = {"set", "subject", "endset", "if", "elif", "endif", "else", "and", "or", "not", "trans", "endtrans"}


def test_every_name_that_shipped_letters_use_is_in_the_guide() -> None:
    known = {name for name, _ in ROWS}
    assert len(list(SHIPPED.glob("pa*/*.j2"))) == len(PATRON_LETTERS) + len(PARTNER_LETTERS)
    for file in SHIPPED.glob("pa*/*.j2"):
        used = {
            word
            for tag in re.findall(r"\{[{%]-?(.*?)-?[%}]\}", file.read_text(encoding="utf-8"))
            for word in re.findall(r"\b[a-z_]+\b", re.sub(r"'[^']*'|\"[^\"]*\"", "", tag))
        }
        assert used - known <= SYNTAX, file
