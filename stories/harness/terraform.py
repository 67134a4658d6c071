"""Terraform, where it is on the machine, and its AWS provider, where that is."""

from __future__ import annotations

import os
import shutil
from glob import glob
from pathlib import Path

from .programs import Finished, Programs

PROVIDER = "registry.terraform.io/hashicorp/aws"


def terraform() -> str | None:
    """The program, if there is one."""
    return shutil.which("terraform")


def provider_mirror() -> Path | None:
    """A folder in mirror layout that holds the AWS provider, if there is one: where the environment
    says, where Terraform looks by itself, or in a folder of /opt."""
    named = [os.environ.get("ROLECALL_TF_PLUGIN_DIR"), os.environ.get("TF_PLUGIN_DIR")]
    usual = [
        "~/.terraform.d/plugins",
        "~/.local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
        "/usr/local/share/terraform/plugins",
    ]
    folders = [Path(folder).expanduser() for folder in [*named, *usual] if folder]
    folders += [Path(found).parent for found in sorted(glob("/opt/*/registry.terraform.io"))]
    return next((folder for folder in folders if (folder / PROVIDER).is_dir()), None)


def mirror_settings(folder: Path, mirror: Path | None) -> dict[str, str]:
    """An environment in which Terraform takes providers from this mirror, and asks nobody."""
    cli = folder / "cli.tfrc"
    cli.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n' if mirror else ""
    )
    return {"TF_CLI_CONFIG_FILE": str(cli), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}


class Workspace:
    """A folder with one Terraform configuration."""

    def __init__(self, programs: Programs, folder: Path, configuration: str, mirror: Path | None = None):
        self.programs = programs
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write(configuration)
        self.settings = mirror_settings(folder, mirror)

    def write(self, configuration: str) -> None:
        """Replace the configuration."""
        (self.folder / "main.tf").write_text(configuration)

    def run(self, *arguments: str, **environment: str) -> Finished:
        """`terraform …` in this folder."""
        return self.programs.run(
            terraform(), *arguments, "-no-color",
            cwd=self.folder, env=self.programs.environment(**self.settings, **environment), timeout=180,
        )  # fmt: skip
