"""`illgate iso`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.iso_ill.codec import apdu_type_name, encode_apdu
from adapters.iso_ill.commands import command
from adapters.iso_ill.messages import APDUS, Apdu, IllRequest, Message
from adapters.iso_ill.messages.structures import Extension, Opaque, ShownCredentials
from gateway.cli import main
from tests.support.full_apdus import build_full_apdus


def shown(*apdus: Apdu) -> str:
    result = CliRunner().invoke(command, ["decode", "-"], input=b"".join(map(encode_apdu, apdus)))
    assert result.exit_code == 0, result.output
    return result.output


def test_it_is_a_command_of_illgate() -> None:
    result = CliRunner().invoke(main, ["iso", "--help"])

    assert result.exit_code == 0
    assert "decode" in result.output
    assert "iso" in CliRunner().invoke(main, ["--help"]).output


@pytest.mark.parametrize("cls", APDUS, ids=lambda cls: apdu_type_name(cls.type))
def test_every_apdu_is_shown_with_its_fields(cls: type[Apdu]) -> None:
    output = shown(build_full_apdus(cls)[0])

    assert output.startswith(f"{apdu_type_name(cls.type)} [APPLICATION {int(cls.type)}]\n  protocol-version-num: 2\n")
    assert "    transaction-group-qualifier: transaction-group-qualifier text\n" in output


def test_several_are_shown_one_after_the_other() -> None:
    output = shown(build_full_apdus(Message)[0], build_full_apdus(IllRequest)[0])

    assert output.index("Message [APPLICATION 17]") < output.index("ILL-Request [APPLICATION 1]")


def test_as_json_the_fields_are_a_tree() -> None:
    apdus = build_full_apdus(Message)[0], build_full_apdus(IllRequest)[0]
    shown_lines = CliRunner().invoke(command, ["decode", "-", "--json"], input=b"".join(map(encode_apdu, apdus)))

    message, request = map(json.loads, shown_lines.output.splitlines())
    assert (message["type"], message["application"], request["type"]) == ("Message", 17, "ILL-Request")
    version, transaction = message["fields"][:2]
    assert version == {"name": "protocol-version-num", "text": "2", "fields": []}
    assert (transaction["name"], transaction["text"]) == ("transaction-id", "")
    assert "transaction-group-qualifier" in {field["name"] for field in transaction["fields"]}


def test_hexadecimal_digits_are_read_too(tmp_path: Path) -> None:
    file = tmp_path / "apdu.hex"
    file.write_text("\n".join(encode_apdu(build_full_apdus(Message)[0]).hex(" ").split(" 80 ")).replace("\n", " 80\n"))

    result = CliRunner().invoke(command, ["decode", str(file)])

    assert result.exit_code == 0, result.output
    assert result.output.startswith("Message")


def test_passwords_are_not_shown_and_unknown_extensions_are() -> None:
    unknown = Opaque(bytes.fromhex("30071b054bc3b86265"))
    message = replace(  # type: ignore[call-arg]
        build_full_apdus(Message)[0],
        extensions=(Extension.from_item(ShownCredentials("100-222", "pa55word")), Extension.from_item(unknown)),
    )

    output = shown(message)

    assert "user: 100-222" in output
    assert "pa55word" not in output
    assert "GeneralString: Købe" in output


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"GET / HTTP/1.1", "an APDU doesn't begin with 47"),
        (b"", "the input is empty"),
        (encode_apdu(build_full_apdus(Message)[0])[:-3], "are not a complete APDU"),
        (b"\x71\x02\x30\x00", "protocol-version-num is missing"),
    ],
)
def test_what_cannot_be_read_is_said(sent: bytes, said: str) -> None:
    result = CliRunner().invoke(command, ["decode", "-"], input=sent)

    assert result.exit_code == 1
    assert said in result.output
