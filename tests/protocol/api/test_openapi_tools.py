"""Redocly's lint finds nothing in our OpenAPI document, and TypeScript takes the types that are made of it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from gateway.web.api.openapi import build_openapi
from gateway.web.api.operations import ALL
from tests.support.installed import start_or_skip
from tests.support.npm_packages import LOCKS, SECONDS, install_npm_packages

pytestmark = pytest.mark.long  # installs 58 MB of packages

LINT_RULES = """
extends: [recommended-strict]
rules:
  tag-description: off  # a tag's name (Requests, Rotas, Webhooks …) says what its operations are about
"""
TYPES = ("openapi.json", "--default-non-nullable=false", "--output", "illgate.ts")
PROGRAM = """
import type { paths } from "./illgate";
type Draft = paths["/requests"]["post"]["requestBody"]["content"]["application/json"];
type Shown = paths["/requests/{id}"]["get"]["responses"]["200"]["content"]["application/json"];
export const draft: Draft = { citation: { type: "book", title: "Ο Ζορμπάς" }, patron: { identifier: "21" } };
// @ts-expect-error: no such field
export const misspelt: Draft = { citation: { type: "book", titel: "Ο Ζορμπάς" } };
export const readTitle = (shown: Shown): string => shown.request.citation.title;
"""
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_NOTIFICATIONS": "true"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The installed tools and the document; removed afterwards, since so much is not to be kept."""
    with tempfile.TemporaryDirectory() as name:
        start_or_skip(lambda: install_npm_packages(LOCKS / "openapi", Path(name)))
        document = build_openapi(ALL, version("illgate"))
        (Path(name) / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
        yield Path(name)


def run_tool(folder: Path, tool: str, *words: str) -> tuple[int, str]:
    """Its exit status and what it printed."""
    command, env = [str(folder / "node_modules/.bin" / tool), *words], {**os.environ, **QUIET}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS)
    return done.returncode, done.stdout + done.stderr


def test_redocly_finds_nothing(folder: Path) -> None:
    (folder / "redocly.yaml").write_text(LINT_RULES, encoding="utf-8")

    status, report = run_tool(folder, "redocly", "lint", "openapi.json")

    assert status == 0, report
    assert "Your API description is valid" in report


def test_typescript_takes_the_types(folder: Path) -> None:
    status, report = run_tool(folder, "openapi-typescript", *TYPES)
    assert status == 0, report

    (folder / "program.ts").write_text(PROGRAM, encoding="utf-8")
    status, report = run_tool(folder, "tsc", "--noEmit", "--strict", "illgate.ts", "program.ts")

    assert status == 0, report
