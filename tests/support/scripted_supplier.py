"""A supplier of ISO 18626 that says no more than it must: it confirms each message, promises, and grants a Cancel. Its
messages are written here by hand, so that nothing of ours is compared with itself."""

from __future__ import annotations

import threading
import time
import urllib.request
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

NS = "http://illtransactions.org/2013/iso18626"
ROOT = f'<ISO18626Message xmlns="{NS}" xmlns:ill="{NS}" ill:version="1.2">'
REFUSAL = (
    "<errorData><errorType>UnrecognisedDataValue</errorType><errorValue>requestingAgencyId: unknown</errorValue>"
    "</errorData>"
)
PAUSE_SECONDS = 0.2
"""Between its confirmation and what it says then, so that the confirmation is there first."""

TIME = "2026-11-30T12:00:00Z"


class ScriptedSupplier:
    """`answers_to`: where its own messages go; `refuses`: whatever it gets, since it doesn't know who we are."""

    def __init__(self, answers_to: str = "", *, refuses: bool = False, port: int = 0) -> None:
        self.answers_to = answers_to
        self._refuses = refuses
        self.received: list[str] = []
        self.bodies: list[bytes] = []
        self.authorizations: list[str] = []
        self.unheard: list[bytes] = []
        self._speakers: list[threading.Thread] = []
        supplier = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                supplier.authorizations.append(self.headers.get("Authorization", ""))
                answer, follow = supplier.take_message(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                if follow:
                    speaker = threading.Thread(target=supplier.say_message, args=(follow,), daemon=True)
                    supplier._speakers.append(speaker)
                    speaker.start()

            def log_message(self, format: str, *_arguments: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/iso18626"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for speaker in self._speakers:
            speaker.join()
        self._server.shutdown()
        self._server.server_close()

    def take_message(self, body: bytes) -> tuple[bytes, bytes]:
        """Its confirmation, and what is said then."""
        self.bodies.append(body)
        (message,) = ET.fromstring(body)
        kind = message.tag.split("}")[1]
        header = message[0]
        action = message.findtext(f"{{{NS}}}action") or ""
        self.received.append(f"{kind} {action}".strip())
        number = header.findtext(f"{{{NS}}}requestingAgencyRequestId") or ""
        parties = "".join(_write_agency(name, header) for name in ("supplyingAgencyId", "requestingAgencyId"))
        confirmed = (
            f"{ROOT}<{kind}Confirmation><confirmationHeader>{parties}<timestamp>{TIME}</timestamp>"
            f"<requestingAgencyRequestId>{number}</requestingAgencyRequestId>"
            f"<timestampReceived>{header.findtext(f'{{{NS}}}timestamp')}</timestampReceived>"
            f"<messageStatus>{'ERROR' if self._refuses else 'OK'}</messageStatus></confirmationHeader>"
            f"{f'<action>{action}</action>' if action else ''}{REFUSAL if self._refuses else ''}"
            f"</{kind}Confirmation></ISO18626Message>"
        )
        said = {"request": ("RequestResponse", "", "WillSupply"), "Cancel": ("CancelResponse", "Y", "Cancelled")}
        reason, answer, status = said.get(action or kind, ("", "", ""))
        follow = (
            f"{ROOT}<supplyingAgencyMessage><header>{parties}<multipleItemRequestId/><timestamp>{TIME}</timestamp>"
            f"<requestingAgencyRequestId>{number}</requestingAgencyRequestId></header>"
            f"<messageInfo><reasonForMessage>{reason}</reasonForMessage>"
            f"{f'<answerYesNo>{answer}</answerYesNo>' if answer else ''}</messageInfo>"
            f"<statusInfo><status>{status}</status><lastChange>{TIME}</lastChange></statusInfo>"
            f"</supplyingAgencyMessage></ISO18626Message>"
        )
        return confirmed.encode(), follow.encode() if reason and self.answers_to else b""

    def say_message(self, body: bytes) -> None:
        time.sleep(PAUSE_SECONDS)
        sent = urllib.request.Request(self.answers_to, body, {"Content-Type": "application/xml"})
        try:
            urllib.request.urlopen(sent, timeout=30).close()
        except OSError:
            self.unheard.append(body)  # whoever asked has ended, or doesn't take it


def _write_agency(name: str, header: ET.Element) -> str:
    agency = header.find(f"{{{NS}}}{name}")
    assert agency is not None, f"the header names no {name}"
    kind, value = (agency.findtext(f"{{{NS}}}{part}") for part in ("agencyIdType", "agencyIdValue"))
    return f"<{name}><agencyIdType>{kind}</agencyIdType><agencyIdValue>{value}</agencyIdValue></{name}>"
