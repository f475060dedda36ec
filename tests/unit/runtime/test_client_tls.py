"""How connections that we open are encrypted: built once, and anew when a file has changed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.ports.tls import ClientTls, abort_transport, make_client_context
from tests.support.certificates import Authority, Pair


def joined(pair: Pair, file: Path) -> Path:
    """Certificate and key in one file, as profiles name it."""
    file.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    return file


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def test_it_is_built_once_for_the_same_files(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = ClientTls(ca=authority.certificate, certificate=joined(authority.issue("us"), tmp_path / "us-with-key.pem"))

    assert make_client_context(tls) is make_client_context(ClientTls(ca=tls.ca, certificate=tls.certificate))
    assert make_client_context(tls) is not make_client_context(ClientTls(ca=tls.ca))
    assert make_client_context(ClientTls()) is make_client_context(ClientTls())


def test_new_authorities_are_taken_when_the_file_changes(tmp_path: Path) -> None:
    old, new = Authority(folder(tmp_path, "old")), Authority(folder(tmp_path, "new"))
    tls = ClientTls(ca=old.certificate)
    before = make_client_context(tls).get_ca_certs(binary_form=True)

    os.replace(new.certificate, old.certificate)  # as certbot and others do it

    assert make_client_context(tls).get_ca_certs(binary_form=True) != before


def test_a_new_certificate_of_our_own_is_taken_when_the_file_changes(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    file = joined(authority.issue("us"), tmp_path / "ours.pem")
    tls = ClientTls(ca=authority.certificate, certificate=file)
    first = make_client_context(tls)

    joined(authority.issue("us-again"), file)

    assert make_client_context(tls) is not first


def test_a_file_that_is_broken_for_a_while_is_read_again(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    good = authority.certificate.read_bytes()
    tls = ClientTls(ca=authority.certificate)
    authority.certificate.write_bytes(b"half of")
    with pytest.raises(OSError, match=r"authority\.pem cannot be used"):
        make_client_context(tls)

    authority.certificate.write_bytes(good)

    assert make_client_context(tls).get_ca_certs()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none\.pem cannot be used"):
        make_client_context(ClientTls(ca=tmp_path / "none.pem"))


def test_a_tls_connection_that_has_ended_can_be_aborted() -> None:
    """As asyncio's transport behaves in Python 3.11.2, after the connection was lost."""

    class LostTlsTransport(asyncio.Transport):
        is_closed = False

        def abort(self) -> None:
            self.is_closed = True
            raise AttributeError("'NoneType' object has no attribute '_abort'")

    lost = LostTlsTransport()
    abort_transport(lost)
    assert lost.is_closed
