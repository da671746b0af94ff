"""The field's own client, unchanged, against a real server on this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from service.app import create_app
from tests.service.asking import Clock, settings
from tests.service.test_oip import LEVELS, LOOKBACK, bundle, expected, spec, windows

http = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")

__all__ = ["bundle", "spec"]  # fixtures


@pytest.fixture(scope="module")
def address(trained_home: Path) -> Iterator[str]:
    app = create_app(settings(trained_home), clock=Clock())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not (server.started and app.state.host.tried.is_set()):
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)
        yield "{}:{}".format(*listening.getsockname())
    finally:
        server.should_exit = True
        thread.join(timeout=15)
        listening.close()


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    with http.InferenceServerClient(address) as made:
        yield made


def tensor(x: np.ndarray[Any, Any], **how: Any) -> Any:
    made = http.InferInput("window", list(x.shape), "FP32")
    made.set_data_from_numpy(x, **how)
    return made


def test_health_and_metadata(client: Any, spec: dict[str, Any]) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("next-close")
    assert client.is_model_ready("next-close", "1")
    assert not client.is_model_ready("next-close", "2")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata("next-close")
    assert metadata == client.get_model_metadata("next-close", "1")
    assert metadata["inputs"][0]["shape"] == [-1, LOOKBACK, len(spec["features"])]


@pytest.mark.parametrize("as_bytes", [True, False])
@pytest.mark.parametrize("count", [1, 300])
def test_inference(client: Any, bundle: Path, spec: dict[str, Any], count: int, as_bytes: bool) -> None:
    x = windows(spec, count)
    wanted = [http.InferRequestedOutput("quantiles", binary_data=as_bytes)]
    result = client.infer("next-close", [tensor(x, binary_data=as_bytes)], outputs=wanted, request_id="mine")
    found = result.as_numpy("quantiles")
    assert found.shape == (count, 1, LEVELS)
    np.testing.assert_allclose(found, expected(bundle, x), rtol=0, atol=1e-6)
    told = result.get_response()
    assert (told["model_name"], told["model_version"], told["id"]) == ("next-close", "1", "mine")


@pytest.mark.parametrize("packed", [None, "gzip", "deflate"])
def test_the_clients_defaults_and_its_compression(
    client: Any, bundle: Path, spec: dict[str, Any], packed: str | None
) -> None:
    x = windows(spec, 2)
    how = {"request_compression_algorithm": packed, "response_compression_algorithm": packed}
    found = client.infer("next-close", [tensor(x)], model_version="1", **how).as_numpy("quantiles")
    np.testing.assert_allclose(found, expected(bundle, x), rtol=0, atol=1e-6)


def test_several_at_a_time(address: str, bundle: Path, spec: dict[str, Any]) -> None:
    x = windows(spec, 5)
    with http.InferenceServerClient(address, concurrency=4) as client:
        asked = [client.async_infer("next-close", [tensor(x[place : place + 1])]) for place in range(len(x))]
        found = np.concatenate([one.get_result().as_numpy("quantiles") for one in asked])
    np.testing.assert_allclose(found, expected(bundle, x), rtol=0, atol=1e-6)


def test_the_client_reads_why(client: Any, spec: dict[str, Any]) -> None:
    from tritonclient.utils import InferenceServerException

    def reason(status: str, name: str = "next-close", version: str = "", count: int = 1, lookback: int = 0) -> str:
        x = windows(spec, count)[:, lookback:]
        with pytest.raises(InferenceServerException) as raised:
            client.infer(name, [tensor(np.ascontiguousarray(x))], model_version=version)
        assert raised.value.status() == status
        return str(raised.value.message())

    assert reason("404", name="other") == "unknown model 'other': this service has next-close"
    assert "only version 1 can be asked" in reason("404", version="7")
    assert "expected the shape [n, 5, 22]" in reason("409", lookback=1)
