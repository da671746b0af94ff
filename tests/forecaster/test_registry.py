from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from forecaster.errors import CorruptBundle, NoModel, RegistryUnavailable, UnknownVersion
from forecaster.registry import Registry
from forecaster.version import CHALLENGER, CHAMPION, Version

NAME = "next-close"


def registry(home: Path, name: str = NAME) -> Registry:
    return Registry(f"sqlite:///{home / 'registry' / 'mlflow.db'}", home / "registry" / "models", name)


def register(models: Registry, folder: Path, text: str = "a bundle", **tags: str) -> Version:
    """The registry takes any folder: what is in it is `forecaster.bundle`'s concern."""
    bundle = folder / "made" / text.replace(" ", "-")
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "bundle.json").write_text(text)
    return models.register(
        bundle,
        params={"units": "[4]"},
        metrics={"mase": 1.01, "training_seconds": 2.0},
        curves={"loss": [0.3, 0.2, 0.1]},
        tags={"spec_hash": "abc", **tags},
    )


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose registry has its tables and nothing in them: making them takes seconds."""
    home = tmp_path_factory.mktemp("registry")
    killed_over_the_tables(home)
    assert registry(home).versions() == []
    # What the killed one left has gone, and was not taken for a registry.
    assert {one.name for one in (home / "registry").iterdir()} == {"mlflow.db", ".mlflow.db.lock"}
    return home


def killed_over_the_tables(home: Path) -> None:
    """Somebody's first use of a registry, killed while mlflow makes its tables one by one."""
    uses = f"from tests.forecaster.test_registry import registry, Path; registry(Path({str(home)!r})).versions()"
    with subprocess.Popen([sys.executable, "-c", uses], cwd=Path(__file__).parents[2]) as process:
        until = time.monotonic() + 60
        while not [one for one in home.glob("registry/.making-*/mlflow.db") if one.stat().st_size]:
            assert time.monotonic() < until
            time.sleep(0.01)
        process.kill()
    assert not (home / "registry" / "mlflow.db").exists()


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty_home, tmp_path / "home"))


@pytest.fixture
def models(home: Path) -> Registry:
    return registry(home)


def test_an_empty_registry_has_no_model(models: Registry) -> None:
    assert models.versions() == []
    for alias in (CHAMPION, CHALLENGER):
        with pytest.raises(NoModel, match=f"{NAME} has no {alias} yet: train one with forecaster train"):
            models.by_alias(alias)
    with pytest.raises(UnknownVersion, match=f"{NAME} has no version '1'"):
        models.get("1")


def test_a_registered_bundle_is_the_next_version_and_has_no_alias(models: Registry, tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    one, two = register(models, tmp_path, "one", symbols="5"), register(models, tmp_path, "two")
    assert (one.name, one.version, two.version) == (NAME, "1", "2")
    assert one.aliases == two.aliases == ()
    assert one.tags == {"spec_hash": "abc", "symbols": "5"}
    assert before <= one.created <= two.created <= datetime.now(UTC) + timedelta(seconds=1)
    assert models.versions() == [two, one]
    assert models.get("1") == one
    with pytest.raises(NoModel):
        models.by_alias()


def test_a_bundle_comes_back_as_it_was(models: Registry, tmp_path: Path) -> None:
    one, two = register(models, tmp_path, "one"), register(models, tmp_path, "two")
    shutil.rmtree(tmp_path / "made")
    assert (models.bundle_path(one) / "bundle.json").read_text() == "one"
    assert (models.bundle_path(two) / "bundle.json").read_text() == "two"


def test_a_second_connection_sees_the_same(models: Registry, home: Path, tmp_path: Path) -> None:
    one = register(models, tmp_path)
    models.promote(one)
    assert registry(home).by_alias() == Version(NAME, "1", (CHAMPION,), one.created, one.tags, one.run_id)


def test_the_run_behind_a_version_keeps_its_figures(models: Registry, home: Path, tmp_path: Path) -> None:
    one = register(models, tmp_path)
    client = MlflowClient(models.uri)
    run = client.get_run(one.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"units": "[4]"}
    assert run.data.metrics == {"mase": 1.01, "training_seconds": 2.0, "loss": 0.1}
    assert [(point.step, point.value) for point in client.get_metric_history(one.run_id, "loss")] == [
        (1, 0.3),
        (2, 0.2),
        (3, 0.1),
    ]


def test_a_run_is_there_from_its_beginning_and_grows(models: Registry) -> None:
    run = models.begin(params={"units": "[4]"}, tags={"spec_hash": "abc"})
    client = MlflowClient(models.uri)
    assert client.get_run(run.id).info.status == "RUNNING"
    assert client.get_run(run.id).data.params == {"units": "[4]"}
    for step, loss in ((1, 0.3), (2, 0.2)):
        run.log(step, {"loss": loss, "learning_rate": 0.01})
    assert run.logged("loss") == {1, 2}
    assert run.logged("other") == set()
    assert [(one.step, one.value) for one in client.get_metric_history(run.id, "loss")] == [(1, 0.3), (2, 0.2)]
    run.end("KILLED")
    assert client.get_run(run.id).info.status == "KILLED"
    assert models.versions() == []


def test_a_run_goes_on_until_it_is_finished(models: Registry, tmp_path: Path) -> None:
    client, facts = MlflowClient(models.uri), {"params": {"units": "[4]"}, "tags": {"spec_hash": "abc"}}
    run = models.begin(**facts)
    for outcome in ("KILLED", "FAILED"):
        run.end(outcome)
        again = models.begin(**facts, run_id=run.id)
        assert again.id == run.id
        assert client.get_run(run.id).info.status == "RUNNING"
    (tmp_path / "bundle").mkdir()
    made = models.register(tmp_path / "bundle", params={}, metrics={"mase": 1.0}, curves={}, tags={}, run=run)
    assert made.run_id == run.id
    assert client.get_run(run.id).info.status == "FINISHED"
    # Killed between the version and whatever came next: the version is there already.
    assert models.register(tmp_path / "bundle", params={}, metrics={}, curves={}, tags={}, run=run) == made
    assert models.begin(**facts, run_id=run.id).id != run.id
    assert models.begin(**facts, run_id="0" * 32).id != "0" * 32


def test_promotion_moves_the_champion(models: Registry, tmp_path: Path) -> None:
    one, two = register(models, tmp_path, "one"), register(models, tmp_path, "two")
    models.promote(one)
    assert models.by_alias().version == "1"
    models.promote(two)
    assert models.by_alias().version == "2"
    assert {found.version: found.aliases for found in models.versions()} == {"2": (CHAMPION,), "1": ()}


def test_a_challenger_stands_beside_the_champion_until_it_is_promoted(models: Registry, tmp_path: Path) -> None:
    one, two, three = (register(models, tmp_path, text) for text in ("one", "two", "three"))
    models.promote(one)
    models.set_alias(CHALLENGER, two)
    assert (models.by_alias().version, models.by_alias(CHALLENGER).version) == ("1", "2")
    models.promote(three)
    assert models.by_alias(CHALLENGER).version == "2"
    models.promote(two)
    assert models.by_alias().version == "2"
    with pytest.raises(NoModel, match="has no challenger"):
        models.by_alias(CHALLENGER)


def test_rollback_goes_back_one_champion_at_a_time(models: Registry, tmp_path: Path) -> None:
    one, two, three = (register(models, tmp_path, text) for text in ("one", "two", "three"))
    for version in (one, two, three):
        models.promote(version)
    assert models.rollback().version == "2"
    assert models.by_alias().version == "2"
    assert models.rollback().version == "1"
    with pytest.raises(NoModel, match="no earlier champion"):
        models.rollback()
    assert models.by_alias().version == "1"


def test_a_champion_that_returns_is_succeeded_once(models: Registry, tmp_path: Path) -> None:
    one, two = register(models, tmp_path, "one"), register(models, tmp_path, "two")
    for version in (one, two, one, one):
        models.promote(version)
    assert models.rollback().version == "2"
    with pytest.raises(NoModel):
        models.rollback()


class Killed(BaseException):
    """Nothing that is caught."""


# What a promotion and a rollback write, and what ends a run.
WRITES = (
    "set_registered_model_alias",
    "set_registered_model_tag",
    "set_model_version_tag",
    "delete_model_version_tag",
    "delete_registered_model_alias",
    "set_terminated",
)


def killed_at(number: int, act: Callable[[], Any]) -> bool:
    """Whether an act was killed before its write of that number, from 0 on."""
    written = 0

    def counting(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal written
            if written == number:
                raise Killed
            written += 1
            return write(*args, **kwargs)

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        for name in WRITES:
            patch.setattr(MlflowClient, name, counting(getattr(MlflowClient, name)))
        try:
            act()
        except Killed:
            return True
    return False


def three_champions(models: Registry, folder: Path) -> list[Version]:
    """Of three versions the newest serves, and a fourth wants to."""
    made = [register(models, folder, text) for text in ("one", "two", "three", "four")]
    for version in made[:3]:
        models.promote(version)
    models.set_alias(CHALLENGER, made[3])
    return made


def test_a_promotion_that_was_killed_anywhere_can_be_given_again_or_gone_back_from(
    models: Registry, tmp_path: Path
) -> None:
    *_, three, four = three_champions(models, tmp_path)
    for number in range(9):
        killed = killed_at(number, lambda: models.promote(four))
        serves = models.by_alias().version
        # Whoever goes back goes back from what serves.
        assert models.rollback().version == {"3": "2", "4": "3"}[serves]
        if serves == "3":
            models.promote(three)
        models.set_alias(CHALLENGER, four)
        killed_at(number, lambda: models.promote(four))
        models.promote(four)
        assert models.versions()[0].aliases == (CHAMPION,)
        assert not models.get("4").rolled_back
        assert models.rollback().version == "3"
        if not killed:
            break
    assert number > 2


def test_a_rollback_that_was_killed_anywhere_goes_back_once(models: Registry, tmp_path: Path) -> None:
    *_, three, four = three_champions(models, tmp_path)
    for number in range(9):
        killed = killed_at(number, models.rollback)
        if not killed:
            break
        assert models.by_alias().version in ("2", "3")
        assert models.earlier().version == "2"
        assert models.rollback().version == "2"
        assert models.get("3").rolled_back
        models.promote(three)
        # Somebody promotes another version instead of finishing it.
        killed_at(number, models.rollback)
        before = models.by_alias().version
        models.promote(four)
        assert models.rollback().version == before
        models.promote(three)
    assert number == 3
    assert models.rollback().version == "1"


def test_a_run_that_was_killed_is_listed_and_the_next_one_ends_it_where_it_has_made_its_version(
    models: Registry, tmp_path: Path
) -> None:
    client, before = MlflowClient(models.uri), datetime.now(UTC) - timedelta(seconds=1)
    assert models.unended() == []
    assert killed_at(0, lambda: register(models, tmp_path))
    at_work = models.begin(params={}, tags={})
    # The one with a version was ended when the other one began.
    (one,) = models.unended()
    assert (one.run_id, one.version) == (at_work.id, None)
    assert before < one.began < datetime.now(UTC)
    made = models.get("1")
    assert client.get_run(made.run_id).info.status == "FINISHED"
    assert models.made_by(made.run_id) == made
    assert models.made_by(at_work.id) is None
    client.update_run(made.run_id, status="RUNNING")
    assert {(one.run_id, one.version) for one in models.unended()} == {(at_work.id, None), (made.run_id, "1")}
    assert [one.run_id for one in models.settle()] == [made.run_id]
    # Those of other models are not looked at.
    assert registry(models.artifacts.parents[1], "other").unended() == []
    assert models.settle(before) == []
    assert [one.run_id for one in models.settle(datetime.now(UTC) + timedelta(seconds=1))] == [at_work.id]
    assert client.get_run(at_work.id).info.status == "KILLED"
    assert models.unended() == []


def test_after_a_rollback_another_version_can_be_promoted(models: Registry, tmp_path: Path) -> None:
    one, two, three = (register(models, tmp_path, text) for text in ("one", "two", "three"))
    models.promote(one)
    models.promote(two)
    models.rollback()
    models.promote(three)
    assert models.by_alias().version == "3"
    assert models.rollback().version == "1"


def test_a_version_that_was_gone_back_from_is_marked_until_somebody_promotes_it(
    models: Registry, tmp_path: Path
) -> None:
    one, two = register(models, tmp_path, "one"), register(models, tmp_path, "two")
    models.promote(one)
    models.promote(two)
    models.rollback()
    assert {found.version: found.rolled_back for found in models.versions()} == {"1": False, "2": True}
    models.promote(two)  # as it was known before
    assert not models.get("2").rolled_back


def test_a_rollback_of_nothing_is_no_failure_of_the_registry(models: Registry, tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="no earlier champion"):
        models.rollback()
    register(models, tmp_path)
    with pytest.raises(NoModel, match="no earlier champion"):
        models.rollback()


@pytest.mark.parametrize("version", ["3", "0", "-1", "latest", "", "1' or '1' = '1", "01", "9" * 40])
def test_a_version_that_there_is_not_is_unknown(models: Registry, tmp_path: Path, version: str) -> None:
    register(models, tmp_path)
    with pytest.raises(UnknownVersion) as refused:
        models.get(version)
    assert (refused.value.name, refused.value.version) == (NAME, version)


def test_models_of_other_names_have_versions_of_their_own(models: Registry, home: Path, tmp_path: Path) -> None:
    other = registry(home, "other")
    models.promote(register(models, tmp_path, "one"))
    assert other.versions() == []
    assert register(other, tmp_path, "two").version == "1"
    with pytest.raises(NoModel, match="the model other has no champion"):
        other.by_alias()
    assert (other.bundle_path(other.get("1")) / "bundle.json").read_text() == "two"


def test_a_home_that_moved_still_finds_its_bundles_and_takes_new_ones(
    models: Registry, home: Path, tmp_path: Path
) -> None:
    one = register(models, tmp_path, "one")
    models.promote(one)
    moved = registry(Path(shutil.move(home, tmp_path / "elsewhere" / "home")))
    assert (moved.bundle_path(moved.by_alias()) / "bundle.json").read_text() == "one"
    assert moved.bundle_path(one).is_relative_to(tmp_path / "elsewhere")
    two = register(moved, tmp_path, "two")
    assert two.version == "2"
    assert moved.bundle_path(two).is_relative_to(tmp_path / "elsewhere")
    assert not home.exists()
    moved.promote(two)
    assert moved.rollback().version == "1"
    # And once more.
    last = registry(Path(shutil.move(tmp_path / "elsewhere" / "home", tmp_path / "last" / "home")))
    assert [last.bundle_path(one).is_relative_to(tmp_path / "last") for one in last.versions()] == [True, True]
    assert register(last, tmp_path, "three").version == "3"


def test_a_version_whose_bundle_is_gone_names_where_it_was(models: Registry, tmp_path: Path) -> None:
    from forecaster.bundle import read_bundle

    one = register(models, tmp_path)
    shutil.rmtree(models.bundle_path(one))
    with pytest.raises(CorruptBundle, match="No such file or directory"):
        read_bundle(models.bundle_path(one))


def test_a_registry_that_is_away_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = Registry("http://127.0.0.1:9", tmp_path, NAME)
    version = Version(NAME, "1", (), datetime.now(UTC), {}, "0" * 32)
    for ask in (
        away.versions,
        away.by_alias,
        away.rollback,
        lambda: away.get("1"),
        lambda: away.bundle_path(version),
        lambda: away.promote(version),
        lambda: away.set_alias(CHALLENGER, version),
        lambda: register(away, tmp_path),
        lambda: away.begin(params={}, tags={}),
    ):
        with pytest.raises(RegistryUnavailable, match=r"the model registry at http://127\.0\.0\.1:9 does not answer"):
            ask()


def test_a_password_reaches_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = Registry("http://user:open-sesame@127.0.0.1:9", tmp_path, NAME)
    assert away.shown_uri == "http://user:…@127.0.0.1:9"
    with pytest.raises(RegistryUnavailable) as refused:
        away.versions()
    assert "open-sesame" not in str(refused.value)
    assert "open-sesame" not in refused.value.uri


def test_a_database_that_is_none_is_an_unavailable_registry(tmp_path: Path) -> None:
    file = tmp_path / "registry" / "mlflow.db"
    file.parent.mkdir()
    file.write_bytes(b"these are not the tables that you are looking for" * 100)
    with pytest.raises(RegistryUnavailable, match="file is not a database"):
        registry(tmp_path).versions()


def test_a_home_that_is_a_file_is_an_unavailable_registry(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(RegistryUnavailable, match="Not a directory"):
        registry(tmp_path / "home").versions()


def test_nothing_is_made_before_the_first_use(tmp_path: Path) -> None:
    registry(tmp_path)
    assert list(tmp_path.iterdir()) == []
