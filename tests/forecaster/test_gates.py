from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import UnscaledSymbol
from data.scaling import Scaling, SeriesRange, SeriesScaling, WindowScaling
from forecaster.calibration import Calibration
from forecaster.errors import NotEnoughHistory
from forecaster.gates import Inside, Layer, look, memory_text, saturation, signed, to_dict
from forecaster.model import Model
from forecaster.spec import ModelSpec
from tests.forecaster.markets import make_bars
from tests.forecaster.predictors import Constant, LastStep

Float32 = NDArray[np.float32]

SPEC = ModelSpec(
    units=(2,), lookback=4, features=("close", "volume"), unit="range", quantiles=(0.1, 0.5, 0.9), attention=True
)
# A share that was split two for one before its last two sessions: traded at half the price from then on.
CLOSES = [90.0, 100.0, 110.0, 105.0, 51.0, 52.0]
FACTORS = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0]


class Fake:
    """Hands out traces by which each value tells where it belongs: 100 * layer + 10 * session + unit."""

    def __init__(self) -> None:
        self.asked: list[Float32] = []

    def traces(self, x: Float32) -> dict[str, Float32]:
        self.asked.append(x)

        def values(layer: int, units: int) -> Float32:
            told = 100 * layer + 10 * np.arange(x.shape[1])[:, None] + np.arange(units)
            return told[None].astype(np.float32)

        named = {
            f"layer_{layer}.{side}.{trace}": values(layer, units)
            for layer, units in ((0, 2), (10, 3))
            for side in ("forward", "backward")
            for trace in ("forget", "hidden")
        }
        return {**named, "attention": np.array([[0.1, 0.2, 0.3, 0.4]], dtype=np.float32)}


def model(scaling: Scaling | None = None, spec: ModelSpec = SPEC) -> Model:
    return Model(spec, scaling or WindowScaling(), Calibration(np.zeros((1, 3)), 0), LastStep())


def inside_of(**changes: object) -> Inside:
    bars = make_bars({"AAA": CLOSES}, factors={"AAA": FACTORS})
    return replace(look(model(), Fake(), bars, "AAA"), **changes)  # type: ignore[arg-type]


def test_it_looks_at_the_newest_window_of_the_symbol() -> None:
    bars = make_bars({"AAA": CLOSES, "BBB": [7.0] * 5}, factors={"AAA": FACTORS})
    gates = Fake()
    found = look(model(), gates, bars, "AAA")
    # The fixture begins on Monday, 6 January 2020.
    assert found.session.astype(str).tolist() == ["2020-01-08", "2020-01-09", "2020-01-10", "2020-01-13"]
    # As traded now, before the split: half of what was traded then.
    assert found.close.tolist() == pytest.approx([55.0, 52.5, 51.0, 52.0])
    assert found.features == ("close", "volume")
    assert found.values[:, 0].tolist() == pytest.approx([110.0, 105.0, 102.0, 104.0])
    assert found.inputs[:, 0].tolist() == pytest.approx([1.0, 3 / 8, 0.0, 2 / 8])
    (asked,) = gates.asked
    assert asked.shape == (1, 4, 2)
    assert (asked[0] == found.inputs).all()
    assert look(model(), gates, bars, "BBB").close.tolist() == [7.0] * 4


def test_traces_become_layers_in_their_order() -> None:
    found = inside_of()
    assert [(one.position, one.direction, one.units) for one in found.layers] == [
        (0, "forward", 2),
        (0, "backward", 2),
        (10, "forward", 3),
        (10, "backward", 3),
    ]
    assert list(found.layers[0].traces) == ["forget", "hidden"]
    assert found.layers[3].traces["hidden"][2].tolist() == [1020.0, 1021.0, 1022.0]
    assert found.attention is not None
    assert found.attention.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_the_sensitivity_is_that_of_the_predictor() -> None:
    # Its three quantiles are -1, 0 and 1 times the last close: the root of two.
    found = inside_of()
    np.testing.assert_allclose(found.sensitivity, [0.0, 0.0, 0.0, np.sqrt(2)], rtol=1e-5)
    assert found.shares.tolist() == pytest.approx([0.0, 0.0, 0.0, 1.0])
    assert found.memory == 1


def test_a_forecast_that_never_changes_has_no_memory() -> None:
    bars = make_bars({"AAA": CLOSES})
    still = Model(SPEC, WindowScaling(), Calibration(np.zeros((1, 3)), 0), Constant([[-0.1, 0.0, 0.1]]))
    found = look(still, Fake(), bars, "AAA")
    assert found.shares.tolist() == [0.0] * 4
    assert found.memory is None
    assert "does not depend on its window at all" in memory_text(found)


@pytest.mark.parametrize("others", [{}, {"BBB": CLOSES}], ids=["alone", "among others"])
def test_too_short_a_history_is_refused(others: dict[str, list[float]]) -> None:
    bars = make_bars({"AAA": [1.0, 2.0, 3.0], **others})
    with pytest.raises(NotEnoughHistory) as refused:
        look(model(), Fake(), bars, "AAA")
    assert (refused.value.symbol, refused.value.needed, refused.value.found) == ("AAA", 4, 3)


def test_a_symbol_without_a_range_of_its_own_is_refused() -> None:
    spec = replace(SPEC, scaling="series")
    with pytest.raises(UnscaledSymbol):
        look(model(SeriesScaling({}), spec), Fake(), make_bars({"AAA": CLOSES}), "AAA")


def test_another_symbol_without_a_range_is_no_hindrance() -> None:
    spec = replace(SPEC, scaling="series")
    scaling = SeriesScaling({"AAA": SeriesRange((50.0, 0.0), (110.0, 10.0), 50.0, 110.0)})
    found = look(model(scaling, spec), Fake(), make_bars({"AAA": [60.0] * 4, "BBB": CLOSES}), "AAA")
    assert found.inputs[:, 0].tolist() == pytest.approx([1 / 6] * 4)


def test_saturation_is_counted_at_both_ends() -> None:
    traces = {
        "forget": np.array([[0.95, 0.05, 0.5], [0.95, 0.5, 0.5], [0.95, 0.5, 0.5], [0.5, 0.95, 0.89]]),
        "candidate": np.array([[-0.95, 0.0, 0.95], [0.0, 0.0, 0.95], [0.0, 0.0, 0.95], [0.05, 0.0, 0.89]]),
        "cell": np.full((4, 3), 5.0),
    }
    forget, candidate = saturation(Layer(0, "forward", traces))
    assert (forget.trace, forget.low, forget.high) == ("forget", 1 / 12, 4 / 12)
    assert list(forget.units.items()) == [(0, 0.75), (1, 0.5)]
    # Near zero is not an end of what has a sign.
    assert (candidate.trace, candidate.low, candidate.high) == ("candidate", 1 / 12, 3 / 12)
    assert list(candidate.units.items()) == [(2, 0.75), (0, 0.25)]


def test_what_has_a_sign() -> None:
    assert [trace for trace in ("input", "forget", "update", "candidate", "cell", "hidden") if signed(trace)] == [
        "candidate",
        "cell",
        "hidden",
    ]


@pytest.mark.parametrize(
    ("sensitivity", "words"),
    [
        ([1.0, 1.0, 3.0, 5.0], "the newest 3 sessions hold 90 % of the forecast's sensitivity to its window of 4"),
        ([0.0, 0.0, 0.0, 5.0], "the newest session holds 90 % of the forecast's sensitivity to its window of 4"),
        ([1.0, 1.0, 3.0, 5.0], "the last one alone holds 50 %."),
    ],
)
def test_the_memory_in_words(sensitivity: list[float], words: str) -> None:
    assert words in memory_text(inside_of(sensitivity=np.array(sensitivity)))


def test_as_json_it_is_complete() -> None:
    found = inside_of(sensitivity=np.array([1.0, 1.0, 3.0, 5.0]))
    document = json.loads(json.dumps(to_dict(found), allow_nan=False))
    assert document.keys() == {
        "symbol",
        "as_of",
        "sessions",
        "close",
        "inputs",
        "sensitivity",
        "effective_memory",
        "attention",
        "layers",
    }
    assert (document["symbol"], document["as_of"]) == ("AAA", "2020-01-13")
    assert document["sessions"] == ["2020-01-08", "2020-01-09", "2020-01-10", "2020-01-13"]
    assert document["inputs"]["values"] == found.values.tolist()
    assert document["inputs"]["scaled"] == found.inputs.tolist()
    assert document["effective_memory"] == {"share": 0.9, "sessions": 3}
    assert document["layers"][2]["traces"]["forget"][3] == [1030.0, 1031.0, 1032.0]
    assert {name: document["layers"][2][name] for name in ("layer", "direction", "units")} == {
        "layer": 10,
        "direction": "forward",
        "units": 3,
    }
    assert to_dict(inside_of(attention=None))["attention"] is None
