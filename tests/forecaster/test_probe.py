from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forecaster.errors import CorruptBundle
from forecaster.probe import check_probe, probe_windows, recorded
from forecaster.spec import ModelSpec
from tests.forecaster.predictors import Mixing

SPEC = ModelSpec(units=(2,), lookback=3, features=("close", "volume"))


def test_the_windows_are_knuths_hashes() -> None:
    windows = probe_windows(SPEC)
    assert (windows.shape, windows.dtype) == ((4, 3, 2), np.float32)
    # 2654435761 and twice that, less 2^32, both over 2^32.
    assert windows.ravel()[:2] == pytest.approx([2654435761 / 2**32, (2 * 2654435761 - 2**32) / 2**32])
    assert 0 <= windows.min() < windows.max() < 1
    assert len(np.unique(windows)) == 24


def test_a_network_that_says_what_it_said(tmp_path: Path) -> None:
    network = Mixing(1, 9)
    check_probe(network, SPEC, {"probe": recorded(network, SPEC)}, tmp_path)
    check_probe(network, SPEC, {}, tmp_path)  # an older bundle recorded nothing


def test_a_network_that_says_something_else_is_refused(tmp_path: Path) -> None:
    told = {"probe": recorded(Mixing(1, 9), SPEC)}
    with pytest.raises(CorruptBundle, match=r"gives outputs up to .* from the recorded ones, more than 1e-05"):
        check_probe(Mixing(1, 9, seed=2), SPEC, told, tmp_path)
    with pytest.raises(CorruptBundle, match="of shape"):
        check_probe(Mixing(1, 3), SPEC, told, tmp_path)
    broken = Mixing(1, 9)
    told["probe"][2][0][4] = float("nan")
    with pytest.raises(CorruptBundle):
        check_probe(broken, SPEC, told, tmp_path)
