"""html-validate, which looks for what is wrong in HTML: the version of npm/package-lock.json, from the npm registry.

It is installed once, by `npm ci`, and kept in the environment that the tests run in. All pages are read by one process.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.installed import NotInstalled
from tests.support.kept_folders import keep_folder

PINNED = Path(__file__).parent / "npm"
VERSION = json.loads((PINNED / "package.json").read_text(encoding="utf-8"))["dependencies"]["html-validate"]
SECONDS = 300

RULES = {
    "extends": ["html-validate:recommended", "html-validate:document"],
    "rules": {
        "no-redundant-role": "off",  # tables that become cards keep their roles, which `display` takes away
        "no-trailing-whitespace": "off",  # of the source, which nobody sees
        "form-dup-name": ["error", {"shared": ["checkbox", "radio", "button", "submit"]}],  # a list of values
        "aria-label-misuse": ["error", {"allowAnyNamable": True}],  # lists may have names
        "require-sri": ["error", {"target": "crossorigin"}],
    },
}


def find_html_faults(pages: Mapping[str, str]) -> dict[str, list[str]]:
    """By the name of the page: rule, what is wrong, and the line; pages without faults aren't in it. Raises
    NotInstalled."""
    program = _install() / "node_modules" / ".bin" / "html-validate"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".htmlvalidate.json").write_text(json.dumps({"root": True, **RULES}), encoding="utf-8")
        files = {}
        for number, (page, text) in enumerate(pages.items()):
            file = folder / f"page-{number}.html"
            file.write_text(text, encoding="utf-8")
            files[str(file)] = page
        done = subprocess.run(
            [str(program), "--formatter", "json=found.json", *files],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if done.returncode not in (0, 1):
            raise NotInstalled(f"html-validate {VERSION} does not run: {done.stderr.strip()}")
        return {
            files[found["filePath"]]: [_describe_fault(one, found.get("source") or "") for one in found["messages"]]
            for found in json.loads((folder / "found.json").read_text(encoding="utf-8"))
            if found["messages"]
        }


def _describe_fault(fault: dict, source: str) -> str:
    lines = source.splitlines()
    line = lines[fault["line"] - 1].strip()[:160] if 0 < fault["line"] <= len(lines) else ""
    return f"{fault['ruleId']}: {fault['message']}, line {fault['line']}: {line}"


def _install() -> Path:
    def install_package(folder: Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise NotInstalled(f"html-validate {VERSION} is not here, and there is no npm to install it with")
        for file in PINNED.glob("package*.json"):
            shutil.copy(file, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, cwd=folder)

    try:
        return keep_folder(f"html-validate-{VERSION}", install_package)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"npm could not install html-validate {VERSION}: {type(error).__name__}") from error
