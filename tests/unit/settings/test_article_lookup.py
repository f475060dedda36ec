"""Section `article_lookup` of gateway.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapter_registry import load_adapters
from gateway.domain.clock import SystemClock
from gateway.domain.library import RecordId
from gateway.domain.problems import ConfigurationError
from gateway.services.searching.article_lookup import make_article_lookup, make_article_source
from gateway.settings import Settings, load_settings
from tests.support.article_services import with_articles

ADAPTERS = with_articles(load_adapters())
DOI = RecordId("doi", "10.5555/1")


def load(folder: Path, text: str) -> Settings:
    (folder / "gateway.yml").write_text(text, encoding="utf-8")
    return load_settings(folder / "gateway.yml", ADAPTERS)


def wrong(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text)
    return [str(problem).partition("gateway.yml:")[2] for problem in caught.value.problems]


def no_secrets(reference: str) -> str:
    raise AssertionError(f"nothing needs {reference}")


def test_off_as_shipped(tmp_path: Path) -> None:
    settings = load(tmp_path, "{}")
    articles = make_article_lookup(settings, ADAPTERS, no_secrets, SystemClock())

    assert not articles.is_on
    assert not articles.can_look_up(DOI)


def test_one_line_turns_it_on(tmp_path: Path) -> None:
    """Where the library has an e-mail address."""
    text = "libraries: [{symbol: SEE, email: ill@seeberg.example}]\narticle_lookup: {sources: [crossref]}\n"
    settings = load(tmp_path, text)

    assert settings.article_lookup_email == "ill@seeberg.example"
    assert make_article_lookup(settings, ADAPTERS, no_secrets, SystemClock()).can_look_up(DOI)


def test_an_address_must_be_known(tmp_path: Path) -> None:
    (said,) = wrong(tmp_path, "article_lookup: {sources: [crossref]}\n")
    assert "article_lookup.sources need article_lookup.email: the services ask whom to write to" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sources: [crosref]", "2: article_lookup.sources.0: no such service, found 'crosref', allowed: crossref"),
        ("sources: [pubmed, pubmed]", "2: article_lookup.sources.1: stands twice, found 'pubmed'"),
        ("urls: {scopus: 'https://api.example'}", "2: article_lookup.urls.scopus: no such service"),
        ("keys: {scopus: env:KEY}", "2: article_lookup.keys.scopus: no such service"),
        ("urls: {pubmed: 'ftp://api.example'}", "2: article_lookup.urls.pubmed: "),
        ("urls: {pubmed: 'https://user:pw@api.example'}", "2: article_lookup.urls.pubmed: "),
        ("keys: {pubmed: s3cret}", "2: article_lookup.keys.pubmed: "),
        ("email: nobody", "2: article_lookup.email: "),
        ("seconds: 0", "2: article_lookup.seconds: "),
        ("cache_hours: 0", "2: article_lookup.cache_hours: "),
    ],
)
def test_what_cant_be(tmp_path: Path, line: str, said: str) -> None:
    found = wrong(
        tmp_path, f"article_lookup:\n  {line}\n  {'' if line.startswith('email') else 'email: a@b.example'}\n"
    )
    assert len(found) == 1
    assert found[0].startswith(said)
    assert "s3cret" not in found[0]
    assert "pw@" not in found[0]


def test_a_key_comes_from_where_the_settings_say(tmp_path: Path) -> None:
    text = "article_lookup: {sources: [pubmed], email: a@b.example, keys: {pubmed: env:NCBI_KEY}}\n"
    asked: list[str] = []

    def resolve(reference: str) -> str:
        asked.append(reference)
        return "s3cret"

    make_article_source("pubmed", load(tmp_path, text), ADAPTERS, resolve, SystemClock())
    assert asked == ["env:NCBI_KEY"]
