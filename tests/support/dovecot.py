"""An IMAP server of one's own for tests: Debian's Dovecot (2.3 or 2.4), loopback, a free port, a temporary folder.

Any user signs in with PASSWORD; `maildir(user)` is where that user's mail lies.
"""

from __future__ import annotations

import getpass
import grp
import mailbox
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.support.daemon import free_port
from tests.support.installed import NotInstalled
from tests.support.running_servers import stop_process

PASSWORD = "made-up"
_mail_numbers = count(1)
START_SECONDS = 30.0

CONFIGURATION_24 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = {mail}/%{{user}}
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {user}
    gid = {group}
    home = {mail}/%{{user}}
  }}
}}
"""

CONFIGURATION_23 = """
disable_plaintext_auth = no
mail_location = maildir:{mail}/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={mail}/%u
}}
"""

TLS_24 = """
ssl = yes
ssl_server_cert_file = {certificate}
ssl_server_key_file = {key}
"""

TLS_23 = """
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
"""

TOKENS_24 = """
auth_mechanisms = plain login xoauth2
oauth2_introspection_mode = post
oauth2_introspection_url = {tokens}
oauth2_username_attribute = username
oauth2_active_attribute = active
oauth2_active_value = true
passdb oauth2 {{
  mechanisms_filter = xoauth2
}}
"""

BOTH = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""

NOT_AS_ROOT = """
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Tls:
    """PEM files of the server."""

    certificate: Path
    key: Path


def binary() -> str:
    """Raises NotInstalled."""
    found = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotInstalled("no Dovecot (apt-get install dovecot-imapd)")
    return found


class Dovecot:
    """A running server, a child of this process. `stop` ends it and removes its folder.

    `tls`: also at `tls_port`, and by STARTTLS; without it neither. `tokens`: URL at which it asks whose an access token
    is (RFC 7662), for XOAUTH2; from 2.4 on.
    """

    def __init__(self, tls: Tls | None = None, tokens: str = "") -> None:
        self._tls = tls
        self._tokens = tokens
        self.tls_port = free_port() if tls is not None else 0
        self._binary = binary()
        self._is_new = self._read_version() >= (2, 4)
        if tokens and not self._is_new:
            raise NotInstalled("access tokens need Dovecot 2.4")
        self._folder = Path(tempfile.mkdtemp(prefix="illgate-dovecot-"))
        self._folder.chmod(0o755)
        self._mail = self._folder / "mail"
        for folder in (self._mail, self._folder / "run", self._folder / "state"):
            folder.mkdir(mode=0o755)
        self._user, self._group = _owner()
        self.port = free_port()
        self._own(self._mail)
        configuration = self._folder / "dovecot.conf"
        configuration.write_text(self._configuration())
        with (self._folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [self._binary, "-F", "-c", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def deliver(self, user: str, mail: bytes) -> None:
        """As a delivery agent does it: into the Maildir, whole or not at all."""
        self.deliver_all(user, [mail])

    def deliver_all(self, user: str, mails: Iterable[bytes]) -> None:
        """In this order. Each is the server's own before it is there: it moves at once what it sees."""
        folder = self._mail / user
        if not folder.exists():
            mailbox.Maildir(folder).close()
            self.own(user)
        for mail in mails:
            seconds, nanoseconds = divmod(time.time_ns(), 10**9)
            name = f"{seconds}.M{nanoseconds // 1000:06}P{os.getpid()}Q{next(_mail_numbers)}.illgate"
            written = folder / "tmp" / name
            written.write_bytes(mail)
            self._own(written)
            written.rename(folder / "new" / name)

    def own(self, user: str) -> None:
        """The server may write into the user's folder."""
        folder = self._mail / user
        self._own(folder)
        for path in folder.rglob("*"):
            self._own(path)

    def maildir(self, user: str) -> Path:
        """Where the user's mail lies."""
        return self._mail / user

    def has_mail(self, user: str) -> bool:
        """In the inbox."""
        return any(any((self._mail / user / part).glob("*")) for part in ("new", "cur"))

    @property
    def log(self) -> str:
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        stop_process(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read_version(self) -> tuple[int, int]:
        version = subprocess.run([self._binary, "--version"], check=True, capture_output=True, text=True).stdout
        number = re.match(r"(\d+)\.(\d+)", version)
        assert number, f"dovecot --version said {version!r}"
        return int(number[1]), int(number[2])

    def _configuration(self) -> str:
        mechanisms = TOKENS_24 if self._tokens else "auth_mechanisms = plain login\n"
        tls = "ssl = no\n" if self._tls is None else TLS_24 if self._is_new else TLS_23
        # In 2.4 password databases are asked in the order of the file.
        parts = [CONFIGURATION_24 if self._is_new else CONFIGURATION_23, BOTH, mechanisms, tls]
        text = "".join(parts) + (NOT_AS_ROOT if os.geteuid() else "")
        return text.format(
            folder=self._folder,
            mail=self._mail,
            password=PASSWORD,
            user=self._user,
            group=self._group,
            port=self.port,
            tls_port=self.tls_port,
            tokens=self._tokens,
            certificate=self._tls.certificate if self._tls is not None else "",
            key=self._tls.key if self._tls is not None else "",
        )

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, self._user, self._group)

    def _wait(self) -> None:
        """Until it greets. Raises RuntimeError with what it logged."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    if connection.recv(1000).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.02)
        said = [
            path.read_text(errors="replace") for name in ("output", "log") if (path := self._folder / name).exists()
        ]
        self.stop()
        raise RuntimeError("Dovecot did not start:\n" + "\n".join(said))


def _owner() -> tuple[str, str]:
    """Of the mail: as root an account without rights of its own, else whoever we are."""
    if os.geteuid() == 0:
        return "nobody", "nogroup"
    return getpass.getuser(), grp.getgrgid(pwd.getpwuid(os.geteuid()).pw_gid).gr_name
