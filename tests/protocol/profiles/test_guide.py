"""The worked examples of docs/profiles.md are profiles that load beside the shipped ones and do what the text says."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.installation import Installation
from gateway.ports.responder import ExchangeContext
from gateway.profiles import ProfileSet, load_profiles
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.services.operation.check.examples import ExampleRunner
from tests.support.paths import ROOT

BLOCK = re.compile(r"```yaml\n# partners/(?P<name>[a-z0-9-]+)\.yml\n(?P<text>.*?)```", re.DOTALL)


def load_with_guide(installation: Installation, folder: Path) -> tuple[list[str], ProfileSet]:
    shutil.copytree(ROOT / "profiles", folder)
    names = []
    guide = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8").split("\n## Three examples\n")[1]
    for block in BLOCK.finditer(guide):
        (folder / f"{block['name']}.yml").write_text(block["text"], encoding="utf-8")
        names.append(block["name"])
    return names, load_profiles(folder, installation.adapters, installation.settings)


async def test_the_worked_examples_do_what_the_guide_says(tmp_path: Path) -> None:
    installation = Installation(ROOT / "gateway.yml")
    names, profiles = load_with_guide(installation, tmp_path / "profiles")
    scratch_folder = tmp_path / "scratch"
    scratch_folder.mkdir()
    scratch = SampleLibraries(installation.parts, scratch_folder)
    responder = installation.adapters.protocols["ncip"].responder()
    library = installation.settings.find_library()

    problems: list[str] = []
    for name in names:
        loaded = profiles.loaded[name]
        talk = ExchangeContext(loaded.profile, library.symbol, library.zone, library.currency, datetime.now(UTC))
        async with scratch.open_sample_exchange(loaded.profile) as exchange:
            for index, example in enumerate(loaded.profile.examples):
                ran = await ExampleRunner(loaded, responder, talk).run(index, example, exchange)
                problems += [str(problem) for problem in ran.problems]

    assert names == ["our-illiad", "valley", "riverside"]
    assert problems == []
