"""`illgate deploy`: the files that an installation has outside its folder, as they are shipped."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.installation import CommandFailed
from gateway.configuration.yaml_document import display_path
from gateway.profiles.shipped import find_shipped_folder

FILES = {
    "systemd": ("illgate.service", "illgate-backup.service", "illgate-backup.timer"),
    "nginx": ("nginx.conf", "nginx-proxy.conf"),
    "caddy": ("Caddyfile",),
    "apache": ("apache-saml.conf",),
    "compose": ("compose.yml", "Dockerfile", "gateway.postgresql.yml"),
    "helm": (
        *(f"helm/{name}" for name in ("Chart.yaml", "values.yaml", "values.schema.json")),
        *(f"helm/templates/{name}" for name in ("_helpers.tpl", "configmap.yaml", "ingress.yaml", "service.yaml")),
        "helm/templates/statefulset.yaml",
        "gateway.postgresql.yml",
    ),
    "prometheus": ("prometheus-rules.yml", "grafana-dashboard.json"),
}
"""In the folder `deploy`, by what they are for."""


@click.command(name="deploy")
@click.argument("what", metavar="|".join(FILES), type=click.Choice(tuple(FILES)))
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Folder for the files. Default: the current folder.",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def deploy_command(what: str, folder: Path, force: bool) -> None:
    """Write the files that run illgate as a service or in containers, put a proxy in front of it, or watch it.

    The head of each file describes how to install it. Nothing is installed or started.

    \b
    Examples:
      illgate deploy systemd --to /etc/systemd/system
      illgate deploy nginx
      illgate deploy compose --to /srv/illgate
      illgate deploy helm
      illgate deploy prometheus --to /etc/prometheus/rules
    """
    files = {folder / name: find_shipped_folder() / "deploy" / name for name in FILES[what]}
    changed = [
        target for target, source in files.items() if target.exists() and target.read_bytes() != source.read_bytes()
    ]
    if changed and not force:
        raise CommandFailed(
            "\n".join(f"{display_path(target)}: exists and differs; use --force to overwrite it" for target in changed)
        )
    for target, source in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        click.echo(display_path(target))
