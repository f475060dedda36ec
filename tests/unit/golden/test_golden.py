"""The golden files are what the gateway says today, byte for byte; `python -m tests.unit.golden` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.unit.golden.corpora import AnsweringProfiles, list_usable
from tests.unit.golden.golden_texts import GOLDEN, GOLDEN_TEXTS, join_lines

WRITE = "tell the change in CHANGELOG.md if users see it, and run: python -m tests.unit.golden"

GOLDEN_ELSEWHERE = {
    "JSON schema of profiles": ("profiles/schema.json", "tests/unit/profiles/test_schema.py"),
    "JSON schema of requests.yml": ("profiles/requests.schema.json", "tests/unit/policies/test_shipped.py"),
    "texts that are translated (msgids)": ("gateway/translations/de.po", "tests/unit/translations/test_catalogues.py"),
    "diagrams of the states": ("docs/requests-states.md", "tests/unit/domain/requests/test_states.py"),
    "conversations of real systems, in both roles": (
        "tests/protocol/iso18626/recorded",
        "tests/protocol/iso18626/test_recorded_conversations.py",
    ),
    "what is said to Alma, FOLIO and Koha": ("tests/golden", "tests/unit/adapters/alma/test_calls.py"),
    "acts at pages: state, history, letters, lists": (
        "tests/protocol/ends/ends.yml",
        "tests/protocol/ends/test_ends.py",
    ),
}
"""What has its golden file elsewhere, and the test that holds it."""


SLOW = {"commands.txt": [pytest.mark.slow]}
"""It is read in a process of its own."""


@pytest.mark.parametrize("name", [pytest.param(one, marks=SLOW.get(one, [])) for one in GOLDEN_TEXTS])
def test_a_text_is_as_it_was(name: str) -> None:
    assert GOLDEN_TEXTS[name]() == (GOLDEN / name).read_text(encoding="utf-8"), WRITE


@pytest.mark.slow
async def test_shipped_profiles_answer_their_examples_as_before(tmp_path: Path) -> None:
    before = (GOLDEN / "answers-to-examples.txt").read_text(encoding="utf-8")

    assert join_lines(await AnsweringProfiles(tmp_path).answer_examples()) == before, WRITE


@pytest.mark.slow
async def test_shipped_profiles_answer_some_samples_as_before(samples_folder: Path, tmp_path: Path) -> None:
    await check_samples(tmp_path, thorough=False)


@pytest.mark.long
async def test_shipped_profiles_answer_all_samples_as_before(samples_folder: Path, tmp_path: Path) -> None:
    await check_samples(tmp_path, thorough=True)


async def check_samples(folder: Path, thorough: bool) -> None:
    golden = (GOLDEN / "answers-to-samples.txt").read_text(encoding="utf-8")
    samples = list_usable(golden, thorough)
    assert samples, "none of the samples is here as it was"
    names = {sample.name for sample in samples}

    answers = await AnsweringProfiles(folder).answer_samples(samples)

    assert list(answers) == [line for line in golden.splitlines() if line.split(" ", 2)[2] in names], WRITE


def test_each_golden_file_has_its_test() -> None:
    answers = {"answers-to-examples.txt", "answers-to-samples.txt"}
    calls = {f"calls-{system}.txt" for system in ("alma", "folio", "koha")}
    assert {file.name for file in GOLDEN.iterdir()} == GOLDEN_TEXTS.keys() | answers | calls
    assert all((ROOT / place).exists() for pair in GOLDEN_ELSEWHERE.values() for place in pair)
