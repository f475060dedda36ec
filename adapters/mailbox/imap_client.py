"""The port `MailboxClient` by IMAP4rev1 (RFC 3501, RFC 9051), with IMAPClient in a thread of the mailbox's own."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.ports.incoming_mail import FetchedMail, MailboxServer, MailboxSnapshot, OpenMailbox, SignIn
from gateway.ports.outgoing_mail import MailSecurity
from gateway.ports.secrets import Secrets
from gateway.ports.system_errors import describe_system_error
from gateway.ports.tls import ClientTls, make_client_context

if TYPE_CHECKING:
    from imapclient import IMAPClient

T = TypeVar("T")

DONE = b"$IllgateDone"
"""Keyword (RFC 9051 section 2.3.2) of mails that stay in the folder. Where the server keeps none they are marked as
seen, which a person may do as well: there only the store knows what was taken."""

MAX_IDLE_SECONDS = 25 * 60.0
"""Servers may end an IDLE after 30 minutes (RFC 2177)."""

CLOSE_SECONDS = 5.0

logging.getLogger("imapclient").setLevel(logging.WARNING)  # at DEBUG it writes what mails say


class ImapClient:
    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    async def open(self, server: MailboxServer) -> OpenMailbox:
        """See `gateway.ports.incoming_mail.MailboxClient`."""
        require_imapclient()
        opened = ImapMailbox(server)
        try:
            await opened.sign_in(self._secrets(server.password) if server.password else "")
        except BaseException:
            await opened.close()
            raise
        return opened


def require_imapclient() -> None:
    """Require IMAPClient; raises Refused, saying what to install."""
    try:
        import imapclient  # noqa: F401
    except ImportError as error:
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE, "IMAPClient is not installed: pip install 'illgate[mail]'."
        ) from error


class ImapMailbox:
    """All calls run in one thread, one after the other: the library blocks, and keeps the state of one connection."""

    def __init__(self, server: MailboxServer) -> None:
        self._server = server
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"imap {server.host}")
        self._imap: IMAPClient | None = None
        self._keywords = False

    async def sign_in(self, password: str) -> None:
        await self._run_in_thread(lambda: self._open_session(password))

    async def list_messages(self) -> MailboxSnapshot:
        return await self._run_in_thread(self._list_waiting)

    async def sizes(self, uids: Sequence[int]) -> Mapping[int, int]:
        answer = await self._run_in_thread(lambda: self._connected_client.fetch(list(uids), [b"RFC822.SIZE"]))
        return {uid: int(parts[b"RFC822.SIZE"]) for uid, parts in answer.items() if b"RFC822.SIZE" in parts}

    async def fetch(self, uids: Sequence[int]) -> Sequence[FetchedMail]:
        answer = await self._run_in_thread(lambda: self._connected_client.fetch(list(uids), [b"BODY.PEEK[]"]))
        wanted = ((uid, answer[uid].get(b"BODY[]")) for uid in uids if uid in answer)
        return tuple(FetchedMail(uid, bytes(content)) for uid, content in wanted if content is not None)

    async def head(self, uid: int) -> bytes:
        answer = await self._run_in_thread(lambda: self._connected_client.fetch([uid], [b"BODY.PEEK[HEADER]"]))
        return bytes(answer.get(uid, {}).get(b"BODY[HEADER]") or b"")

    async def move(self, uids: Sequence[int], folder: str) -> None:
        await self._run_in_thread(
            lambda: self._move_messages(list(uids), folder) if folder else self._mark_messages(list(uids))
        )

    async def supports_idle(self) -> bool:
        return await self._run_in_thread(lambda: bool(self._connected_client.has_capability("IDLE")))

    async def wait(self, seconds: float) -> None:
        if await self.supports_idle():
            await self._run_in_thread(lambda: self._wait_idle(min(seconds, MAX_IDLE_SECONDS)))
        else:
            await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Says goodbye; a server that doesn't answer is left. Never raises."""
        imap, self._imap = self._imap, None
        if imap is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await asyncio.get_running_loop().run_in_executor(self._thread, _log_out, imap)
            except TimeoutError:
                pass
            finally:
                _break_connection(imap)
        self._thread.shutdown(wait=False)

    # --- in the thread -----------------------------------------------------------------------------------

    @property
    def _connected_client(self) -> IMAPClient:
        if self._imap is None:
            raise Unavailable(write_about(self._display_name, write_sentence("the connection is closed")))
        return self._imap

    @property
    def _display_name(self) -> str:
        return f"mailbox {self._server.user} at {self._server.host}:{self._server.port}"

    def _open_session(self, password: str) -> None:
        from imapclient import IMAPClient, exceptions

        server = self._server
        tls = _tls_context(server)
        imap = IMAPClient(
            server.host,
            port=server.port,
            ssl=server.security is MailSecurity.TLS,
            ssl_context=tls,
            timeout=server.seconds,
        )
        self._imap = imap
        if server.security is MailSecurity.STARTTLS:
            imap.starttls(tls)
        try:
            _sign_in(imap, server, password)
        except (exceptions.LoginError, UnicodeError):
            # The server's words may repeat what it was sent, so they go no further.
            raise Refused(
                RefusalReason.SENDER_AUTH_FAILED,
                write_sentence("%(name)s: the server rejected our sign-in.", name=self._display_name),
            ) from None
        self._select_folder()

    def _select_folder(self) -> Mapping[bytes, Any]:
        imap = self._connected_client
        try:
            selected: Mapping[bytes, Any] = imap.select_folder(self._server.folder)
        except imap.AbortError:
            raise
        except imap.Error as error:
            raise Refused(
                RefusalReason.INVALID_VALUE,
                write_sentence(
                    "%(name)s: the folder '%(folder)s' cannot be opened.",
                    name=self._display_name,
                    folder=self._server.folder,
                ),
            ) from error
        self._keywords = b"\\*" in selected.get(b"PERMANENTFLAGS", ())
        return selected

    def _list_waiting(self) -> MailboxSnapshot:
        selected = self._select_folder()
        unmarked = ["UNKEYWORD", DONE.decode()] if self._keywords else []
        uids = self._connected_client.search(["UNDELETED", *unmarked])
        return MailboxSnapshot(int(selected[b"UIDVALIDITY"]), tuple(sorted(int(uid) for uid in uids)))

    def _move_messages(self, uids: list[int], folder: str) -> None:
        imap = self._connected_client
        if not imap.folder_exists(folder):
            imap.create_folder(folder)
        if imap.has_capability("MOVE"):
            imap.move(uids, folder)
            return
        imap.copy(uids, folder)
        imap.delete_messages(uids, silent=True)
        if imap.has_capability("UIDPLUS"):
            imap.uid_expunge(uids)

    def _mark_messages(self, uids: list[int]) -> None:
        self._connected_client.add_flags(uids, [DONE if self._keywords else b"\\Seen"], silent=True)

    def _wait_idle(self, seconds: float) -> None:
        imap = self._connected_client
        imap.idle()
        try:
            if not _read_buffered(imap):
                imap.idle_check(timeout=seconds)
        finally:
            if self._imap is not None:
                imap.idle_done()

    # --- around it ---------------------------------------------------------------------------------------

    async def _run_in_thread(self, work: Callable[[], T]) -> T:
        """Run work in the thread; raises Unavailable for whatever breaks the conversation. When cancelled, the
        connection is cut, so that the thread ends too."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._translate_errors, work)
        except asyncio.CancelledError:
            imap, self._imap = self._imap, None
            if imap is not None:
                _break_connection(imap)
            raise

    def _translate_errors(self, work: Callable[[], T]) -> T:
        from imapclient.exceptions import IMAPClientError

        try:
            return work()
        except (OSError, EOFError, ssl.SSLError, IMAPClientError, ValueError, KeyError) as error:
            # ValueError and KeyError: an answer that is none. What a server says may repeat a mail: only its kind.
            is_system_error = isinstance(error, OSError) and error.strerror
            report = describe_system_error(error) if is_system_error else type(error).__name__
            raise Unavailable(write_about(self._display_name, report)) from error


def _sign_in(imap: IMAPClient, server: MailboxServer, password: str) -> None:
    match server.sign_in:
        case SignIn.LOGIN:
            imap.login(server.user, password)
        case SignIn.PLAIN:
            imap.plain_login(server.user, password)
        case SignIn.XOAUTH2:
            imap.oauth2_login(server.user, password)


def _tls_context(server: MailboxServer) -> ssl.SSLContext | None:
    if server.security is MailSecurity.NONE:
        return None
    return make_client_context(ClientTls(ca=server.ca))


def _read_buffered(imap: IMAPClient) -> Sequence[object]:
    """Read what came in one piece with the server's "+": the mails since our last look. It lies in the buffer of
    imaplib, and IMAPClient 4.1 waits for the socket alone, so without this it is seen when the waiting ends."""
    imap._poll_socket = lambda sock, timeout: True
    try:
        answers: Sequence[object] = imap.idle_check(timeout=0)
    finally:
        del imap._poll_socket
    return answers


def _log_out(imap: IMAPClient) -> None:
    try:
        imap.logout()
    except (OSError, EOFError, imap.Error):
        return  # it is gone already


def _break_connection(imap: IMAPClient) -> None:
    """Wakes a thread that waits for the server."""
    try:
        imap.shutdown()
    except OSError:
        return
