"""Versions of models and which of them serves: MLflow.

The alias `champion` names the version that serves, `challenger` one that was trained beside it. By default the
registry is an sqlite file with a folder of bundles under FORECASTER_HOME; a tracking server is used where one is set.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

# Read by mlflow when it is imported or asks: a forecasting service has nothing to report to its vendor.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# mlflow's own patience with a server that is away is many minutes, and a service that refreshes asks again anyway.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from forecaster.errors import NoModel, UnknownVersion
from forecaster.noted import State, note, state_of
from forecaster.runs import Run, Unended
from forecaster.tracking import Tracking
from forecaster.version import CHALLENGER, CHAMPION, ROLLED_BACK, Version

_BUNDLE: Final = "bundle"
_HISTORY: Final = "champions"
_ABSENT: Final = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


class Registry:
    """The registered versions of one model."""

    def __init__(self, uri: str, artifacts: Path, name: str) -> None:
        """Connects at the first use.

        Args:
            uri: an MLflow tracking URI.
            artifacts: where bundles go when the registry is a local database.
            name: the model's name.
        """
        self.uri = uri
        self.name = name
        self._tracking = Tracking(uri, artifacts)
        self._noted: State | None = None

    @property
    def artifacts(self) -> Path:
        """Where bundles go when the registry is a local database."""
        return self._tracking.artifacts

    @property
    def shown_uri(self) -> str:
        """The address without the password that it may hold, for messages."""
        return self._tracking.shown_uri

    def register(
        self,
        bundle: Path,
        *,
        params: Mapping[str, str],
        metrics: Mapping[str, float],
        curves: Mapping[str, Sequence[float]],
        tags: Mapping[str, str],
        run: Run | None = None,
    ) -> Version:
        """Log a bundle in an MLflow run, end the run, and register the next version, without any alias.

        A run has one version: what another process was killed at is done once.

        Args:
            bundle: the directory.
            params, metrics, tags: of the run; the tags are the version's, too.
            curves: metrics with one value an epoch.
            run: the training's own; None makes one.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        run = run or self.begin(params=params, tags=tags)
        with self._answers() as client:
            now = int(datetime.now(UTC).timestamp() * 1000)
            points = [Metric(key, value, now, 0) for key, value in metrics.items()]
            points += [
                Metric(key, value, now, step) for key, values in curves.items() for step, value in enumerate(values, 1)
            ]
            client.log_batch(run.id, metrics=points)
            client.log_artifacts(run.id, str(bundle), _BUNDLE)
            self._create(client)
            made = list(client.search_model_versions(f"run_id = '{run.id}'"))
            if not made:
                source = f"{client.get_run(run.id).info.artifact_uri}/{_BUNDLE}"
                made = [client.create_model_version(self.name, source, run_id=run.id, tags=dict(tags))]
            client.set_terminated(run.id)
            return _version(made[0])

    def begin(self, *, params: Mapping[str, str], tags: Mapping[str, str], run_id: str = "") -> Run:
        """A new run, or the one that was begun before and has not finished.

        Args:
            params, tags: of the run.
            run_id: of the run to go on with, where there is one and the registry still has it.

        Runs that were killed after they had made their version are ended on the way.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        self.settle()
        with self._answers() as client:
            if run_id and self._unfinished(client, run_id):
                client.update_run(run_id, status="RUNNING")
            else:
                run_id = client.create_run(self._experiment(client), tags=dict(tags)).info.run_id
            client.log_batch(run_id, params=[Param(key, value) for key, value in params.items()])
        return self.run(run_id)

    def run(self, run_id: str) -> Run:
        """A run that there is; asks nothing."""
        return Run(self._answers, run_id)

    def made_by(self, run_id: str) -> Version | None:
        """The version that a run has made, None where it has made none.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        return next((one for one in self.versions() if one.run_id == run_id), None)

    def unended(self) -> list[Unended]:
        """The model's runs that have not ended, oldest first: of trainings at work, and of those that were killed.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            homes = [one.experiment_id for name in self._homes if (one := client.get_experiment_by_name(name))]
            runs = client.search_runs(homes, "attributes.status = 'RUNNING'", max_results=1000) if homes else []
            made = {one.run_id: one.version for one in self.versions()} if runs else {}
            found = [
                Unended(
                    run_id=one.info.run_id,
                    began=datetime.fromtimestamp(one.info.start_time / 1000, UTC),
                    version=made.get(one.info.run_id),
                )
                for one in runs
            ]
        return sorted(found, key=lambda one: (one.began, one.run_id))

    def settle(self, before: datetime | None = None) -> list[Unended]:
        """End the runs that were killed between their version and their end.

        Args:
            before: those that began earlier and have made no version are given up, too, with what they left of a
                bundle; None gives up none, since a training may be at work.

        Returns:
            The runs that were ended.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        ended = [one for one in self.unended() if one.version or (before is not None and one.began < before)]
        for one in ended:
            self.run(one.run_id).end("FINISHED" if one.version else "KILLED")
            if self._tracking.local and not one.version:
                shutil.rmtree(self.artifacts / one.run_id, ignore_errors=True)
        return ended

    def data_versions(self) -> set[int]:
        """The versions of the price table that any registered version of any model was trained on.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            every = client.search_model_versions(max_results=10_000)
        return {int(one.tags["data_version"]) for one in every if one.tags.get("data_version", "").isdecimal()}

    def versions(self) -> list[Version]:
        """All versions, newest first; none while nothing is registered.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            aliases: dict[str, list[str]] = {}
            for alias, number in self._aliases(client).items():
                aliases.setdefault(str(number), []).append(alias)
            found = [
                _version(one, aliases.get(str(one.version), ()))
                for one in client.search_model_versions(f"name = '{self.name}'")
            ]
            return sorted(found, key=lambda one: int(one.version), reverse=True)

    def get(self, version: str) -> Version:
        """One version.

        Raises:
            UnknownVersion: the model has no such version.
            RegistryUnavailable: the registry does not answer.
        """
        for one in self.versions():
            if one.version == version:
                return one
        raise UnknownVersion(self.name, version)

    def by_alias(self, alias: str = CHAMPION) -> Version:
        """The version that carries an alias.

        Raises:
            NoModel: none does.
            RegistryUnavailable: the registry does not answer.
        """
        state = state_of(self._tracking.database) if self._tracking.local else None
        with self._answers() as client:
            try:
                found = _version(client.get_model_version_by_alias(self.name, alias), (alias,))
            except MlflowException as error:
                if error.error_code in _ABSENT:
                    raise NoModel(self.name, alias) from None
                raise
        if alias == CHAMPION and state is not None and state != self._noted:
            note(self.artifacts, found, state)
            self._noted = state
        return found

    def bundle_path(self, version: Version) -> Path:
        """The bundle of a version as a local directory, downloaded where it is not local.

        Raises:
            RegistryUnavailable: it cannot be had.
        """
        # A local registry finds its bundles beside itself, so that its folder can be moved or mounted elsewhere.
        beside = self.artifacts / version.run_id / "artifacts" / _BUNDLE
        if self._tracking.local and beside.is_dir():
            return beside
        with self._answers() as client:
            source = client.get_model_version(self.name, version.version).source or ""
            local = Path(unquote(urlparse(source).path))
            if urlparse(source).scheme in ("", "file"):
                return local  # reading it says what is wrong with it, if anything is
            return self._tracking.downloaded(source, version)

    def names(self) -> list[str]:
        """The names of all models that the registry has, sorted.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            found, token = [], None
            while True:
                page = client.search_registered_models(max_results=1000, page_token=token)
                found += [one.name for one in page]
                token = page.token
                if not token:
                    return sorted(found)

    def file(self, version: Version, name: str) -> bytes:
        """One file of a version's bundle; of a remote one it alone is fetched. Who uses it verifies it.

        Raises:
            RegistryUnavailable: it cannot be had.
        """
        with self._answers() as client:
            beside = self.artifacts / version.run_id / "artifacts" / _BUNDLE
            if self._tracking.local and beside.is_dir():
                return (beside / name).read_bytes()
            source = client.get_model_version(self.name, version.version).source or ""
            return self._tracking.file(f"{source}/{name}")

    def is_named(self, version: Version) -> bool:
        """Whether an alias names a version, or the champions that a rollback goes back to.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            found = client.get_registered_model(self.name)
        return version.version in {*map(str, found.aliases.values()), *json.loads(found.tags.get(_HISTORY, "[]"))}

    def succeed(self, earlier: Version, later: Version) -> None:
        """Let a version take the place of another one, under its aliases and among the champions that there were.

        Killed, it is done once, however often it is begun.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            aliases = [alias for alias, number in self._aliases(client).items() if number == earlier.version]
            for alias in aliases:
                client.set_registered_model_alias(self.name, alias, later.version)
            known: list[str] = json.loads(client.get_registered_model(self.name).tags.get(_HISTORY, "[]"))
            history = list(dict.fromkeys(later.version if one == earlier.version else one for one in known))
            if history != known:
                client.set_registered_model_tag(self.name, _HISTORY, json.dumps(history))
        if CHAMPION in aliases:
            self.by_alias()  # which notes it

    def set_alias(self, alias: str, version: Version) -> None:
        """Give an alias to a version; whichever had it loses it.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            client.set_registered_model_alias(self.name, alias, version.version)

    def promote(self, version: Version) -> None:
        """Make a version the champion and remember which it succeeds. Whoever went back from it before has been heard.

        Raises:
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            history = [one for one in self._history(client)[0] if one != version.version] + [version.version]
            # The alias first: of a promotion that is killed after it, the history knows by the alias.
            client.set_registered_model_alias(self.name, CHAMPION, version.version)
            client.delete_model_version_tag(self.name, version.version, ROLLED_BACK)
            client.set_registered_model_tag(self.name, _HISTORY, json.dumps(history))
            if self._aliases(client).get(CHALLENGER) == version.version:
                client.delete_registered_model_alias(self.name, CHALLENGER)
        self.by_alias()  # which notes it

    def earlier(self) -> Version:
        """The champion before this one, or this one where a rollback to it was killed before it was done.

        Raises:
            NoModel: there was none before.
            RegistryUnavailable: the registry does not answer.
        """
        with self._answers() as client:
            history, complete = self._history(client)
        if complete and len(history) < 2:
            raise NoModel(self.name, "earlier champion")
        return self.get(history[-2 if complete else -1])

    def rollback(self) -> Version:
        """Make the champion before this one the champion again, and mark this one as gone back from.

        A rollback that was killed is done once, however often it is begun.

        Raises:
            NoModel: there was none before.
            RegistryUnavailable: the registry does not answer.
        """
        previous = self.earlier()
        with self._answers() as client:
            history, _ = self._history(client)
            if history[-1] != previous.version:
                moment = datetime.now(UTC).isoformat(timespec="seconds")
                # The mark first: by it the history knows of a rollback that is killed.
                client.set_model_version_tag(self.name, history.pop(), ROLLED_BACK, moment)
                client.set_registered_model_alias(self.name, CHAMPION, previous.version)
            client.set_registered_model_tag(self.name, _HISTORY, json.dumps(history))
        self.by_alias()  # which notes it
        return previous

    def _answers(self) -> AbstractContextManager[MlflowClient]:
        """The client; whatever mlflow raises inside becomes an error of ours."""
        return self._tracking.answers()

    def _unfinished(self, client: MlflowClient, run_id: str) -> bool:
        try:
            info = client.get_run(run_id).info
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return False
            raise
        return info.status != "FINISHED" and info.lifecycle_stage == "active"

    def _experiment(self, client: MlflowClient) -> str:
        """The experiment that holds the model's runs; a local one keeps its bundles beside the database."""
        location = str(self.artifacts) if self._tracking.local else None
        for name in self._homes:
            found = client.get_experiment_by_name(name)
            if found is None:
                made: str = client.create_experiment(name, artifact_location=location)
                return made
            if location is None or found.artifact_location == location:
                existing: str = found.experiment_id
                return existing
        raise MlflowException(f"the experiment {self.name} keeps its artifacts elsewhere")

    @property
    def _homes(self) -> tuple[str, ...]:
        """The names that the experiment may have; the second where the first keeps its bundles elsewhere."""
        return (self.name, f"{self.name} in {self.artifacts if self._tracking.local else None}")

    def _create(self, client: MlflowClient) -> None:
        try:
            client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _aliases(self, client: MlflowClient) -> dict[str, str]:
        try:
            aliases = client.get_registered_model(self.name).aliases
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return {}
            raise
        return {alias: str(number) for alias, number in aliases.items()}

    def _history(self, client: MlflowClient) -> tuple[list[str], bool]:
        """The champions, this one last, and whether no rollback was killed between the alias and the history.

        The alias says which version is the champion; of what comes after it in the history, a rollback has marked what
        somebody went back from.
        """
        try:
            found = client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return [], True
            raise
        history: list[str] = json.loads(found.tags.get(_HISTORY, "[]"))
        champion = found.aliases.get(CHAMPION)
        if champion is None or history[-1:] == [str(champion)]:
            return history, True
        champion = str(champion)
        at = history.index(champion) if champion in history else len(history)
        later = history[at + 1 :]
        marked = {
            str(one.version)
            for one in (client.search_model_versions(f"name = '{self.name}'") if later else ())
            if ROLLED_BACK in one.tags
        }
        kept = [one for one in later if one not in marked]
        return [*history[:at], *kept, champion], len(kept) == len(later)


def _version(found: ModelVersion, aliases: Iterable[str] = ()) -> Version:
    return Version(
        name=found.name,
        version=str(found.version),
        aliases=tuple(sorted(aliases)),
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        tags=dict(found.tags),
        run_id=found.run_id or "",  # a version that someone registered by hand has none
    )
