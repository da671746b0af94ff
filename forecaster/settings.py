"""Where things are: from the environment, or from `forecaster.toml` in the working directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from data.providers.tushare.account import Account
from forecaster.pipeline.settings import RetrainSettings
from forecaster.promotion.thresholds import Thresholds
from forecaster.schedule_settings import ScheduleSettings

# A name, and the symbol behind it where a network knows one share only.
MODEL_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}(\.[A-Z0-9][A-Z0-9-]{0,11}(\.[A-Z]{1,4})?)?$"


class Settings(BaseSettings):
    """Settings that every command shares.

    In the environment a name is prefixed: `home` is `FORECASTER_HOME`, and `sessions` of `gate` is
    `FORECASTER_GATE__SESSIONS`. The environment wins over the file.

    Attributes:
        home: the folder that everything the program writes goes under.
        store: the price table, a folder or an object-store URI; by default `prices` under `home`.
        ledger: the table of published forecasts, a folder or an object-store URI; by default `ledger` under `home`.
        model: the name of the model that trains and serves.
        tracking_uri: the MLflow registry; by default an sqlite file under `home`.
        gate: what a challenger's evidence has to show before it becomes the champion.
        retrain: what an unattended pass does.
        schedule: when the scheduler runs the unattended pass, and how patient it is.
        universes: names for lists of symbols: a file, an index or `all`.
        tushare_token: the account's token, from TUSHARE_TOKEN.
        tushare_token_file: a file that holds it instead, from TUSHARE_TOKEN_FILE.
        tushare_url: the server's address; by default the package's own.
        tushare_calls_per_minute, tushare_calls_per_day: what the account may call; no daily limit by default.
        tushare_timeout: seconds for one call.
    """

    model_config = SettingsConfigDict(
        env_prefix="FORECASTER_",
        env_nested_delimiter="__",
        toml_file="forecaster.toml",
        extra="ignore",
        env_ignore_empty=True,
    )

    home: Path = Path("var")
    store: str = ""
    ledger: str = ""
    model: str = Field(default="next-close", pattern=MODEL_PATTERN)
    tracking_uri: str = Field(
        default="",
        validation_alias=AliasChoices("MLFLOW_TRACKING_URI", "tracking_uri", "mlflow_tracking_uri"),
    )
    gate: Thresholds = Thresholds()
    retrain: RetrainSettings = RetrainSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    universes: dict[str, str] = Field(default_factory=dict)
    tushare_token: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("TUSHARE_TOKEN", "tushare_token"), repr=False
    )
    tushare_token_file: Path | None = Field(
        default=None, validation_alias=AliasChoices("TUSHARE_TOKEN_FILE", "tushare_token_file")
    )
    tushare_url: str = Field(default="", pattern=r"^(https?://[^\s]+)?$")
    tushare_calls_per_minute: int = Field(default=200, ge=1)
    tushare_calls_per_day: int | None = Field(default=None, ge=1)
    tushare_timeout: float = Field(default=30, gt=0)

    @property
    def tushare_account(self) -> Account:
        """What Tushare's provider needs to know.

        Raises:
            OSError: the file that should hold the token cannot be read.
        """
        token = self.tushare_token.get_secret_value()
        if not token and self.tushare_token_file is not None:
            token = self.tushare_token_file.read_text(encoding="utf-8").strip()
        return Account(
            token=token,
            url=self.tushare_url or None,
            per_minute=self.tushare_calls_per_minute,
            per_day=self.tushare_calls_per_day,
            timeout=self.tushare_timeout,
            memory=self.home / "tushare-calls.json",
        )

    @property
    def store_uri(self) -> str:
        """Where the price table is."""
        return self.store or str(self.home / "prices")

    @property
    def ledger_uri(self) -> str:
        """Where the ledger is."""
        return self.ledger or str(self.home / "ledger")

    @property
    def registry_uri(self) -> str:
        """Where the registry is."""
        return self.tracking_uri or f"sqlite:///{self.registry_file}"

    @property
    def registry_file(self) -> Path:
        """The database of a local registry."""
        return (self.home / "registry" / "mlflow.db").absolute()

    @property
    def artifacts(self) -> Path:
        """Where the bundles of a local registry are."""
        return (self.home / "registry" / "models").absolute()

    @property
    def decisions(self) -> Path:
        """Where it is kept what was decided about versions."""
        return self.home / "decisions"

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
