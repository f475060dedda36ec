from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.unit.adapters.embedded.installed import Installed


@pytest.fixture(scope="session")
def sample_library(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The sample library, made once; only to be read."""
    made = Installed(tmp_path_factory.mktemp("sample"))
    asyncio.run(made.fill())
    return made


@pytest.fixture
def installed(sample_library: Installed, tmp_path: Path) -> Installed:
    """A sample library of one's own."""
    shutil.copy(sample_library.folder / "library.db", tmp_path / "library.db")
    return Installed(tmp_path)
