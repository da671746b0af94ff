from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.service.asking import Clock, ask, host_of, loaded

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def scrape(app: object) -> Samples:
    text = ask(app, "/metrics").text  # type: ignore[arg-type]
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_requests_by_template_whatever_is_asked(trained_home: Path) -> None:
    app = loaded(trained_home)
    for path in ["/v1/forecasts/AAPL", "/v1/forecasts/MSFT", *(f"/v1/forecasts/X{n}" for n in range(40))]:
        ask(app, path)
    for n in range(40):
        ask(app, f"/nowhere/{n}")
        ask(app, "/v1/symbols", method=f"BREW{n}")
    requests = scrape(app)["forecaster_http_requests_total"]
    assert requests == {
        (("method", "GET"), ("route", "/v1/forecasts/{symbol}"), ("status", "200")): 2,
        (("method", "GET"), ("route", "/v1/forecasts/{symbol}"), ("status", "404")): 40,
        (("method", "GET"), ("route", "unmatched"), ("status", "404")): 40,
        (("method", "other"), ("route", "/v1/symbols"), ("status", "405")): 40,
    }


def test_latency_by_template(trained_home: Path) -> None:
    app = loaded(trained_home)
    ask(app, "/v1/forecasts/AAPL")
    samples = scrape(app)
    route = (("route", "/v1/forecasts/{symbol}"),)
    assert samples["forecaster_http_request_duration_seconds_count"][route] == 1
    assert samples["forecaster_http_request_duration_seconds_sum"][route] > 0


def test_what_the_host_holds(trained_home: Path) -> None:
    clock = Clock()
    app = loaded(trained_home, clock)
    clock.now += timedelta(seconds=90)
    host_of(app).refresh()
    samples = scrape(app)
    assert samples["forecaster_snapshot_age_seconds"][()] == 90
    assert samples["forecaster_symbols"][()] == 5
    assert samples["forecaster_stale_symbols"][()] == 0
    assert samples["forecaster_ready"][()] == 1
    assert samples["forecaster_model_info"] == {(("name", "next-close"), ("version", "1")): 1}
    assert samples["forecaster_refreshes_total"] == {
        (("outcome", "failed"),): 0,
        (("outcome", "rebuilt"),): 1,
        (("outcome", "unchanged"),): 1,
    }


def test_without_a_model(tmp_path: Path) -> None:
    samples = scrape(loaded(tmp_path))
    assert samples["forecaster_ready"][()] == 0
    assert samples["forecaster_refresh_failing"][()] == 1
    assert samples["forecaster_refreshes_total"][(("outcome", "failed"),)] == 1
    assert "forecaster_symbols" not in samples


def test_two_apps_count_apart(trained_home: Path) -> None:
    one, other = loaded(trained_home), loaded(trained_home)
    ask(one, "/v1/symbols")
    assert "forecaster_http_requests_total" in scrape(one)
    assert "forecaster_http_requests_total" not in scrape(other)


def test_verdicts_and_what_is_worked_out(trained_home: Path) -> None:
    app = loaded(trained_home)
    ask(app, "/v1/forecasts/AAPL?as_of=2012-06-29")
    samples = scrape(app)
    assert sum(samples["forecaster_verdicts"].values()) == samples["forecaster_symbols"][()]
    assert samples["forecaster_inference_seconds_count"][(("kind", "as_of"),)] == 1
    assert samples["forecaster_snapshot_seconds"][()] > 0
    assert samples["forecaster_data_version"][()] == 0
    assert {reason for ((_, reason),) in samples["forecaster_refused_total"]} == {"busy", "late", "long", "work"}
