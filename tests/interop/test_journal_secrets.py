"""PINs, passwords and what senders prove themselves by are in no file of a running gateway, nor in what it exports."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.messages import StatusQuery
from adapters.iso_ill.messages.structures import (
    Extension,
    Moment,
    ServiceDateTime,
    ShownCredentials,
    SystemId,
    TransactionId,
)
from tests.support.daemon import Installation, free_port
from tests.support.looking import exported
from tests.support.yaml_files import write_yaml_file

PIN, SYSTEM, AGENCY, ISO = "PIN-7391-Łódź", "Systemwort-Ørsted-55", "पासवर्ड-8642", "ekki-giska-1907"
SECRETS = (PIN, SYSTEM, AGENCY, ISO)
CUT_PIN = PIN[:8]
BARCODE = "21000000000017"

LOOKUP = f"""<?xml version="1.0" encoding="UTF-8"?>
<ns1:NCIPMessage xmlns:ns1="http://www.niso.org/2008/ncip" ns1:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
  <ns1:LookupUser>
    <ns1:InitiationHeader>
      <ns1:FromSystemAuthentication>{SYSTEM}</ns1:FromSystemAuthentication>
      <ns1:FromAgencyId><ns1:AgencyId>EBU</ns1:AgencyId></ns1:FromAgencyId>
      <ns1:FromAgencyAuthentication>{AGENCY}</ns1:FromAgencyAuthentication>
      <ns1:ToAgencyId><ns1:AgencyId>DEMO</ns1:AgencyId></ns1:ToAgencyId>
    </ns1:InitiationHeader>
    <ns1:AuthenticationInput>
      <ns1:AuthenticationInputData>{BARCODE}</ns1:AuthenticationInputData>
      <ns1:AuthenticationDataFormatType>text</ns1:AuthenticationDataFormatType>
      <ns1:AuthenticationInputType>Barcode Id</ns1:AuthenticationInputType>
    </ns1:AuthenticationInput>
    <ns1:AuthenticationInput>
      <ns1:AuthenticationInputData>{PIN}</ns1:AuthenticationInputData>
      <ns1:AuthenticationDataFormatType>text</ns1:AuthenticationDataFormatType>
      <ns1:AuthenticationInputType>PIN</ns1:AuthenticationInputType>
    </ns1:AuthenticationInput>
  </ns1:LookupUser>
</ns1:NCIPMessage>
"""
V1_RENEWAL = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE NCIPMessage PUBLIC "-//NISO//NCIP DTD Version 1.0//EN" "http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd">
<NCIPMessage version="http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd"><RenewItem>
<InitiationHeader><FromAgencyId><UniqueAgencyId><Scheme></Scheme><Value>EBU</Value></UniqueAgencyId></FromAgencyId>
<FromAgencyAuthentication>{AGENCY}</FromAgencyAuthentication>
<ToAgencyId><UniqueAgencyId><Scheme></Scheme><Value>DEMO</Value></UniqueAgencyId></ToAgencyId></InitiationHeader>
<AuthenticationInput><AuthenticationInputData>{BARCODE}</AuthenticationInputData><AuthenticationDataFormatType><Scheme>
</Scheme><Value>text</Value></AuthenticationDataFormatType><AuthenticationInputType><Scheme></Scheme><Value>Barcode Id
</Value></AuthenticationInputType></AuthenticationInput><AuthenticationInput><AuthenticationInputData><![CDATA[{PIN}]]>
</AuthenticationInputData><AuthenticationDataFormatType><Scheme></Scheme><Value>text</Value>
</AuthenticationDataFormatType><AuthenticationInputType><Scheme></Scheme><Value>PIN</Value></AuthenticationInputType>
</AuthenticationInput><UniqueItemId><ItemIdentifierValue>39000000000019</ItemIdentifierValue></UniqueItemId>
</RenewItem></NCIPMessage>"""

BODIES = {
    "v2": LOOKUP.encode(),
    "v1": V1_RENEWAL.encode(),
    "url-encoded": quote_plus(LOOKUP).encode(),
    "form": f"xml={quote_plus(LOOKUP)}".encode(),
    "utf-16": LOOKUP.replace("UTF-8", "UTF-16").encode("utf-16"),
    "cut off within the PIN": LOOKUP[: LOOKUP.index(CUT_PIN) + len(CUT_PIN)].encode(),
    "not well-formed": LOOKUP.replace("</ns1:InitiationHeader>", "").encode(),
    "no NCIP": LOOKUP.replace("NCIPMessage", "Nachricht").encode(),
}

OZZ = {
    "auth": [{"kind": "system-secret", "secret": "file:iso.secret"}],
    "partner": {"symbols": ["NUC:PWD"], "name": "Пароль", "roles": ["requester"]},
    "iso_ill": {"symbols": {"ours": "DEMO", "default_authority": "NUC"}},
}


def status_query(symbol: str) -> bytes:
    apdu = StatusQuery(
        protocol_version=2,
        transaction_id=TransactionId(group_qualifier="2026-4", qualifier="1"),
        service_date_time=ServiceDateTime(this=Moment(day=date(2026, 3, 2))),
        requester_id=SystemId.from_symbol(symbol),
        responder_id=SystemId.from_symbol("NUC:DEMO"),
        extensions=(Extension.from_item(ShownCredentials("100-222", ISO)),),
    )
    return encode_apdu(apdu)


def spellings() -> Iterator[bytes]:
    """Each secret in every way in which its message has it, and the beginnings of those that are cut off."""
    for secret in (*SECRETS, CUT_PIN, ISO[:-4]):
        yield from (
            secret.encode(),
            quote_plus(secret).encode(),
            *(secret.encode(f"utf-16-{end}") for end in ("le", "be")),
        )


def files_of(installation: Installation) -> bytes:
    return (
        b"".join(file.read_bytes() for file in sorted(installation.folder.glob("data/**/*")) if file.is_file())
        + installation.log.read_bytes()
    )


def masked(body: bytes) -> bytes:
    """The body with each secret replaced, and nothing else."""
    stars = "********"
    if body.startswith(b"\xff\xfe"):
        text = body.decode("utf-16")
        for secret in SECRETS:
            text = text.replace(secret, stars)
        return text.encode("utf-16")
    for secret in (f"<![CDATA[{PIN}]]>\n", *SECRETS, CUT_PIN):
        body = body.replace(secret.encode(), stars.encode()).replace(quote_plus(secret).encode(), stars.encode())
    return body


def say_by_tcp(port: int, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65_536):
            pass


@pytest.mark.parametrize("encrypted", [False, True], ids=["in clear", "encrypted"])
def test_no_secret_of_a_message_is_stored_or_exported(
    installation: Installation, tmp_path: Path, encrypted: bool
) -> None:
    write_yaml_file(installation.folder / "profiles" / "ozz.yml", OZZ)
    (installation.folder / "iso.secret").write_text(f"100-222:{ISO}")
    (installation.folder / "journal.key").write_text("4f1c9a77e0b2d8a3655c01be")
    iso_port = free_port()
    installation.change(
        tcp=[
            {"host": "127.0.0.1", "port": installation.tcp_port, "profile": "ncip1"},
            {"host": "127.0.0.1", "port": iso_port, "protocol": "iso_ill"},
        ],
        journal={"encryption_keys": ["file:journal.key"] if encrypted else []},
    )
    apdus = [status_query("NUC:PWD"), status_query("NUC:STRANGER")]
    with installation.serve():
        for body in BODIES.values():
            installation.post(body)
        installation.post(BODIES["v2"], "no-such-profile")
        say_by_tcp(installation.tcp_port, BODIES["v1"])
        say_by_tcp(installation.tcp_port, BODIES["cut off within the PIN"])
        for apdu in (*apdus, apdus[0][:-4]):
            say_by_tcp(iso_port, apdu)
        while_it_runs = files_of(installation)
    stored = while_it_runs + files_of(installation)

    kept = [body for _, body in exported(installation, tmp_path / "all.jsonl")]
    for secret in spellings():
        assert secret not in stored
        assert not any(secret in body for body in kept)
    for body in BODIES.values():
        assert masked(body) in kept
    for apdu in apdus:
        assert apdu.replace(ISO.encode(), b"*" * len(ISO)) in kept
    if not encrypted:
        assert BARCODE.encode() in stored, "only what proves, not what names"


def test_a_replay_says_why_it_cannot_be(installation: Installation) -> None:
    first, *_, last = BODIES["v2"].split(b"ns1:AuthenticationInput>")
    by_number = first + f"ns1:UserId><ns1:UserIdentifierValue>{BARCODE}</ns1:UserIdentifierValue></ns1:UserId>".encode()
    by_number += last
    with installation.serve():
        installation.post(BODIES["v2"])
        installation.post(by_number)
    page = installation.run("journal", "list", "--direction", "in", "--json").stdout.splitlines()
    without_pin, with_pin = (json.loads(line)["id"] for line in page)

    for options in ([], ["--dry-run"]):
        refused = installation.run("replay", with_pin, *options, check=False)
        assert refused.returncode == 1
        assert "can't be replayed: it needs the patron's PIN or password" in refused.stderr
        assert "ask the sender to send it again" in refused.stderr
    again = installation.run("replay", without_pin)
    assert "LookupUserResponse" in again.stdout, "what the sender proved itself by is not needed twice"
