"""A catalogue server of one's own for tests: Debian's idzebra-2.0 with a made-up catalogue, Z39.50 and SRU on one port.

The whole index is made anew in a temporary folder; a server is a child of this process.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from pymarc import Record

from tests.support.daemon import free_port
from tests.support.installed import NotInstalled
from tests.support.running_servers import stop_process

START_SECONDS = 30.0

CONFIGURATION = """
profilePath: {folder}/tab:/usr/share/idzebra-2.0/tab
modulePath: {modules}
recordType: grs.marcxml.catalogue
attset: bib1.att
index: icu.idx
encoding: utf-8
storeData: 1
storeKeys: 1
isam: b
register: {folder}/register:500M
lockDir: {folder}/lock
{permissions}
"""

INDEXED = """
name catalogue
attset bib1.att
encoding utf-8
esetname F @
esetname B @
marc usmarc.mar
xpath disable
all any
melm 001     Local-number
melm 008     Date-of-publication:w:range(data,7,4)
melm 010$a   LC-card-number,Identifier-standard
melm 020$a   ISBN,Identifier-standard
melm 022$a   ISSN,Identifier-standard
melm 035$a   Control-number,Identifier-standard
melm 100     Author,Author:p
melm 245$a   Title,Title:p
melm 245     Title,Title:p
melm 264$b   Publisher
melm 650$a   Subject-heading,Subject-heading:p
"""

SERVER = """
<yazgfs>
  <listen id="one">tcp:127.0.0.1:{port}</listen>
  <server id="catalogue" listenref="one">
    <directory>{folder}</directory>
    <config>{folder}/zebra.cfg</config>
    <cql2rpn>{folder}/pqf.properties</cql2rpn>
    <docpath>/usr/share/yaz/etc</docpath>
    <maximumrecordsize>2000000</maximumrecordsize>
    <retrievalinfo>
      <retrieval syntax="usmarc" name="F"/>
      <retrieval syntax="usmarc" name="B"/>
      <retrieval syntax="sutrs" name="F"/>
      <retrieval syntax="xml" name="marcxml" identifier="info:srw/schema/1/marcxml-v1.1">
        <backend syntax="usmarc" name="F">
          <marc inputformat="marc" outputformat="marcxml" inputcharset="utf-8"/>
        </backend>
      </retrieval>
      <retrieval syntax="xml" name="F">
        <backend syntax="usmarc" name="F">
          <marc inputformat="marc" outputformat="marcxml" inputcharset="utf-8"/>
        </backend>
      </retrieval>
      <retrieval syntax="xml" name="dc" identifier="info:srw/schema/1/dc-v1.1">
        <backend syntax="usmarc" name="F">
          <marc inputformat="marc" outputformat="marcxml" inputcharset="utf-8"/>
          <xslt stylesheet="/usr/share/yaz/etc/MARC21slim2DC.xsl"/>
        </backend>
      </retrieval>
      <retrieval syntax="xml" name="mods" identifier="info:srw/schema/1/mods-v3.0">
        <backend syntax="usmarc" name="F">
          <marc inputformat="marc" outputformat="marcxml" inputcharset="utf-8"/>
          <xslt stylesheet="/usr/share/yaz/etc/MARC21slim2MODS.xsl"/>
        </backend>
      </retrieval>
    </retrievalinfo>
    <explain xmlns="http://explain.z3950.org/dtd/2.0/">
      <serverInfo><host>127.0.0.1</host><port>{port}</port><database>Default</database></serverInfo>
      <databaseInfo><title>Made-up catalogue</title></databaseInfo>
      <indexInfo>
        <set name="dc" identifier="info:srw/cql-context-set/1/dc-v1.1"/>
        <index search="true" scan="true"><title>Title</title><map><name set="dc">title</name></map></index>
        <index search="true"><title>ISBN</title><map><name set="bath">isbn</name></map></index>
      </indexInfo>
      <schemaInfo>
        <schema identifier="info:srw/schema/1/marcxml-v1.1" name="marcxml"><title>MARCXML</title></schema>
        <schema identifier="info:srw/schema/1/dc-v1.1" name="dc"><title>Dublin Core</title></schema>
      </schemaInfo>
      <configInfo><default type="numberOfRecords">10</default></configInfo>
    </explain>
  </server>
</yazgfs>
"""

MORE_INDEXES = """
index.bath.isbn = 1=7
index.bath.issn = 1=8
index.bath.lccn = 1=9
index.bath.standardIdentifier = 1=1007
index.rec.identifier = 1=12
"""

USER, PASSWORD = "desk", "made-up"


def binary(name: str) -> str:
    """Raises NotInstalled."""
    found = shutil.which(name)
    if found is None:
        raise NotInstalled(f"no {name} (apt-get install yaz idzebra-2.0)")
    return found


class Zebra:
    """A running server with these records. `signed_in`: it lets in USER only, else anybody. `stop` ends it."""

    def __init__(self, records: Iterable[Record], *, signed_in: bool = False) -> None:
        binary("zebrasrv")
        self.folder = Path(tempfile.mkdtemp(prefix="illgate-zebra-"))
        self.port = free_port()
        self._configure(signed_in)
        self._index(records)
        with (self.folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [binary("zebrasrv"), "-f", "server.xml", "-v", "fatal,warn"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/Default"

    def stop(self) -> None:
        stop_process(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self, signed_in: bool) -> None:
        for name in ("tab", "register", "lock"):
            (self.folder / name).mkdir()
        permissions = f"passwd: {self.folder}/passwd\nperm.{USER}: r" if signed_in else "perm.anonymous: r"
        modules = next(iter(Path("/usr/lib").glob("*/idzebra-2.0/modules")), Path("/usr/lib/idzebra-2.0/modules"))
        texts = {
            "zebra.cfg": CONFIGURATION.format(folder=self.folder, modules=modules, permissions=permissions),
            "passwd": f"{USER}:{PASSWORD}\n",
            "tab/catalogue.abs": INDEXED,
            "server.xml": SERVER.format(folder=self.folder, port=self.port),
            "pqf.properties": Path("/usr/share/yaz/etc/pqf.properties").read_text() + MORE_INDEXES,
        }
        for name, text in texts.items():
            (self.folder / name).write_text(text)

    def _index(self, records: Iterable[Record]) -> None:
        with (self.folder / "records.mrc").open("wb") as file:
            for record in records:
                file.write(record.as_marc())
        for arguments in (["init"], ["update", "records.mrc"]):
            done = subprocess.run(
                [binary("zebraidx"), "-c", "zebra.cfg", "-v", "fatal,warn", *arguments],
                cwd=self.folder,
                capture_output=True,
                text=True,
            )
            if done.returncode != 0:
                shutil.rmtree(self.folder)
                raise RuntimeError(f"zebraidx {arguments[0]}: {done.stderr or done.stdout}")

    def _wait(self) -> None:
        """Until it accepts. Raises RuntimeError with what it said."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                time.sleep(0.02)
        said = (self.folder / "output").read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"zebrasrv did not start:\n{said}")
