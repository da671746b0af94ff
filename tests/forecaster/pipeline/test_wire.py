from __future__ import annotations

import json
from pathlib import Path

import pytest

from forecaster.pipeline.order import ORDER, STEPS
from forecaster.pipeline.settings import Limits
from forecaster.pipeline.wire import settings_from_dict, settings_to_dict
from tests.forecaster.pipeline.passing import settings_of


def test_a_worker_has_the_settings_of_whoever_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings_of(tmp_path, every_sessions=7, universe="all").model_copy(update={"model": "other"})
    told = json.loads(json.dumps(settings_to_dict(given)))
    monkeypatch.setenv("FORECASTER_HOME", "/elsewhere")
    monkeypatch.setenv("FORECASTER_RETRAIN__EVERY_SESSIONS", "9")
    assert settings_from_dict(told) == given


def test_a_token_reaches_the_worker_and_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSHARE_TOKEN", "open-sesame")
    given = settings_of(tmp_path)
    monkeypatch.delenv("TUSHARE_TOKEN")
    found = settings_from_dict(settings_to_dict(given))
    assert found.tushare_account.token == "open-sesame"
    assert "open-sesame" not in repr(found)


def test_the_order_of_the_steps_holds_together() -> None:
    assert tuple(Limits.model_fields) == STEPS
    for number, kind in enumerate(ORDER):
        assert {*kind.needs, *kind.follows, *kind.renews} <= set(STEPS[:number])
