"""Training in a process of its own: tensorflow stays out of the pass's, and its memory goes back when it is done.

Started as `python -m forecaster.pipeline.training` with the order as JSON on its standard input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from data.errors import DataError
from data.store import PriceStore
from forecaster.backtest.orphan import end_with
from forecaster.bundle import read_bundle
from forecaster.errors import ForecasterError, NoModel
from forecaster.experiment import run_experiment
from forecaster.pipeline.due import chosen
from forecaster.pipeline.errors import StepFailed
from forecaster.pipeline.record import TAG
from forecaster.pipeline.wire import Told, settings_from_dict, settings_to_dict
from forecaster.quiet import native_stderr_withheld
from forecaster.registry import Registry
from forecaster.settings import Settings
from forecaster.spec import ModelSpec, TrainSpec, load_specs
from forecaster.start import read_start
from forecaster.step import Step
from forecaster.version import CHAMPION


def in_own_process(settings: Settings, tag: str, start: str, say: Callable[[str], None]) -> str:
    """See `place.Train`. A training that was killed goes on from its checkpoint.

    Raises:
        StepFailed: it did not come to an end.
    """
    order = {"settings": settings_to_dict(settings), "tag": tag, "start": start, "parent": os.getpid()}
    with subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(order))
        child.stdin.close()
        answer: dict[str, Any] = {}
        for line in child.stdout:
            told = json.loads(line)
            if "say" in told:
                say(told["say"])
            else:
                answer = told
        code = child.wait()
    if "version" in answer:
        return str(answer["version"])
    if "error" in answer:
        raise StepFailed(answer["message"], {"error": answer["error"]})
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    raise StepFailed(f"the process that trains {ended} without a word; it goes on from its checkpoint", {"code": code})


def train_challenger(settings: Settings, tag: str, start: str, say: Callable[[str], None]) -> str:
    """See `place.Train`: in this process, which then holds tensorflow.

    Raises:
        ForecasterError, DataError: as `run_experiment`.
    """

    def progress(step: Step) -> None:
        if not step.passing:
            say(step.text)

    store = PriceStore(settings.store_uri)
    registry = Registry(settings.registry_uri, settings.artifacts, settings.model)
    file = settings.retrain.spec
    begin = read_start(registry, CHAMPION) if start == CHAMPION else None
    spec, training = begin.specs(file, ()) if begin else load_specs(file, base=_champions(registry))
    made = run_experiment(
        store,
        registry,
        spec,
        training,
        symbols=chosen(settings, store),
        progress=progress,
        start=begin,
        checkpoints=settings.home / "training",
        tags={TAG: tag},
    )
    return made.version.version


def _champions(registry: Registry) -> tuple[ModelSpec, TrainSpec] | None:
    """What a network from scratch is like where nothing else is said: as the champion, None where there is none."""
    try:
        bundle = read_bundle(registry.bundle_path(registry.by_alias()))
    except NoModel:
        return None
    training = bundle.train_spec
    if "from" in bundle.manifest["training"]:  # the rate of fine-tuning finds nothing from scratch
        training = replace(training, learning_rate=TrainSpec().learning_rate)
    return bundle.spec, training


def _main() -> None:
    told = Told()
    order = json.load(sys.stdin)
    end_with(order["parent"])
    if os.getppid() != order["parent"]:  # it was killed before this one was ready
        sys.exit(1)
    with native_stderr_withheld(DataError, ForecasterError, OSError):
        try:
            made = train_challenger(settings_from_dict(order["settings"]), order["tag"], order["start"], told.say)
        except (DataError, ForecasterError, OSError) as error:
            told.send({"error": type(error).__name__, "message": f"{error}"})
            sys.exit(1)
    told.send({"version": made})


if __name__ == "__main__":
    _main()
