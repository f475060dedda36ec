"""All tests in a Debian 12 of their own: its Python, SQLite, Dovecot, PostgreSQL, nginx and Chromium.

python3 -m tests.support.debian12 [WORDS]    what `bootstrap.py test WORDS` does, there

debootstrap makes the system in `.debian12` below the checkout (ILLGATE_DEBIAN12 names another folder), once; what is
installed there stays. The checkout is copied into it as it is, without what git ignores; `shared` beside it is mounted
for reading. Needs root, and the packages of Debian 12 and of PyPI. The processes and mounts of a run end with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED = CHECKOUT.parent / "shared"
PACKAGES = "python3,python3-venv,ca-certificates,procps"

NETWORK_FILES = (
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pip.conf",
    "/root/.npmrc",
)
"""Files by which this machine reaches the network; the same there."""

NETWORK_VARIABLES = (
    "_PROXY",
    "_CA_CERTS",
    "_CERT_FILE",
    "_CA_BUNDLE",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "PIP_DEFAULT_TIMEOUT",
)

RUN = """
set -e
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs tmpfs "$ROOT/dev/shm"
mount -t proc proc "$ROOT/proc"
if [ -d "$SHARED" ]; then mount --bind -o ro "$SHARED" "$ROOT/srv/shared"; fi
exec chroot "$ROOT" /usr/bin/env -i "$@"
"""


def main(words: list[str]) -> int:
    if os.geteuid() != 0:
        sys.exit("a Debian 12 of its own can be made by root alone")
    folder = Path(os.environ.get("ILLGATE_DEBIAN12") or CHECKOUT / ".debian12").absolute()
    root = make_system(folder)
    copy_network_files(root)
    copy_checkout(root / "srv/illgate")
    (root / "srv/shared").mkdir(exist_ok=True)
    return run_inside(root, ["sh", "-c", 'cd /srv/illgate && exec python3 bootstrap.py test "$@"', "test", *words])


def make_system(folder: Path) -> Path:
    """The folder of its root. One that was begun and not ended is made anew. Raises CalledProcessError."""
    root, finished = folder / "root", folder / "finished"
    if finished.exists():
        return root
    if shutil.which("debootstrap") is None:
        subprocess.run(["apt-get", "update"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["apt-get", "install", "-y", "debootstrap"], check=True, stdout=subprocess.DEVNULL)
    sys.stderr.write(f"making a Debian 12 in {folder} …\n")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    finished.touch()
    return root


def copy_network_files(root: Path) -> None:
    for name in NETWORK_FILES:
        if Path(name).exists():
            target = root / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy(name, target)


def copy_checkout(target: Path) -> None:
    """Copy what git knows or doesn't ignore; the environment that an earlier run made there stays."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    files = [name for name in listed.stdout.decode().split("\0") if name and (CHECKOUT / name).is_file()]
    target.mkdir(parents=True, exist_ok=True)
    for path in target.iterdir():
        if path.name == ".venv":
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, target / name)


def run_inside(root: Path, command: Iterable[str]) -> int:
    """Run a command as root of that system, in name spaces of its own. Return its exit code."""
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        **{name: value for name, value in os.environ.items() if name.upper().endswith(NETWORK_VARIABLES)},
    }
    variables = [f"{name}={value}" for name, value in environment.items()]
    isolate = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    done = subprocess.run(
        [*isolate, "sh", "-c", RUN, "run", *variables, *command],
        env={**os.environ, "ROOT": str(root), "SHARED": str(SHARED)},
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
