"""almapiwrapper, a client that libraries use with Alma, in an environment of its own: it imports pandas, which nothing
else here needs. It is installed once and kept in the environment that the tests run in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.kept_folders import require_folder

VERSION = "1.9.7"
UNDECLARED = ("pandas", "requests", "lxml", "openpyxl", "python-dateutil")
SECONDS = 600
ZONE = "LIB"

_BEGINNING = """
import json, sys
import almapiwrapper.record as record
from almapiwrapper import inventory, users
from almapiwrapper.record import JsonData, XmlData

url = sys.argv[1]
for cls in (record.Record, users.User, users.NewUser, users.Request, users.Loan, users.Fee, inventory.IzBib,
            inventory.Holding, inventory.Item):
    for name in dir(cls):
        if name.startswith("api_base_url"):
            setattr(cls, name, getattr(cls, name).replace("https://api-eu.hosted.exlibrisgroup.com", url))
found = {}
"""


def run_almapiwrapper(script: str, url: str, api_key: str) -> dict[str, Any]:
    """What `script` puts into `found`. Skips where it can't be installed; where CI is set, that is a failure."""
    python = require_folder(f"almapiwrapper-{VERSION}", _install_environment) / "bin" / "python"
    with tempfile.TemporaryDirectory() as name:
        keys = Path(name) / "keys.json"
        apis = [{"Area": area, "Permissions": "RW", "Env": "P"} for area in ("Users", "Bibs")]
        keys.write_text(json.dumps({ZONE: [{"API_Key": api_key, "Supported_APIs": apis}]}), encoding="utf-8")
        whole = f"{_BEGINNING}\n{script}\nprint(json.dumps(found))\n"
        done = subprocess.run(
            [python, "-c", whole, url],
            env={**os.environ, "alma_api_keys": str(keys), "PYTHONWARNINGS": "ignore"},
            cwd=name,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _install_environment(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, timeout=SECONDS)
    command = [folder / "bin" / "python", "-m", "pip", "install", "-q", f"almapiwrapper=={VERSION}", *UNDECLARED]
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
