"""html-validate, which looks for what is wrong in HTML: the version of npm/html-validate, from the npm registry.

It is installed once, by `npm ci`, and kept in the environment that the tests run in. All pages are read by one process.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tests.support.installed import NotInstalled
from tests.support.kept_folders import keep_folder
from tests.support.npm_packages import LOCKS, install_npm_packages

LOCK = LOCKS / "html-validate"
VERSION = json.loads((LOCK / "package.json").read_text(encoding="utf-8"))["dependencies"]["html-validate"]
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
    kept = keep_folder(f"html-validate-{VERSION}", partial(install_npm_packages, LOCK))
    program = kept / "node_modules" / ".bin" / "html-validate"
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
