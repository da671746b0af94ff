"""A worker of several: what each process of `forecaster serve --workers` runs."""

from __future__ import annotations

import os
from typing import Final

from fastapi import FastAPI

from service import logs
from service.app import create_app
from service.memory import keep_small
from service.settings import ServiceSettings

# How the command line's options reach the workers, which are processes of their own.
SETTINGS: Final = "FORECASTER_WORKER_SETTINGS"
ACCESS_LOG: Final = "FORECASTER_WORKER_ACCESS_LOG"


def create() -> FastAPI:
    """The app, which takes up requests only when it has answers, or cannot have any yet."""
    keep_small()
    logs.configure()
    options = ServiceSettings.model_validate_json(os.environ[SETTINGS]).model_dump(exclude_unset=True)
    return create_app(ServiceSettings(**options), access_log=os.environ[ACCESS_LOG] == "1")
