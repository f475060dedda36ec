"""The packages as an operator gets them: installed into a fresh environment without extras, with all, and by the
Dockerfile's own commands on the image's own Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.cli.adapter_commands import SAMPLE
from gateway.cli.deploy_command import FILES
from tests.support.paths import ROOT
from tests.unit.runtime.test_without_extras import IMPORT_ALL

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
PYTHON_OF_IMAGE = "3.13"

WRITE_PDF = """
import asyncio
from gateway.web.html.pdf_writer import is_pdf_possible, write_pdf
assert is_pdf_possible()
assert b"%PDF-" in asyncio.run(write_pdf("<p>Fjord</p>", ()))
"""


def run_command(*command: str | Path, folder: Path | None = None) -> str:
    """Its standard output. Without variables that would bring our checkout in."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ILLGATE"))}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run_command(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_what_a_new_installation_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert {"gateway/shipped/gateway.yml", "gateway/shipped/requests.yml"} <= set(names)
    profiles = {f"gateway/shipped/profiles/{file.name}" for file in (ROOT / "profiles").glob("*.yml")}
    assert profiles
    assert profiles <= set(names)
    assert {f"gateway/shipped/deploy/{file}" for files in FILES.values() for file in files} <= set(names)
    assert f"gateway/shipped/{SAMPLE}/src/illgate_ledger/system.py" in names


def test_the_source_distribution_has_its_licence(tmp_path: Path) -> None:
    run_command(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, folder=ROOT)

    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "requests.yml", "gateway/cli/__init__.py"} <= names


@pytest.mark.long  # installs what a release is made with: more than a minute
def test_make_release_builds_what_is_published(tmp_path: Path) -> None:
    checkout = tmp_path / "illgate"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "data", "dist"))

    run_command("make", "release", folder=checkout)

    built = {file.name: file for file in (checkout / "dist").iterdir()}
    name = f"illgate-{metadata.version('illgate')}"
    assert built.keys() == {f"{name}-py3-none-any.whl", f"{name}.tar.gz", "requirements.txt", "sbom.cdx.json"}
    locked = re.findall(r"^(\S+)==(\S+) \\\n +--hash=sha256:", built["requirements.txt"].read_text(), re.MULTILINE)
    listed = json.loads(built["sbom.cdx.json"].read_text())["components"]
    assert {"aiohttp", "asyncpg", "lxml"} <= {name for name, _ in locked}
    assert sorted((part["name"], part["version"]) for part in listed) == sorted(locked)


def find_python(version: str) -> Path:
    """An interpreter that makes environments, wherever it is installed."""
    found = shutil.which(f"python{version}")
    names = [Path(found)] if found else []
    for name in (*names, *Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")):
        tried = subprocess.run([name, "-c", "import venv, ensurepip"], capture_output=True, check=False)
        if tried.returncode == 0:
            return name
    pytest.skip(f"Python {version} with venv is not installed")


@pytest.mark.long  # by day a tutorial installs it, without extras
def test_an_installation_without_extras_and_then_with_all(wheel: Path, tmp_path: Path) -> None:
    venv = make_environment(Path(sys.executable), tmp_path)

    for extras in ("", "[mail,pdf,postgresql,traces]"):
        install_package(venv, f"{wheel}{extras}")
        check_installation(venv, tmp_path / f"library{extras}")


@pytest.mark.long  # the same
def test_an_installation_on_the_python_of_the_image(wheel: Path, tmp_path: Path) -> None:
    (commands,) = re.findall(r"^RUN ((?:.*\\\n)+.*)", DOCKERFILE.split("\nFROM ")[1], re.MULTILINE)
    shutil.copy(wheel, tmp_path)
    venv = tmp_path / "illgate"

    commands = commands.replace("python ", f"{find_python(PYTHON_OF_IMAGE)} ").replace("/opt/illgate", str(venv))
    run_command("sh", "-c", commands, folder=tmp_path)
    check_installation(venv, tmp_path / "library")
    run_command(venv / "bin" / "python", "-c", WRITE_PDF, folder=venv)


def test_the_installation_in_the_image_has_no_problems(wheel: Path, tmp_path: Path) -> None:
    (copied,) = re.findall(
        r"\nRUN cp /opt/illgate/lib/python\*/site-packages/(\S+) \. && mkdir partners && ", DOCKERFILE
    )
    (tmp_path / "partners").mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in map(PurePosixPath, archive.namelist()):
            if name.match(copied):
                (tmp_path / name.name).write_bytes(archive.read(str(name)))

    result = CliRunner().invoke(main, ["--config", str(tmp_path / "gateway.yml"), "check"])

    assert "no problems" in result.output


def test_the_image_has_its_python_and_runs_as_an_ordinary_user() -> None:
    """After the last step that writes anything but its data folder."""
    stage = DOCKERFILE.split("\nFROM ")[2]

    assert DOCKERFILE.count(f"FROM python:{PYTHON_OF_IMAGE}-slim") == 2
    assert stage.index("useradd --system") < stage.index("\nRUN cp") < stage.index("\nUSER illgate\n")
    assert "\nRUN " not in stage[stage.index("\nUSER illgate\n") :]


def make_environment(python: Path, folder: Path) -> Path:
    run_command(python, "-m", "venv", "--without-pip", folder / "venv")
    return folder / "venv"


def install_package(venv: Path, package: str) -> None:
    """By the pip that is here, and without the bytecode of what nothing imports: both would take as long again."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", venv / "bin" / "python"]
    run_command(
        *pip, "install", "--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt", package, folder=venv
    )


def check_installation(venv: Path, library: Path) -> None:
    """Whether everything can be imported, and a new library be made that has no problems."""
    run_command(venv / "bin" / "python", "-W", "error::ImportWarning", "-c", IMPORT_ALL, folder=venv)
    illgate = venv / "bin" / "illgate"
    assert "illgate" in run_command(illgate, "--version", folder=venv)
    assert "illiad, reshare" in run_command(illgate, "init", library, folder=venv)
    assert "no problems" in run_command(illgate, "--config", library / "gateway.yml", "check", folder=venv)
