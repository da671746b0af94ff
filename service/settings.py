"""Where the service listens and how often it looks for news."""

from __future__ import annotations

from pydantic import Field

from forecaster.settings import Settings


class ServiceSettings(Settings):
    """Settings of the service, beside those that every command shares.

    Attributes:
        host: the address to listen on; the default answers this machine only.
        port: the TCP port; 0 takes a free one.
        refresh_seconds: how often to look for a new model, new prices and newly due sessions [s].
        threads: ONNX Runtime's threads for the one batch that makes a snapshot.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    refresh_seconds: float = Field(default=60, ge=1)
    threads: int = Field(default=1, ge=1)
