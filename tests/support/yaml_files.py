"""YAML files of installations under test, read and written by libyaml: in Python alone it takes ten times as long."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway.configuration.yaml_document import read_yaml


def read_yaml_file(path: Path) -> dict[str, Any]:
    """As the gateway reads it."""
    return read_yaml(path).data


def read_yaml_rows(path: Path) -> list[dict[str, Any]]:
    """Read a table of tests, whose file is a list, with numbers and truth values as YAML 1.1 has them."""
    rows: list[dict[str, Any]] = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    return rows


def write_yaml_file(path: Path, content: Mapping[str, Any]) -> None:
    text = yaml.dump(dict(content), Dumper=yaml.CSafeDumper, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
