"""The files of `deploy/`, read as those read them who run them."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import AliasChoices, BaseModel

from service.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def compose() -> dict[str, Any]:
    """compose.yaml with every variable at its default."""
    text = _VARIABLE.sub(r"\2", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def stage(target: str) -> str:
    """A stage of the Dockerfile with those that it begins with: the instructions of one image."""
    sections = re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE)[1:]
    by_name = {re.match(r"FROM \S+ AS (\S+)", one).group(1): one for one in sections}  # type: ignore[union-attr]
    own = by_name[target]
    beneath = own.split()[1]
    return stage(beneath) + own if beneath in by_name else own


def parsed(arguments: list[str]) -> click.Context:
    """A command line of `forecaster`, parsed and not run; whatever it does not take is a `click.UsageError`."""
    commands = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    where = commands["project"]["entry-points"]["forecaster.commands"][arguments[0]]
    module, _, name = where.partition(":")
    command: click.Command = getattr(import_module(module), name)
    return command.make_context(arguments[0], arguments[1:])


def settings_names(model: type[BaseModel] = ServiceSettings, prefix: str = "FORECASTER_") -> set[str]:
    """The names of the environment that the program listens to."""
    names = set()
    for name, field in model.model_fields.items():
        if isinstance(field.validation_alias, AliasChoices):
            names.add(str(field.validation_alias.choices[0]))
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names |= settings_names(field.annotation, f"{prefix}{name.upper()}__")
        else:
            names.add(f"{prefix}{name.upper()}")
    return names


def is_ours(name: str) -> bool:
    """Whether a name of the environment is meant for the program, and not for Python, MLflow's server or PostgreSQL."""
    return name.startswith(("FORECASTER_", "TUSHARE_")) or name == "MLFLOW_TRACKING_URI"


def manifests() -> list[dict[str, Any]]:
    """Every object that the kustomization names, and the example of a secret."""
    folder = DEPLOY / "kubernetes"
    names = [*kustomization()["resources"], "secret.example.yaml"]
    return [one for name in names for one in yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))]


def kustomization() -> dict[str, Any]:
    """What `kubectl apply --kustomize` begins with."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8"))
    return document


def example() -> dict[str, str]:
    """The settings of .env.example."""
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
