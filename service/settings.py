"""Where the service listens, who may ask it, and how much of anything it takes."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from forecaster.settings import Settings

MIB = 1 << 20


class ServiceSettings(Settings):
    """Settings of the service, beside those that every command shares.

    Attributes:
        host: the address to listen on; the default answers this machine only.
        port: the TCP port; 0 takes a free one.
        workers: processes that listen on it; they share nothing but the store and the registry.
        refresh_seconds: how often to look for a new model, new prices and newly due sessions [s].
        threads: ONNX Runtime's threads for the one batch that makes a snapshot.
        build_apart_rows: a price table with more rows has its answers made in a process of its own, which leaves this
            one small and quick; with fewer, starting that process would take longer than making them.
        api_keys: who may ask, as `service.auth` reads it: `name:scope:sha256`, separated by commas or line ends.
        api_keys_file: a file that holds them instead.
        open_read: whether answers may be read without a key; what changes anything always needs one.
        rate_per_minute: requests that one key, or one address without a key, may make; None sets no limit.
        max_body_bytes: of a request.
        max_batch: symbols in one request.
        request_seconds: for an answer that has to be worked out [s].
        receive_seconds: for the head of a request to arrive, and again for its body [s].
        max_requests: under way at a time in one process; what comes beyond is refused at once.
        max_working: answers that are worked out at a time in one process; sixteen times as many may wait.
        drain_seconds: for requests under way to end after SIGTERM [s].
        cors_origins: origins whose pages may ask; none by default.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    refresh_seconds: float = Field(default=1, ge=0.1)
    threads: int = Field(default=1, ge=1)
    build_apart_rows: int = Field(default=200_000, ge=0)
    api_keys: SecretStr = Field(default=SecretStr(""), repr=False)
    api_keys_file: Path | None = None
    open_read: bool = False
    rate_per_minute: int | None = Field(default=None, ge=1)
    max_body_bytes: int = Field(default=8 * MIB, ge=1024)
    max_batch: int = Field(default=10_000, ge=1)
    request_seconds: float = Field(default=30, gt=0)
    receive_seconds: float = Field(default=10, gt=0)
    max_requests: int = Field(default=64, ge=1)
    max_working: int = Field(default=2, ge=1)
    drain_seconds: float = Field(default=25, gt=0)
    cors_origins: tuple[str, ...] = ()
