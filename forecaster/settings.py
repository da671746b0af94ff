"""Where things are: from the environment, or from `forecaster.toml` in the working directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import AliasChoices, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

MODEL_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"


class Settings(BaseSettings):
    """Settings that every command shares.

    In the environment a name is prefixed: `home` is `FORECASTER_HOME`. The environment wins over the file.

    Attributes:
        home: the folder that everything the program writes goes under.
        store: the price table, a folder or an object-store URI; by default `prices` under `home`.
        model: the name of the model that trains and serves.
        tracking_uri: the MLflow registry; by default an sqlite file under `home`.
    """

    model_config = SettingsConfigDict(
        env_prefix="FORECASTER_", toml_file="forecaster.toml", extra="ignore", env_ignore_empty=True
    )

    home: Path = Path("var")
    store: str = ""
    model: str = Field(default="next-close", pattern=MODEL_PATTERN)
    tracking_uri: str = Field(
        default="",
        validation_alias=AliasChoices("MLFLOW_TRACKING_URI", "tracking_uri", "mlflow_tracking_uri"),
    )

    @property
    def store_uri(self) -> str:
        """Where the price table is."""
        return self.store or str(self.home / "prices")

    @property
    def registry_uri(self) -> str:
        """Where the registry is."""
        return self.tracking_uri or f"sqlite:///{(self.home / 'registry' / 'mlflow.db').absolute()}"

    @property
    def artifacts(self) -> Path:
        """Where the bundles of a local registry are."""
        return (self.home / "registry" / "models").absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """First what the caller gives, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
