"""`illgate check` on the services that know articles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.adapter_registry import load_adapters
from gateway.domain.clock import SystemClock
from gateway.domain.problems import ConfigurationProblem
from gateway.profiles import read_profiles
from gateway.services.operation.check import CheckSubject, run_check
from gateway.settings import load_settings
from tests.support.article_services import ArticleServer, with_articles
from tests.support.yaml_files import write_yaml_file

ADAPTERS = with_articles(load_adapters())


@pytest.fixture
async def services() -> AsyncIterator[ArticleServer]:
    one = ArticleServer()
    await one.start()
    yield one
    await one.close()


async def problems(folder: Path, section: dict[str, Any], *, live: bool = False) -> list[ConfigurationProblem]:
    file = folder / "gateway.yml"
    write_yaml_file(file, {"article_lookup": section})
    (folder / "profiles").mkdir(exist_ok=True)
    settings = load_settings(file, ADAPTERS)
    loading = read_profiles(settings.profiles_folder, ADAPTERS, settings)
    report = await run_check(CheckSubject(settings, loading, ADAPTERS, SystemClock(), live=live))
    return [one for one in report.installation if one.key.startswith("article_lookup")]


async def test_nobody_is_asked_without_live(tmp_path: Path, services: ArticleServer) -> None:
    assert await problems(tmp_path, services.settings()) == []
    assert services.asked == []


async def test_live_each_is_asked_about_one_number(tmp_path: Path, services: ArticleServer) -> None:
    """That it doesn't know it is an answer."""
    services.say("/pubmed/esummary.fcgi", {"result": {"1": {"uid": "1", "error": "cannot get document summary"}}})
    assert await problems(tmp_path, services.settings(), live=True) == []
    assert len(services.asked) == 3


async def test_live_one_that_gives_no_answer_is_named(tmp_path: Path, services: ArticleServer) -> None:
    services.say("/unpaywall/10.5555/12345678", {"error": True}, 422)
    found = await problems(tmp_path, services.settings("crossref", "unpaywall"), live=True)

    assert [(one.key, one.line > 0) for one in found] == [("article_lookup.sources.1", True)]
    assert "unpaywall: " in found[0].message
    assert "rejected our address or key (HTTP 422)" in found[0].message


async def test_a_key_that_is_not_there(
    tmp_path: Path, services: ArticleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NCBI_KEY", raising=False)
    section = {**services.settings("pubmed"), "keys": {"pubmed": "env:NCBI_KEY"}}
    for live in (False, True):
        (found,) = await problems(tmp_path, section, live=live)
        assert found.key == "article_lookup.keys.pubmed"
        assert "no secret at env:NCBI_KEY" in found.message
    assert services.asked == []
