"""The Open Inference Protocol: what is asked is the file that serves, run here by ONNX Runtime itself."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime
import pytest
from fastapi import FastAPI
from numpy.typing import NDArray

from service.app import create_app
from service.oip.errors import WrongContents
from service.oip.inference import infer
from service.schemas.oip import MODEL_METADATA, REQUEST, RESPONSE, InferenceAnswer, InferenceRequest, ModelMetadata
from tests.service.asking import ask, loaded, settings

Floats = NDArray[np.float32]

MODEL = "/v2/models/next-close"
INFER = f"{MODEL}/infer"
LENGTH = "Inference-Header-Content-Length"
LOOKBACK = 5  # of the tiny model
LEVELS = 9


@pytest.fixture(scope="module")
def bundle(trained_home: Path) -> Path:
    """The folder of the champion: its manifest names the model's horizon, by which the two models differ."""
    found = [one.parent for one in trained_home.rglob("bundle.json")]
    (own,) = (one for one in found if json.loads((one / "bundle.json").read_text())["spec"]["horizon"] == 1)
    return own


@pytest.fixture(scope="module")
def spec(bundle: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle / "bundle.json").read_text())["spec"]
    return found


def windows(spec: dict[str, Any], count: int) -> Floats:
    made = np.random.default_rng(count).random((count, LOOKBACK, len(spec["features"])))
    return made.astype(np.float32)


def expected(bundle: Path, x: Floats) -> Floats:
    session = onnxruntime.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])
    found: Floats = session.run(None, {session.get_inputs()[0].name: x})[0]
    return found


def request(x: Floats, **changes: Any) -> dict[str, Any]:
    tensor = {"name": "window", "shape": list(x.shape), "datatype": "FP32", "data": x.ravel().tolist()}
    return {"inputs": [{**tensor, **changes}]}


def binary(x: Floats, **members: Any) -> tuple[bytes, dict[str, str]]:
    tail = x.astype("<f4").tobytes()
    tensor = {"name": "window", "shape": list(x.shape), "datatype": "FP32"}
    head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(tail)}}], **members}).encode()
    return head + tail, {LENGTH: str(len(head))}


def post(app: FastAPI, content: bytes, headers: dict[str, str] | None = None, path: str = INFER) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.post(path, content=content, headers=headers)

    return asyncio.run(go())


def numbers(answer: dict[str, Any]) -> Floats:
    (tensor,) = answer["outputs"]
    assert (tensor["name"], tensor["datatype"]) == ("quantiles", "FP32")
    return np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])


def refused(response: httpx.Response, status: int) -> str:
    """Why, as the protocol says it and in few words."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    reason: str = response.json()["error"]
    assert 0 < len(reason) < 500
    return reason


def test_the_server_says_who_it_is(app: FastAPI) -> None:
    server = ask(app, "/v2").json()
    assert set(server) == {"name", "version", "extensions"}
    assert server["extensions"] == ["binary_tensor_data"]
    assert ask(app, "/v2/health/live").json() == {"live": True}
    assert ask(app, "/v2/health/ready").json() == {"ready": True}


def test_the_model_says_what_it_takes(app: FastAPI, spec: dict[str, Any]) -> None:
    found = ask(app, MODEL).json()
    assert (found["name"], found["versions"], found["platform"]) == ("next-close", ["1"], "onnx_onnxv1")
    (taken,), (given,) = found["inputs"], found["outputs"]
    assert (taken["name"], taken["datatype"]) == ("window", "FP32")
    assert taken["shape"] == [-1, LOOKBACK, len(spec["features"])]
    assert taken["parameters"]["features"].split(",") == spec["features"]
    assert (given["name"], given["datatype"], given["shape"]) == ("quantiles", "FP32", [-1, 1, LEVELS])
    assert [float(one) for one in given["parameters"]["levels"].split(",")] == spec["quantiles"]
    assert ask(app, f"{MODEL}/versions/1").json() == found
    for path in (f"{MODEL}/ready", f"{MODEL}/versions/1/ready"):
        assert ask(app, path).json() == {"name": "next-close", "ready": True}


@pytest.mark.parametrize("count", [1, 64, 65, 700])
def test_any_number_of_windows(app: FastAPI, bundle: Path, spec: dict[str, Any], count: int) -> None:
    x = windows(spec, count)
    answer = post(app, json.dumps({"id": "a b", **request(x)}).encode()).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("next-close", "1", "a b")
    assert answer["outputs"][0]["shape"] == [count, 1, LEVELS]
    np.testing.assert_allclose(numbers(answer), expected(bundle, x), rtol=0, atol=1e-6)


def test_forms_of_the_same_request_are_answered_alike(app: FastAPI, spec: dict[str, Any]) -> None:
    x = windows(spec, 3)
    flat = json.dumps(request(x)).encode()
    plain = post(app, flat)
    assert plain.headers["content-type"] == "application/json"
    assert LENGTH not in plain.headers
    assert "id" not in plain.json()
    answer = numbers(plain.json())

    body, headers = binary(x)
    for content, more in (
        (json.dumps(request(x, data=x.tolist())).encode(), {}),
        (flat, {LENGTH: str(len(flat))}),
        (body, headers),
        (gzip.compress(body), headers | {"Content-Encoding": "gzip"}),
        (zlib.compress(body), headers | {"Content-Encoding": "deflate"}),
        (gzip.compress(flat), {"Content-Encoding": "GZIP"}),
    ):
        response = post(app, content, more)
        assert response.status_code == 200, response.text
        np.testing.assert_array_equal(numbers(response.json()), answer)
    assert post(app, flat, path=f"{MODEL}/versions/1/infer").json() == plain.json()


@pytest.mark.parametrize(
    ("members", "as_bytes"),
    [
        ({"parameters": {"binary_data_output": True}}, True),
        ({"outputs": [{"name": "quantiles", "parameters": {"binary_data": True}}]}, True),
        ({"parameters": {"binary_data_output": True}, "outputs": [{"name": "quantiles"}]}, True),
        (
            {
                "parameters": {"binary_data_output": True},
                "outputs": [{"name": "quantiles", "parameters": {"binary_data": False}}],
            },
            False,
        ),
        ({"outputs": [{"name": "quantiles"}]}, False),
        ({"outputs": []}, False),
    ],
)
def test_answers_as_bytes_where_they_are_wanted(
    app: FastAPI, bundle: Path, spec: dict[str, Any], members: dict[str, Any], as_bytes: bool
) -> None:
    x = windows(spec, 2)
    response = post(app, *binary(x, **members))
    assert (LENGTH in response.headers) is as_bytes
    if not as_bytes:
        np.testing.assert_allclose(numbers(response.json()), expected(bundle, x), rtol=0, atol=1e-6)
        return
    assert response.headers["content-type"] == "application/octet-stream"
    length = int(response.headers[LENGTH])
    head, tail = json.loads(response.content[:length]), response.content[length:]
    assert head["outputs"] == [
        {
            "name": "quantiles",
            "shape": [2, 1, LEVELS],
            "datatype": "FP32",
            "parameters": {"binary_data_size": 2 * LEVELS * 4},
        }
    ]
    found = np.frombuffer(tail, "<f4").reshape(2, 1, LEVELS)
    np.testing.assert_allclose(found, expected(bundle, x), rtol=0, atol=1e-6)


def _bad_requests() -> dict[str, Any]:
    """Members of the one tensor that cannot be, or whole bodies."""
    features = 22
    size = LOOKBACK * features
    shape = [1, LOOKBACK, features]
    return {
        "no JSON": b"window",
        "no text": b"\xff\xfe",
        "nothing": b"",
        "too deep": b"[" * 100_000,
        "a list": b"[]",
        "no inputs": b"{}",
        "no input": {"inputs": []},
        "two inputs": {"inputs": [request(np.zeros(shape, np.float32))["inputs"][0]] * 2},
        "a long id": {"id": "x" * 257, **request(np.zeros(shape, np.float32))},
        "another output": {**request(np.zeros(shape, np.float32)), "outputs": [{"name": "x" * 10_000}]},
        "two outputs": {**request(np.zeros(shape, np.float32)), "outputs": [{"name": "quantiles"}] * 2},
        "classes": {
            **request(np.zeros(shape, np.float32)),
            "outputs": [{"name": "quantiles", "parameters": {"classification": 3}}],
        },
        "another name": {"name": "x" * 10_000},
        "another datatype": {"datatype": "FP64"},
        "no window": {"shape": [0, LOOKBACK, features], "data": []},
        "less than none": {"shape": [-1, LOOKBACK, features]},
        "a flat shape": {"shape": [size]},
        "other features": {"shape": [1, LOOKBACK, features + 1]},
        "another lookback": {"shape": [1, LOOKBACK + 1, features]},
        "turned": {"shape": [1, features, LOOKBACK]},
        "an endless shape": b'{"inputs":[{"name":"window","datatype":"FP32","shape":[1,5,' + b"9" * 5000 + b"]}]}",
        "a shape of texts": {"shape": ["1", LOOKBACK, features]},
        "many dimensions": {"shape": [1] * 100_000},
        "no data": {"data": None},
        "too few numbers": {"data": [0.0] * (size - 1)},
        "too many numbers": {"data": [0.0] * (size + 1)},
        "texts": {"data": ["0.5"] * size},
        "truths": {"data": [True] * size},
        "nulls": {"data": [None] * size},
        "not a number": {"data": [float("nan")] * size},
        "infinite": {"data": [float("inf")] * size},
        "infinite as FP32": {"data": [1e39] * size},
        "a very large integer": {"data": [10**400] * size},
        "nested otherwise": {"data": [[[0.0] * LOOKBACK] * features]},
        "nested unevenly": {"data": [[[0.0] * (features - 1), [0.0] * (features + 1)] + [[0.0] * features] * 3]},
        "nested in part": {"data": [[0.0] * size]},
        "nested too far": {"data": [[[[0.0]] * features] * LOOKBACK]},
        "shared memory": {"parameters": {"shared_memory_region": "x"}},
        "both": {"parameters": {"binary_data_size": 4 * size}},
    }


# Right by the protocol, but the network that serves takes something else.
_OF_ANOTHER_NETWORK = {
    "another output",
    "another name",
    "another datatype",
    "no window",
    "less than none",
    "a flat shape",
    "other features",
    "another lookback",
    "turned",
}


@pytest.mark.parametrize("name", _bad_requests())
def test_what_the_network_does_not_take_is_refused_before_it_gets_there(app: FastAPI, name: str) -> None:
    bad = _bad_requests()[name]
    if isinstance(bad, dict):
        body = bad if "inputs" in bad else request(np.zeros((1, LOOKBACK, 22), np.float32), **bad)
        bad = json.dumps(body).encode()
    refused(post(app, bad), 409 if name in _OF_ANOTHER_NETWORK else 422)


@pytest.mark.parametrize("length", ["-1", "1e2", "", " ", "99999999", "9" * 5000, "0x10", "\u00b2"])
def test_a_wrong_header_length_is_refused(app: FastAPI, spec: dict[str, Any], length: str) -> None:
    body, _ = binary(windows(spec, 1))
    raw: Any = {LENGTH: length.encode("latin-1")}
    assert LENGTH in refused(post(app, body, raw), 422)


def test_bytes_have_to_match_the_shape(app: FastAPI, spec: dict[str, Any]) -> None:
    body, headers = binary(windows(spec, 2))
    assert "880" in refused(post(app, body[:-1], headers), 422)  # 2 windows x 5 sessions x 22 features x 4 bytes
    refused(post(app, body + b"\0", headers), 422)
    lying = body.replace(b'"binary_data_size": 880', b'"binary_data_size": 884')
    refused(post(app, lying, headers), 422)
    infinite = body[:-4] + np.float32(np.inf).tobytes()
    assert "[1, 4, 21]" in refused(post(app, infinite, headers), 422)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("br", lambda body: body),
        ("gzip, gzip", gzip.compress),
        ("gzip", lambda body: body),
        ("gzip", lambda body: gzip.compress(body)[:-9]),
        ("gzip", lambda body: gzip.compress(body) + b"x"),
    ],
    ids=["unknown", "twice", "not packed", "cut off", "more behind it"],
)
def test_packed_bodies_that_cannot_be_read(app: FastAPI, spec: dict[str, Any], encoding: str, pack: Any) -> None:
    body, headers = binary(windows(spec, 1))
    refused(post(app, pack(body), headers | {"Content-Encoding": encoding}), 422)


def test_no_more_than_one_request_may_ask_for(trained_home: Path, spec: dict[str, Any]) -> None:
    app = loaded(trained_home, max_batch=3, max_body_bytes=4096)
    assert post(app, *binary(windows(spec, 3))).status_code == 200
    assert "at most 3" in refused(post(app, *binary(windows(spec, 4))), 413)
    # A few bytes that would become many: nothing is unpacked beyond the limit.
    refused(post(app, gzip.compress(bytes(1 << 20)), {"Content-Encoding": "gzip"}), 413)


def test_only_what_serves_can_be_asked(app: FastAPI, spec: dict[str, Any]) -> None:
    body, headers = binary(windows(spec, 1))
    for path in ("/v2/models/other", "/v2/models/other/versions/1"):
        for reason in (
            refused(ask(app, path), 404),
            refused(ask(app, f"{path}/ready"), 404),
            refused(post(app, body, headers, f"{path}/infer"), 404),
        ):
            assert "next-close" in reason
    for version in ("2", "01", "x" * 10_000):
        path = f"{MODEL}/versions/{version}"
        for reason in (
            refused(ask(app, path), 404),
            refused(ask(app, f"{path}/ready"), 404),
            refused(post(app, body, headers, f"{path}/infer"), 404),
        ):
            assert "only version 1 can be asked" in reason
    refused(ask(app, "/v2/nothing"), 404)
    refused(ask(app, INFER), 405)


def test_not_ready_is_said_as_the_protocol_says_it(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path))  # and nothing is loaded
    assert ask(app, "/v2/health/live").status_code == 200
    for path in ("/v2/health/ready", MODEL, f"{MODEL}/ready", f"{MODEL}/versions/1"):
        response = ask(app, path)
        assert "being loaded" in refused(response, 503)
        assert response.headers["retry-after"] == "60"
    refused(post(app, b"{}"), 503)


def test_what_makes_no_finite_answer_is_refused() -> None:
    class Overflowing:
        def predict(self, x: Floats) -> Floats:
            return np.full((len(x), 1, 3), np.nan, dtype=np.float32)

    with pytest.raises(WrongContents, match="about size 1"):
        infer(Overflowing(), np.full((1, 2, 2), 3e38, dtype=np.float32))


def test_no_damaged_request_is_an_error_inside(app: FastAPI, spec: dict[str, Any]) -> None:
    whole, headers = binary(windows(spec, 1))
    chance = np.random.default_rng(7)
    for _ in range(200):
        damaged = np.frombuffer(whole, np.uint8).copy()
        places = chance.integers(0, int(headers[LENGTH]), size=chance.integers(1, 4))
        damaged[places] = chance.integers(32, 127, size=len(places))
        response = post(app, damaged.tobytes(), headers)
        assert response.status_code in (200, 409, 413, 422), damaged.tobytes()


def test_the_documented_examples_have_the_documented_shape(app: FastAPI) -> None:
    InferenceRequest.model_validate_json(json.dumps(REQUEST), strict=True)
    InferenceAnswer.model_validate(RESPONSE)
    ModelMetadata.model_validate(MODEL_METADATA)
    described = ask(app, "/openapi.json").json()
    posted = described["paths"]["/v2/models/{name}/infer"]["post"]
    assert set(posted["requestBody"]["content"]) == {"application/json"}
    assert "#/$defs" not in json.dumps(described)
    assert set(posted["responses"]) == {"200", "404", "409", "413", "422", "503", "504", "default"}
