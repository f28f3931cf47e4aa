"""Reads the files in deploy/ as their users do: directives, services, steps of an image, commands and settings."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
BIN: Final = Path(sys.executable).parent
UNIT: Final = DEPLOY / "calendar-live@.service"
DOCKERFILE: Final = DEPLOY / "Dockerfile"
COMPOSE: Final = DEPLOY / "compose.yaml"
EXAMPLE: Final = DEPLOY / "calendar-live.env.example"
# The paths that the files use for the checkout, and for what the site keeps.
CHECKOUT: Final = "/srv/calendar_live"
KEPT: Final = "/var/lib/calendar-live"
# `nginx -t` binds the ports that the file listens on, and only root may bind 80 and 443.
ANYBODYS: Final[dict[str, Any]] = {"listen": "127.0.0.1:8880", "redirect": "127.0.0.1:8881"}


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:  # passed to subprocess.run
    return subprocess.run(command, capture_output=True, text=True, **options)


def nginx_directives(name: str, text: str) -> list[str]:
    """Return the values of a directive of nginx, in any block, without those in comments."""
    return re.findall(rf"^ *{name} (.*);$", text, re.MULTILINE)


def unit_directives(name: str) -> list[str]:
    """Return each value of a directive of the unit."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def unit_command(name: str) -> list[str]:
    """Return the words of a command of the unit, as it would run in this checkout, with `$PORT` for the port."""
    (line,) = unit_directives(name)
    (settings,) = unit_directives("Environment")
    for setting in settings.split():
        variable, _, value = setting.partition("=")
        line = line.replace(f"${{{variable}}}", value)
    words = shlex.split(line.replace("%i", "$PORT").replace(CHECKOUT, str(ROOT)))
    assert words[0] == f"{ROOT}/.venv/bin/python"
    return [sys.executable, *words[1:]]


def image_steps(instruction: str, stage: str = "site") -> list[str]:
    """Return the arguments of each use of an instruction in a stage of the Dockerfile. Continued lines are joined."""
    text = re.sub(r"\\\n *", "", DOCKERFILE.read_text())
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL))
    return re.findall(rf"^{instruction} (.*)$", stages[stage], re.MULTILINE)


def image_command(instruction: str) -> list[str]:
    """Return the words of an instruction in exec form."""
    (step,) = image_steps(instruction)
    words: list[str] = json.loads(step[step.index("[") :])
    return words


def image_options(instruction: str) -> dict[str, str]:
    """Return the options of an instruction, by name."""
    (step,) = image_steps(instruction)
    return dict(re.findall(r"--([\w-]+)=(\S+)", step))


def bases() -> dict[str, tuple[str, str]]:
    """Return the name and version of the image that each stage of the Dockerfile is built from, by stage."""
    found = re.findall(r"^FROM (\S+?):(\S+) AS (\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    return {stage: (name, version) for name, version, stage in found}


def compose() -> dict[str, Any]:
    """Return compose.yaml, in which each service has what it shares with others."""
    read: dict[str, Any] = YAML(typ="safe").load(COMPOSE.read_text())
    return read


def example() -> dict[str, str]:
    """Return the settings that the example sets, by name."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))


def seconds(duration: str) -> float:
    """Return a duration such as `15s` or `15` in seconds."""
    return float(duration.removesuffix("s"))
