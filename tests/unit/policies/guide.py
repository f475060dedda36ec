"""The examples of a guide in docs/: YAML blocks below a heading, which are files or say what follows from them.

`# requests.yml` takes the place of the one before it, `# partners/NAME.yml` joins the others below the same heading;
`# example: …` holds `given` and `expect`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import YamlDocument, parse_yaml
from gateway.domain.profile import Profile
from gateway.domain.requests.policy import RequestPolicy
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"^## (?P<heading>[^\n]+)$|^```yaml\n# (?P<what>[^\n]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass
class GuideExample:
    """`policy` and `profiles` as the blocks before the example say."""

    heading: str
    name: str
    policy: RequestPolicy
    profiles: dict[str, Profile]
    given: dict[str, Any]
    expect: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.heading}: {self.name}"


def examples(guide: str) -> Iterator[GuideExample]:
    policy, profiles, heading = RequestPolicy(), dict[str, Profile](), ""
    for block in _BLOCK.finditer((DOCS / guide).read_text(encoding="utf-8")):
        what = block["what"]
        if what is None:
            policy, profiles, heading = RequestPolicy(), {}, block["heading"]
            continue
        document = parse_yaml(block["text"], f"docs/{guide}: {what}")
        if what == "requests.yml":
            policy = validate_section(RequestPolicy, document)
        elif found := re.fullmatch(r"partners/([a-z-]+)\.yml", what):
            profiles[found[1]] = _profile(found[1], document)
        else:
            kind, _, name = what.partition(": ")
            assert kind == "example", f"{what}: neither a file nor an example"
            assert set(document.data) == {"given", "expect"}, f"{what}: given and expect are wanted"
            given, expect = document.data["given"], document.data["expect"]
            assert isinstance(given, dict)
            assert isinstance(expect, dict)
            yield GuideExample(heading, name, policy, dict(profiles), given, expect)


def _profile(name: str, document: YamlDocument) -> Profile:
    document.data["name"] = name
    return validate_section(Profile, document)
