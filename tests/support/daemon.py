"""Starts a real gateway in a process of its own, on free ports and in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from gateway.cli import main
from tests.support.forked_processes import ForkedProcess, run_illgate
from tests.support.logs import logs_as_before
from tests.support.shipped_profiles import copy_shipped_profiles
from tests.support.yaml_files import read_yaml_file, write_yaml_file

ILLGATE = str(Path(sys.executable).with_name("illgate"))


def _ports_of_worker() -> Iterator[int]:
    """Below those that Linux gives to whoever wants just any, and others for each worker of a run. Browsers refuse
    port 10080."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first, number = 10_100 + worker % 10 * 2_000, 2_000
    place = os.getpid() % number  # two runs on one machine begin at different places
    while True:
        yield first + place
        place = (place + 1) % number


_ports = _ports_of_worker()


def free_port() -> int:
    """Where nobody listens; not given again soon, and to nobody else until the caller listens there."""
    for port in _ports:
        with socket.socket() as one, contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports have no end")


def illgate(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """As a process of its own, which takes a second or two to start."""
    return subprocess.run([ILLGATE, *arguments], check=check, capture_output=True, text=True)


def run_in_process(*arguments: str, check: bool = True, typed: str = "") -> subprocess.CompletedProcess[str]:
    """`illgate` in this process. In a thread: that of the caller may have an event loop, and a command has its own."""
    with logs_as_before(), ThreadPoolExecutor(1) as thread:
        ran = thread.submit(CliRunner().invoke, main, arguments, typed, catch_exceptions=False).result()
    assert not check or ran.exit_code == 0, f"{' '.join(arguments)}: {ran.output}"
    return subprocess.CompletedProcess(arguments, ran.exit_code, ran.stdout, ran.stderr)


@contextlib.contextmanager
def process(
    arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Stopped by SIGTERM at the end; what it printed is in `log`. Without `environment`, it has that of the tests."""
    with log.open("ab") as output:
        started = subprocess.Popen(arguments, stdout=output, stderr=output, env=environment)
    with stopped_at_end(started):
        yield started


@contextlib.contextmanager
def forked_daemon(config: Path, log: Path, *options: str) -> Iterator[ForkedProcess]:
    """`illgate serve` with these options, by a process that has loaded it already; stopped as by `process`."""
    started = ForkedProcess(run_illgate, ("--config", str(config), "serve", *options), log)
    with stopped_at_end(started):
        yield started


@contextlib.contextmanager
def stopped_at_end(started: subprocess.Popen[bytes] | ForkedProcess) -> Iterator[None]:
    """By SIGTERM, and after half a minute by SIGKILL."""
    try:
        yield
    finally:
        if started.poll() is None:
            started.send_signal(signal.SIGTERM)
        try:
            started.wait(30)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def wait_for(port: int, path: str = "/", seconds: float = 180) -> None:
    """Until something answers by HTTP, whatever it answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


@dataclass(frozen=True)
class Installation:
    """A folder made by `illgate init`, with shipped profiles and ports of its own. `tcp_port` speaks as profile
    ncip1."""

    folder: Path
    port: int
    tcp_port: int

    @classmethod
    def make(cls, folder: Path, *options: str, profiles: Sequence[str] = ()) -> Installation:
        """`options` are those of `illgate init`; `profiles`: the shipped ones that live, or all of them."""
        run_in_process("init", str(folder), *options)
        copy_shipped_profiles(folder, *profiles)
        return cls._with_ports(folder)

    @classmethod
    def make_sample(cls, folder: Path) -> Installation:
        """Just as `illgate init` makes it, at a port of its own."""
        run_in_process("init", str(folder))
        made = cls(folder, free_port(), free_port())
        made.change(http={"port": made.port})
        return made

    @classmethod
    def make_mesh(cls, folder: Path, store: str) -> Installation:
        """With a folder for each library: DEMO, which ILLiad sends to at the addresses of `make`, and NORTH. They lend
        to each other, and have the sample library's patrons and items. `store`: URL of an empty database."""
        files: dict[str, object] = {
            "gateway.yml": {"defaults": {"time_zone": "Europe/Zurich", "currency": "EUR"}, "store": {"url": store}},
            "groups.yml": {"both": {"members": "all", "mesh": True}},
            "libraries/demo/library.yml": {"symbol": "DEMO", "name": "Demonstration Library"},
            "libraries/north/library.yml": {"symbol": "NORTH", "name": "Northern Library"},
            "partners/ncip1.yml": {"extends": "ncip1", "for": ["demo"]},
            "partners/ncip2.yml": {"extends": "ncip2", "for": ["demo"]},
        }
        for name, document in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_yaml_file(folder / name, document)
        made = cls._with_ports(folder)
        made.run("init")
        return made

    def copy(self, folder: Path) -> Installation:
        """Another one with the same data, which comes quicker than `make`; not of one that is being served."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return self._with_ports(folder)

    @classmethod
    def _with_ports(cls, folder: Path) -> Installation:
        made = cls(folder, free_port(), free_port())
        made.change(
            http={"port": made.port},
            tcp=[{"host": "127.0.0.1", "port": made.tcp_port, "profile": "ncip1"}],
        )
        return made

    @property
    def config(self) -> Path:
        return self.folder / "gateway.yml"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "illgate.db"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def change(self, **sections: object) -> None:
        """Sections that are mappings are merged, others replaced."""
        settings = read_yaml_file(self.config)
        for name, value in sections.items():
            settings[name] = {**settings.get(name, {}), **value} if isinstance(value, dict) else value
        write_yaml_file(self.config, settings)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`illgate` with this installation's settings, in this process."""
        return run_in_process("--config", str(self.config), *arguments, check=check)

    @contextlib.contextmanager
    def serve(self) -> Iterator[ForkedProcess]:
        """Until it is ready."""
        with forked_daemon(self.config, self.log) as started:
            self._wait_until_ready()
            yield started

    @contextlib.contextmanager
    def serve_by_command(self) -> Iterator[subprocess.Popen[bytes]]:
        """As `serve`, by the command itself, which takes two seconds of a processor longer: where its memory is
        measured, or how it starts is what the test is about."""
        with process([ILLGATE, "--config", str(self.config), "serve"], self.log) as started:
            self._wait_until_ready()
            yield started

    def _wait_until_ready(self) -> None:
        try:
            wait_for(self.port, "/readyz")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; its log:\n{self.log.read_text()[-3000:]}") from error

    def post(self, body: bytes, profile: str = "ncip2") -> bytes:
        url = f"http://127.0.0.1:{self.port}/ncip/{profile}"
        request = urllib.request.Request(url, body, {"Content-Type": "application/xml"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())
