#!/usr/bin/env python3
"""Sets illgate up from a checkout; needs nothing but Python 3.11 or newer and pip.

python3 bootstrap.py run         install into .venv, make a library with sample data in data/, run the daemon
python3 bootstrap.py test        install with what the tests need, run all but the long ones; `--seed N` repeats the
                                 order of a run, `--workers N` says how many run side by side
python3 bootstrap.py test-quick  unit and protocol tests without whole gateways, servers and other programs
python3 bootstrap.py test-long   the long ones: repetitions of what another test shows in shorter time
python3 bootstrap.py test-313    all tests on Python 3.13, which the container image has, in .venv-3.13
python3 bootstrap.py test-debian12  `test` in a Debian 12 of its own, with the Python and the servers of that system
python3 bootstrap.py demo        simulate a broker between libraries that use different protocols
python3 bootstrap.py demo-two    simulate two libraries that lend to each other
python3 bootstrap.py docs        build the documentation site into build/docs
python3 bootstrap.py release     build what is published into dist/: wheel, source archive, the versions that the
                                 container image installs with their hashes, and a bill of them (CycloneDX)
python3 bootstrap.py install     only install
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes.util import find_library
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
DEMO = HERE / "data"
OLDEST = (3, 11)
DEV = "[dev]"
"""What the tests need."""

WORKERS = (os.cpu_count() or 1) + 1
"""One more than there are processors: a quarter of the time a worker waits for servers that its tests start."""

PARALLEL = ["-n", str(WORKERS), "--dist", "worksteal"]
"""A worker that is done takes tests from another, else one works alone at the end."""

MEMORY = Path("/dev/shm")
ROOM = 8 << 30
"""Bytes of memory that must be free before tests write there instead of to a disk; a run needs a third of it."""

RESULTS = HERE / ".pytest_cache" / "results"
"""What each part of the last run found, as JUnit XML."""

PARTS = (
    ["tests/unit", "tests/library_contract"],
    ["tests/protocol"],
    ["tests", *(f"--ignore=tests/{name}" for name in ("unit", "library_contract", "protocol"))],
)
"""All tests, in three runs: what a worker has collected and loaded it keeps, and each run begins with new ones."""


def programs_of(venv: Path) -> Path:
    return venv / ("Scripts" if os.name == "nt" else "bin")


def main(words: list[str]) -> int:
    if sys.version_info < OLDEST:
        print(f"illgate needs Python {'.'.join(map(str, OLDEST))} or newer; this is {sys.version.split()[0]}")
        return 2
    match words:
        case ["install"]:
            install(extras="[mail]")
            return 0
        case ["run", *rest]:
            install(extras="[mail]")
            return run(rest)
        case ["test", *rest]:
            install(DEV)
            return test(rest)
        case ["test-long", *rest]:
            install(DEV)
            install_servers()
            return run_commands([["pytest", "-m", "long", *(rest or PARALLEL)]])
        case ["test-quick", *rest]:
            install(DEV)
            return test_quick(rest)
        case ["test-313", *rest]:
            return test_on_python("3.13", rest)
        case ["test-debian12", *rest]:
            return subprocess.run([sys.executable, "-m", "tests.support.debian12", *rest], cwd=HERE).returncode
        case ["demo"]:
            install("[demo]")
            return run_commands([["python", "-m", "demo.brokered_requests"]])
        case ["demo-two"]:
            install("[demo]")
            return run_commands([["python", "-m", "demo.two"]])
        case ["docs"]:
            install("[docs]")
            return run_commands([["python", "-m", "mkdocs", "build", "--strict"]])
        case ["release"]:
            return release()
    print(__doc__)
    return 2


def install(extras: str, venv: Path = VENV, python: str = sys.executable) -> None:
    """Into a virtual environment, with the versions of constraints.txt. Where nothing has changed nothing is done: else
    commands of a daemon that runs would meanwhile find the package twice."""
    installed = venv / f"installed{extras}"
    asked = "\n".join([str(HERE), *((HERE / name).read_text() for name in ("pyproject.toml", "constraints.txt"))])
    if installed.exists() and installed.read_text() == asked:
        return
    inside = str(programs_of(venv) / "python")
    if not Path(inside).exists():
        print(f"making {venv.name} …", flush=True)
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
    print("installing …", flush=True)
    versions, package = ["-c", str(HERE / "constraints.txt")], ["-e", f"{HERE}{extras}"]
    pip = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *versions]
    if extras == DEV:
        # For the 150 packages of the tests uv takes a fifth of pip's time, where it reaches an index.
        subprocess.run([*pip, "uv"], check=True)
        uv = [str(programs_of(venv) / "uv"), "pip", "install", "--quiet", "--native-tls", "--python", inside, *versions]
        if subprocess.run([*uv, *package]).returncode == 0:
            installed.write_text(asked)
            return
        pip.append("--no-compile")  # a minute, for modules of which tests load a tenth; these are compiled when loaded
    subprocess.run([*pip, *package], check=True)
    installed.write_text(asked)


def run(rest: list[str]) -> int:
    illgate = str(programs_of(VENV) / "illgate")
    if not (DEMO / "gateway.yml").exists():
        subprocess.run([illgate, "init", str(DEMO)], check=True)
    arguments = [illgate, "--config", str(DEMO / "gateway.yml"), "serve", *rest]
    os.execv(illgate, arguments)


def release() -> int:
    """Wheel and source archive; requirements.txt with hashes, for the Python and the extras of the image; an SBOM."""
    venv, dist = HERE / ".venv-release", HERE / "dist"
    install("[release]", venv)
    shutil.rmtree(dist, ignore_errors=True)
    dockerfile = (HERE / "deploy" / "Dockerfile").read_text()
    (python,) = set(re.findall(r"FROM python:([0-9.]+)-slim", dockerfile))
    (extras,) = re.findall(r"\.whl\)\[([a-z,]+)\]", dockerfile)
    compile_versions = ["uv", "pip", "compile", "pyproject.toml", "--constraint", "constraints.txt", "--quiet"]
    compile_versions += ["--python-version", python, "--python-platform", "linux", "--generate-hashes", "--no-header"]
    compile_versions += [word for extra in extras.split(",") for word in ("--extra", extra)]
    describe = ["cyclonedx-py", "requirements", "dist/requirements.txt", "--pyproject", "pyproject.toml"]
    return run_commands(
        [
            ["python", "-m", "hatchling", "build", "-d", "dist"],
            [*compile_versions, "--output-file", "dist/requirements.txt"],
            [*describe, "--output-reproducible", "--output-file", "dist/sbom.cdx.json"],
        ],
        venv,
    )


def test(words: list[str]) -> int:
    """Everything, in an order drawn by chance; whatever other words there are go to one pytest."""
    parser = argparse.ArgumentParser(prog="bootstrap.py test", add_help=False, allow_abbrev=False)
    parser.add_argument("--seed", type=int, default=random.getrandbits(32))
    parser.add_argument("--workers", type=int, default=WORKERS)
    options, rest = parser.parse_known_args(words)
    install_servers()
    in_memory = choose_temporary_folder()
    checks = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["lint-imports"], ["mypy"]]
    if rest:
        return run_side_by_side(checks) or run_commands([["pytest", f"--randomly-seed={options.seed}", *rest]])
    # Loading compiles all modules, once, while mypy keeps another processor busy; else each worker does. To find the
    # functions in them, and their parameters, would take three times as long.
    without_functions = ["-o", "python_functions=none", "-o", "python_classes=None"]
    failed = run_side_by_side([*checks, ["pytest", "--collect-only", "-q", "-q", *without_functions]])
    if failed:
        return failed
    shutil.rmtree(RESULTS, ignore_errors=True)
    common = ["-m", "not long", "-n", str(options.workers), "--dist", "worksteal", f"--randomly-seed={options.seed}"]
    common += ["-o", "junit_family=xunit1"]  # which names the files
    codes = [
        run_commands([["pytest", *part, *common, f"--junitxml={RESULTS / f'{number}.xml'}"]])
        for number, part in enumerate(PARTS, start=1)
    ]
    codes.append(run_commands([["python", "-m", "tests.support.run_summary", str(RESULTS), str(options.seed)]]))
    failed = next((code for code in codes if code), 0)
    if in_memory and not failed:  # else the folders of failed tests are looked at
        shutil.rmtree(in_memory, ignore_errors=True)
    return failed


def choose_temporary_folder() -> Path | None:
    """Let tests write to memory where there is room: half their time they wait for a disk, and none of them cuts the
    power. A TMPDIR that is set counts. Returns the folder."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return None
    available = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text("ascii"))
    if not available or min(int(available[1]) << 10, shutil.disk_usage(MEMORY).free) < ROOM:
        return None
    folder = MEMORY / f"illgate-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        return None
    os.environ["TMPDIR"] = str(folder)
    return folder


def test_quick(rest: list[str]) -> int:
    """What `tests/support/quick_tests.py` says is slow is left out, and what needs PostgreSQL."""
    marks = "not slow and not long and not postgresql"
    return run_commands([["pytest", "tests/unit", "tests/protocol", "-m", marks, *(rest or PARALLEL)]])


def test_on_python(version: str, rest: list[str]) -> int:
    """The tests alone: lint and types don't depend on the Python that runs them."""
    python = shutil.which(f"python{version}")
    if python is None:
        print(f"python{version} is not on the path")
        return 2
    venv = HERE / f".venv-{version}"
    install(DEV, venv, python)
    install_servers()
    return run_commands([["pytest", *(rest or PARALLEL)]], venv)


def run_side_by_side(commands: list[list[str]]) -> int:
    """All of them, at the same time; prints what those say that fail. Returns the exit code of the first of these."""

    def run_command(command: list[str]) -> subprocess.CompletedProcess[bytes]:
        program = str(programs_of(VENV) / command[0])
        return subprocess.run(
            [program, *command[1:]], cwd=HERE, env=environment_of_commands(), capture_output=True, check=False
        )

    failed = 0
    with ThreadPoolExecutor(len(commands)) as threads:
        for command, ran in zip(commands, threads.map(run_command, commands), strict=True):
            print("$", " ".join(command), "" if ran.returncode else "… passed", flush=True)
            if ran.returncode:
                failed = failed or ran.returncode
                sys.stdout.buffer.write(ran.stdout + ran.stderr)
                sys.stdout.flush()
    return failed


def run_commands(commands: list[list[str]], venv: Path = VENV) -> int:
    """One after the other, up to the first that fails; returns its exit code."""
    environment = environment_of_commands()
    for command in commands:
        print("$", " ".join(command), flush=True)
        code = subprocess.run([str(programs_of(venv) / command[0]), *command[1:]], cwd=HERE, env=environment).returncode
        if code != 0:
            return code
    return 0


def environment_of_commands() -> dict[str, str]:
    # Tests start hundreds of processes: where bytecode isn't kept, as in many container images, each compiles all anew.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # Each of their many threads would keep free memory of its own.
    environment.setdefault("MALLOC_ARENA_MAX", "2")
    environment.setdefault("PIP_COMPILE", "0")  # as in `install`, for tests that install what is published
    environment.setdefault("NO_MKDOCS_2_WARNING", "1")  # a notice of the theme about its successor
    return environment


SERVERS: dict[str, Callable[[], bool]] = {
    "postgresql": lambda: bool(list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))),
    "pgbouncer": lambda: Path("/usr/sbin/pgbouncer").exists(),
    "dovecot-imapd": lambda: Path("/usr/sbin/dovecot").exists(),
    "yaz": lambda: shutil.which("yaz-client") is not None and shutil.which("yaz-ztest") is not None,
    "redis-server": lambda: shutil.which("redis-server") is not None,
    "idzebra-2.0": lambda: shutil.which("zebrasrv") is not None and shutil.which("zebraidx") is not None,
    "yaz-illclient": lambda: shutil.which("yaz-illclient") is not None,
    "prometheus": lambda: shutil.which("promtool") is not None,
    "apache2-bin": lambda: Path("/usr/sbin/apache2").exists(),
    "libapache2-mod-auth-mellon": lambda: Path("/usr/lib/apache2/modules/mod_auth_mellon.so").exists(),
    "docker-compose": lambda: shutil.which("docker-compose") is not None,  # reads compose.yml, without a daemon
    "caddy": lambda: Path("/usr/bin/caddy").exists(),
    "nginx": lambda: Path("/usr/sbin/nginx").exists(),
    "chromium": lambda: Path("/usr/bin/chromium").exists(),
    "libpangoft2-1.0-0": lambda: find_library("pangoft2-1.0") is not None,
    "libharfbuzz-subset0": lambda: find_library("harfbuzz-subset") is not None,
    "libzbar0": lambda: find_library("zbar") is not None,
    "poppler-utils": lambda: shutil.which("pdftoppm") is not None,
    "npm": lambda: shutil.which("npm") is not None,  # fetches axe-core, html-validate and readers of OpenAPI
}
"""Packages of the servers that tests start, and whether each is there."""


def install_servers() -> None:
    """Tests start real servers. Where they can't be installed the tests say so and are skipped."""
    missing = [package for package, there in SERVERS.items() if not there()]
    if not missing or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print(f"installing {' and '.join(missing)} from the distribution's packages …", flush=True)
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update"], **quiet)
    subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing], **quiet)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
