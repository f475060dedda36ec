from pathlib import Path

import pytest

from gateway.domain.problems import ConfigurationError
from gateway.domain.secret_reference import is_secret_reference
from gateway.secrets import resolve_secret


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTNER_SECRET", "s3cret")

    assert resolve_secret("env:PARTNER_SECRET") == "s3cret"


def test_a_secret_comes_from_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")

    assert resolve_secret("file:key", tmp_path) == "s3cret"
    assert resolve_secret(f"file:{tmp_path / 'key'}") == "s3cret"


@pytest.mark.parametrize("reference", ["s3cret", "env:", "env:a b", "file:", ""])
def test_what_is_no_reference_is_refused_without_being_shown(reference: str) -> None:
    assert not is_secret_reference(reference)
    with pytest.raises(ConfigurationError) as caught:
        resolve_secret(reference)
    assert "s3cret" not in str(caught.value)


def test_a_secret_that_is_not_there_is_said_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABSENT", raising=False)
    (tmp_path / "empty").write_text("\n")

    with pytest.raises(ConfigurationError, match="env:ABSENT: the environment has no such variable"):
        resolve_secret("env:ABSENT")
    with pytest.raises(ConfigurationError, match="file:none: No such file"):
        resolve_secret("file:none", tmp_path)
    with pytest.raises(ConfigurationError, match="file:empty: the file is empty"):
        resolve_secret("file:empty", tmp_path)
