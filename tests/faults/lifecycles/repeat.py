"""The kill test of managed requests again and again, with a new seed each time, until one run fails.

    python -m tests.faults.lifecycles.repeat sqlite 60
    python -m tests.faults.lifecycles.repeat postgresql 25 --first-seed 4000 --folder /tmp/lives

Of the run that fails everything is kept (database, log, pytest's output) in a folder that is named at the end. How many
lifecycles a run has is said by ILLGATE_LIFECYCLES, here 60 unless it is set.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TEST = "tests/faults/test_lifecycles.py::test_nothing_is_lost_and_nothing_done_twice"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("database", choices=["sqlite", "postgresql"])
    asked.add_argument("runs", type=int)
    asked.add_argument("--first-seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    asked.add_argument("--folder", type=Path, default=None, help="of the runs; a new one where it is not given")
    given = asked.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="lifecycles-"))
    for number in range(given.runs):
        seed = given.first_seed + number
        place = folder / str(seed)
        place.mkdir(parents=True)
        if not _passes(given.database, seed, place):
            _tell(f"seed {seed} failed; all of it is in {place}")
            return 1
        shutil.rmtree(place)
        _tell(f"{number + 1} of {given.runs} passed (seed {seed})")
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _passes(database: str, seed: int, place: Path) -> bool:
    environment = {"ILLGATE_LIFECYCLES": "60", **os.environ, "ILLGATE_SEED": str(seed)}
    command = [sys.executable, "-m", "pytest", "-q", f"{TEST}[{database}]", "--basetemp", str(place / "run")]
    with (place / "pytest.txt").open("wb") as output:
        return subprocess.run(command, cwd=ROOT, env=environment, stdout=output, stderr=output).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
