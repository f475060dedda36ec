"""The chart of deploy/helm, rendered and checked by Helm as a library (helm-python-sdk) and by Kubernetes' schemas, in
an environment of their own; and what it starts works with the files that it mounts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from gateway.settings import Settings
from tests.support.daemon import ILLGATE, free_port, process, wait_for
from tests.support.kept_folders import require_folder
from tests.support.paths import ROOT

pytestmark = pytest.mark.long

CHART = ROOT / "deploy" / "helm"
HELM, SCHEMAS = "0.2.2", "1.37.0"
KUBERNETES = ("1.30", "1.37")
SECONDS = 600

_SCRIPT = """
import json, sys
import helm_python as helm, kubernetes_validate, yaml

chart_folder, kubernetes, cases = json.load(sys.stdin)
results = []
with helm.Chart.load(chart_folder) as chart:
    for values in cases:
        result = {"refused": "", "manifests": [], "problems": []}
        results.append(result)
        try:
            rendered = chart.render(values, name="ill", namespace="library", is_install=True)
        except helm.HelmValuesError as error:
            result["refused"] = str(error)
            continue
        result["manifests"] = [one for text in rendered.values() for one in yaml.safe_load_all(text) if one]
        report = helm.lint(chart_folder, values, strict=True)
        result["problems"] = [one["error"] for one in report["messages"] if one["severity"] > 1] + report["errors"]
        for manifest in result["manifests"]:
            for version in kubernetes:
                try:
                    kubernetes_validate.validate(manifest, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    result["problems"].append(f"{version}: {manifest['kind']}: {error}")
json.dump(results, sys.stdout)
"""

NODES: dict[str, Any] = {
    "image": {"repository": "registry.example/illgate"},
    "secrets": {"environment": "illgate"},
    "files": {"gateway.yml": (ROOT / "deploy" / "gateway.postgresql.yml").read_text()},
}
SINGLE: dict[str, Any] = {
    "image": {"repository": "registry.example/illgate", "tag": "1", "pullSecrets": ["registry"]},
    "replicas": 1,
    "files": {"gateway.yml": "libraries: [{symbol: DEMO}]\n", "partners/meadow.yml": "extends: iso18626-2021\n"},
    "secrets": {"environment": "illgate", "files": "illgate-files"},
    "data": {"size": "20Gi", "storageClass": "fast"},
    "service": {"tcp": [{"name": "iso-ill", "port": 499}]},
    "ingress": {"host": "ill.example", "className": "nginx", "tlsSecret": "tls", "annotations": {"a.example/b": "c"}},
}


def render(*cases: dict[str, Any]) -> list[dict[str, Any]]:
    python = require_folder(f"helm-{HELM}-kubernetes-{SCHEMAS}", _install_environment) / "bin" / "python"
    given = json.dumps([str(CHART), KUBERNETES, cases])
    done = subprocess.run([python, "-c", _SCRIPT], input=given, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def _install_environment(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, timeout=SECONDS)
    packages = (f"helm-python-sdk=={HELM}", f"kubernetes-validate=={SCHEMAS}", "--constraint", ROOT / "constraints.txt")
    command = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile", *packages]
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[dict[str, Any]]]:
    """Manifests of two nodes with PostgreSQL, and of one with all that can be set."""
    results = render(NODES, SINGLE)
    assert [(result["refused"], result["problems"]) for result in results] == [("", []), ("", [])]
    return dict(zip(("nodes", "single"), (result["manifests"] for result in results), strict=True))


def find_kind(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (manifest,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return manifest


def test_helm_and_kubernetes_take_what_it_makes(rendered: dict[str, list[dict[str, Any]]]) -> None:
    kinds = {name: sorted(manifest["kind"] for manifest in manifests) for name, manifests in rendered.items()}
    claim = find_kind(rendered["single"], "StatefulSet")["spec"]["volumeClaimTemplates"][0]["spec"]

    assert kinds == {
        "nodes": ["ConfigMap", "Service", "StatefulSet"],
        "single": ["ConfigMap", "Ingress", "Service", "StatefulSet"],
    }
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("fast", "20Gi")
    assert "volumeClaimTemplates" not in find_kind(rendered["nodes"], "StatefulSet")["spec"]


def test_nodes_are_rootless_read_only_and_stop_in_time(rendered: dict[str, list[dict[str, Any]]]) -> None:
    pod = find_kind(rendered["nodes"], "StatefulSet")["spec"]["template"]["spec"]
    (user,) = re.findall(r"useradd --system --uid (\d+) ", (ROOT / "deploy" / "Dockerfile").read_text())

    assert pod["terminationGracePeriodSeconds"] > Settings().shutdown_seconds + 9
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, int(user))
    assert [container["name"] for container in pod["initContainers"] + pod["containers"]] == ["init", "illgate"]
    for container in pod["initContainers"] + pod["containers"]:
        security = container["securityContext"]
        assert (security["readOnlyRootFilesystem"], security["capabilities"]) == (True, {"drop": ["ALL"]})
        assert container["image"] == f"registry.example/illgate:{metadata.version('illgate')}"
        assert container["envFrom"] == [{"secretRef": {"name": "illgate"}}]


def test_values_that_cannot_work_are_refused() -> None:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"image": {}}, "image/repository"),
        ({"files": {}}, "missing property 'gateway.yml'"),
        ({"files": NODES["files"] | {"../x": ""}}, "does not match pattern"),
        ({"files": SINGLE["files"]}, "replicas': maximum: got 2, want 1"),
        ({"files": SINGLE["files"], "replicas": 1}, "data/size': minLength"),
        ({"replica": 3}, "'replica' not allowed"),
    ]

    refusals = [result["refused"] for result in render(*(NODES | change for change, _ in changes))]

    assert [reason for (_, reason), refusal in zip(changes, refusals, strict=True) if reason not in refusal] == []


@pytest.mark.postgresql
def test_what_it_starts_works_with_what_it_mounts(fresh_postgresql_url: str, tmp_path: Path) -> None:
    settings = yaml.safe_load(NODES["files"]["gateway.yml"])
    settings["store"] = {"url": fresh_postgresql_url}
    partner = (ROOT / "profiles" / "sample-partners" / "reshare.yml").read_text()
    files = {"gateway.yml": yaml.safe_dump(settings), "partners/reshare.yml": partner}
    (result,) = render(NODES | {"files": files})
    pod = find_kind(result["manifests"], "StatefulSet")["spec"]["template"]["spec"]
    contents = find_kind(result["manifests"], "ConfigMap")["data"]
    (init,), (container,) = pod["initContainers"], pod["containers"]
    mounted: set[str] = set()
    for mount in container["volumeMounts"]:
        path = tmp_path / mount["mountPath"].removeprefix("/srv/illgate/").removeprefix("/")
        mounted.add(path.relative_to(tmp_path).parts[0])
        path.parent.mkdir(exist_ok=True)
        if "subPath" in mount:
            path.write_text(contents[mount["subPath"]])
        else:
            path.mkdir()
    port = free_port()
    command = [str(port) if word == "8080" else word for word in container["command"][1:]]
    variables = {**os.environ, "ILLGATE_CONFIG": str(tmp_path / "gateway.yml")}

    for _ in range(2):  # a node that starts again before the next upgrade of the release keeps the database
        subprocess.run([ILLGATE, *init["command"][1:]], env=variables, check=True, capture_output=True)
    with process([ILLGATE, *command], tmp_path / "tmp" / "log", variables):
        wait_for(port, "/readyz")
        answers = {
            name: urlopen(f"http://127.0.0.1:{port}{container[name]['httpGet']['path']}").status
            for name in ("startupProbe", "livenessProbe", "readinessProbe")
        }

    assert answers == {"startupProbe": 200, "livenessProbe": 200, "readinessProbe": 200}
    assert {file.name for file in tmp_path.iterdir()} == mounted == {"gateway.yml", "partners", "data", "tmp"}
