from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint

from gateway.adapter_registry import GROUP
from gateway.ports.adapter import ArticleSourceAdapter
from tests.support.paths import ROOT


def test_each_service_has_its_entry_point() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"][GROUP]
    found = [EntryPoint(name, value, GROUP).load() for name, value in points.items() if "articles" in value]

    assert all(isinstance(one, ArticleSourceAdapter) for one in found)
    assert {one.name for one in found} == {"crossref", "pubmed", "unpaywall"}
