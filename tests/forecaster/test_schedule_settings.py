from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from forecaster.schedule_settings import ScheduleSettings
from forecaster.settings import Settings


def minutes(settings: ScheduleSettings, failures: int) -> float:
    return settings.pause(failures) / timedelta(minutes=1)


def test_pauses_grow_to_the_longest_and_stay_there() -> None:
    found = ScheduleSettings(retry_minutes=2, retry_factor=3, retry_minutes_at_most=30)
    assert [minutes(found, failures) for failures in (1, 2, 3, 4, 5, 10_000)] == [2, 6, 18, 30, 30, 30]
    steady = ScheduleSettings(retry_minutes=5, retry_factor=1)
    assert [minutes(steady, failures) for failures in (1, 2, 10_000)] == [5, 5, 5]


def test_they_are_a_table_of_the_file_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "forecaster.toml").write_text('[schedule]\nexchanges = ["XSHG", "XNYS"]\ndelay_minutes = 30\n')
    monkeypatch.setenv("FORECASTER_SCHEDULE__DELAY_MINUTES", "45")
    found = Settings().schedule
    assert (found.exchanges, found.delay) == (("XSHG", "XNYS"), timedelta(minutes=45))
    assert found.retry_minutes == ScheduleSettings().retry_minutes


@pytest.mark.parametrize(
    "wrong",
    [
        {"exchanges": ["XSHX"]},
        {"delay_minutes": -1},
        {"delay_minutes": 601},  # the next session may have opened by then
        {"retry_factor": 0.5},
        {"heartbeat_seconds": 61},  # the clock may be set meanwhile
        {"drain": 3},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ScheduleSettings(**wrong)
