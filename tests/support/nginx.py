"""The shipped reverse proxy (deploy/nginx.conf) in a real nginx, before a daemon of the tests."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.daemon import free_port, process
from tests.support.installed import NotInstalled

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"


@contextlib.contextmanager
def proxy(folder: Path, upstream: int, authority: Authority, told: Mapping[str, str] | None = None) -> Iterator[int]:
    """The port where it listens with TLS. Its files are the shipped ones, with other ports and paths. `told`: headers
    that it sets otherwise, by name; empty: it passes on the client's own. Raises NotInstalled."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if binary is None:
        raise NotInstalled("no nginx (apt-get install nginx)")
    port, own = free_port(), authority.issue("ill.example.org")
    shipped = (DEPLOY / "nginx.conf").read_text()
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{upstream}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "    listen [::]:443 ssl;\n": "",
        "/etc/ssl/ill.example.org.pem": str(own.certificate),
        "/etc/ssl/private/ill.example.org.key": str(own.key),
        "/etc/ssl/ill-partners-ca.pem": str(authority.certificate),
        "/etc/nginx/snippets/illgate-proxy.conf": str(_write_headers(folder, told or {})),
    }
    for old, new in changes.items():
        assert old in shipped, f"deploy/nginx.conf doesn't say {old!r} any more"
        shipped = shipped.replace(old, new)
    site, main, log = folder / "site.conf", folder / "nginx.conf", folder / "nginx.log"
    site.write_text(shipped)
    temporary = " ".join(
        f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main.write_text(
        f"daemon off; user root; worker_processes 1; pid {folder / 'nginx.pid'}; error_log {log}; events {{}}\n"
        f"http {{ access_log off; {temporary} include {site}; }}\n"
    )
    with process([binary, "-e", str(log), "-p", str(folder), "-c", str(main)], log) as started:
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > end or started.poll() is not None:
                    raise TimeoutError(f"nginx does not listen; its log:\n{log.read_text()[-2000:]}") from None
                time.sleep(0.02)
        yield port


def _write_headers(folder: Path, told: Mapping[str, str]) -> Path:
    text = (DEPLOY / "nginx-proxy.conf").read_text()
    for name, value in told.items():
        line = f"proxy_set_header {name} {value};\n" if value else ""
        text, count = re.subn(rf"^proxy_set_header {name} .*\n", lambda _, line=line: line, text, flags=re.MULTILINE)
        assert count == 1, f"deploy/nginx-proxy.conf doesn't set {name} any more"
    file = folder / "nginx-proxy.conf"
    file.write_text(text)
    return file
