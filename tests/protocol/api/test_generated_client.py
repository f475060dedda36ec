"""A client that openapi-python-client makes from our OpenAPI document, in a process of its own, against a gateway."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.protocol.api.support import Client, Running
from tests.support.blank_pdf import write_blank_pdf
from tests.support.kept_folders import require_folder
from tests.support.paths import ROOT

GENERATOR = "openapi-python-client==0.29.1"
SECONDS = 300
PROGRAM = """
import json, sys
from illgate_client import AuthenticatedClient
from illgate_client.api.files import download_attachment, upload_attachment
from illgate_client.api.requests import create_lending_request, show_request
from illgate_client.models import NewLending
from illgate_client.types import File

url, key, draft = sys.argv[1:]
client = AuthenticatedClient(base_url=f"{url}/api/v1", token=key)
made = create_lending_request.sync(client=client, body=NewLending.from_dict(json.loads(draft)))
with open("scan.pdf", "rb") as scan:
    upload = {"body": File(scan), "name": "文.pdf", "if_match": "*"}
    file = upload_attachment.sync(made.id, client=client, **upload)
shown = show_request.sync(made.id, client=client).request
fetched = download_attachment.sync_detailed(made.id, file.id, client=client)
with open("fetched.pdf", "wb") as copy:
    copy.write(fetched.content)
print(json.dumps([shown.citation.title, [(file.name, file.pages) for file in shown.attachments]]))
"""
DRAFT = {
    "citation": {"type": "book", "title": "Ο Ζορμπάς", "author": "Καζαντζάκης, Νίκος"},
    "requester": {"symbol": "ISIL:NO-02030", "profile": "bergen"},
    "service": {"type": "copy"},
}


def install_generator(folder: Path) -> None:
    """Beside what the gateway needs: its own pins would stand against ours."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", str(folder)]
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), GENERATOR], check=True, timeout=SECONDS)


async def run_python(folder: Path, path: Path, *words: str) -> str:
    """Its standard output, in this folder and with these packages."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=folder, env={**os.environ, "PYTHONPATH": str(path)}, stdout=subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.long  # installs the generator, once
async def test_a_generated_client_makes_a_request_with_a_file(gateway: Running, client: Client, tmp_path: Path) -> None:
    scan = write_blank_pdf(2)
    (tmp_path / "scan.pdf").write_bytes(scan)
    packages = await asyncio.to_thread(require_folder, GENERATOR.replace("==", "-"), install_generator)
    document = (await client("GET", "openapi.json")).json
    (tmp_path / "openapi.json").write_text(json.dumps(document), "utf-8")

    generate = ("-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none")
    await run_python(tmp_path, packages, *generate, "--output-path", "illgate_client")
    words = (gateway.url, await gateway.key(), json.dumps(DRAFT))
    printed = await run_python(tmp_path, packages, "-c", PROGRAM, *words)

    assert json.loads(printed) == ["Ο Ζορμπάς", [["文.pdf", 2]]]
    assert (tmp_path / "fetched.pdf").read_bytes() == scan
