"""What can go wrong with models. Each error keeps its facts as fields and builds its message from them.

::

    ForecasterError
    ├── SpecError               a spec holds a value that it cannot have
    ├── TrainingUnavailable     the packages for training are not installed
    ├── TrainingStopped         whoever started a training ended it
    ├── TrainingDiverged        the loss is no longer a number
    ├── TrainingBroken          whatever process trains a symbol's network dies
    ├── TrainedElsewhere        what another process met that was to train a symbol's network
    ├── TrainingBusy            another process trains the same model on the same prices
    ├── AlreadyLearnt           a model to go on from has seen what it would be judged on
    ├── CorruptCheckpoint       where a training stood cannot be read
    ├── ParityError             the exported network differs from the trained one
    ├── NotEnoughHistory        a symbol cannot be forecast: too few sessions
    ├── NotFinite               a symbol cannot be forecast: numbers beyond all bounds
    ├── BundleError
    │   ├── CorruptBundle       a file is missing or is not the one that was written
    │   └── UnsupportedBundle   written by another version of this program
    └── RegistryError
        ├── NoModel             no version serves under that name
        ├── UnknownVersion      the model has no such version
        ├── NotRegistered       a network is trained, and the registry went away meanwhile
        └── RegistryUnavailable the registry does not answer

`ledger.errors`, `backtest.errors` and `pipeline.errors` have their own branches of it.
"""

from __future__ import annotations

from pathlib import Path

from data.errors import shown


class ForecasterError(Exception):
    """Base of all errors of the forecaster layer."""


class SpecError(ForecasterError):
    """A spec holds a value that it cannot have."""

    def __init__(self, where: str, expected: str, got: object) -> None:
        self.where = where
        self.expected = expected
        self.got = got
        super().__init__(f"{where}: expected {expected}, got {shown(got)}")


class TrainingUnavailable(ForecasterError):
    """The packages that training needs are not installed."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(
            f"training needs {package}, which this installation leaves out on purpose: "
            "pip install 'stock-forecaster[train]'"
        )


class TrainingStopped(ForecasterError):
    """Whoever started a training ended it; its checkpoint stays, where it keeps one."""

    def __init__(self, epochs: int, *, resumable: bool) -> None:
        self.epochs = epochs
        self.resumable = resumable
        on = "; the same command goes on from there, and --fresh starts anew" if resumable else ""
        super().__init__(f"training was stopped after {epochs} epochs{on}")


class TrainingDiverged(ForecasterError):
    """The loss is no longer a number."""

    def __init__(self, epoch: int, loss: float) -> None:
        self.epoch = epoch
        self.loss = loss
        super().__init__(
            f"training came apart: the loss of epoch {epoch} is {loss}; "
            "try a lower rate, such as --set learning_rate=0.0005, or --set clip_norm=0.1"
        )


class TrainingBroken(ForecasterError):
    """Whatever process trains a symbol's network dies."""

    def __init__(self, symbol: str, tries: int, reason: str) -> None:
        self.symbol = symbol
        self.tries = tries
        self.reason = reason
        super().__init__(
            f"{symbol}: the process that trained died, {tries} times: {reason}; "
            "where memory runs out, --jobs 1 needs less"
        )


class TrainedElsewhere(ForecasterError):
    """What another process met that was to train a symbol's network: the name of its error, and the message."""

    def __init__(self, symbol: str, kind: str, reason: str) -> None:
        self.symbol = symbol
        self.kind = kind
        self.reason = reason
        super().__init__(reason)


class TrainingBusy(ForecasterError):
    """Another process trains the same model on the same prices."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"another process trains exactly this at the moment, with its checkpoint in {path}; wait for it"
        )


class AlreadyLearnt(ForecasterError):
    """A model to go on from has learnt from sessions on which the new one would be judged."""

    def __init__(self, version: str, through: str, span: str, begins: str) -> None:
        self.version = version
        self.through = through
        self.span = span
        self.begins = begins
        super().__init__(
            f"version {version} has learnt from sessions up to {through}, and the {span} span would begin on {begins}: "
            "a model that starts from it could not be judged there. Fetch newer prices, or train without --from"
        )


class CorruptCheckpoint(ForecasterError):
    """Where a training stood cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"the checkpoint {path} {reason}; nothing of it was loaded")


class ParityError(ForecasterError):
    """The exported network does not give what the trained one gives."""

    def __init__(self, largest: float, allowed: float, windows: int) -> None:
        self.largest = largest
        self.allowed = allowed
        self.windows = windows
        super().__init__(
            f"the exported network differs from the trained one by up to {largest:.2e} on {windows} windows; "
            f"allowed is {allowed:.0e}, so it was not registered"
        )


class NotEnoughHistory(ForecasterError):
    """A symbol has too few sessions for one window."""

    def __init__(self, symbol: str, needed: int, found: int, where: str = "are stored; fetch a longer history") -> None:
        self.symbol = symbol
        self.needed = needed
        self.found = found
        self.where = where
        super().__init__(f"{symbol}: the model needs {needed} sessions and {found} {where}")


class NotFinite(ForecasterError):
    """Bars that keep every rule and still lead to no finite forecast."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        super().__init__(
            f"{symbol}: no finite forecast comes of its bars: their numbers are too large or too small. Ask "
            "forecaster doctor about them, and fetch them again where they are wrong"
        )


class BundleError(ForecasterError):
    """Base of errors of a saved model."""


class CorruptBundle(BundleError):
    """A file of the bundle is missing, or is not the one that was written."""

    def __init__(self, path: Path, file: str, reason: str) -> None:
        self.path = path
        self.file = file
        self.reason = reason
        super().__init__(
            f"the model in {path} is damaged: {file} {reason}. Nothing of it was loaded; "
            "restore the file, or promote another version: forecaster models promote VERSION"
        )


class UnsupportedBundle(BundleError):
    """The bundle was written in a form that this version does not read."""

    def __init__(self, path: Path, found: object, supported: int) -> None:
        self.path = path
        self.found = found
        self.supported = supported
        # What is no number is what is wrong with its spec.
        older = isinstance(found, int) and found < supported
        newer = isinstance(found, int) and found > supported
        remedy = (
            "forecaster migrate makes one of that schema of it"
            if older
            else "install the version of this program that wrote it, or a newer one"
            if newer
            else "train it again: forecaster train"
        )
        super().__init__(
            f"the model in {path} has bundle schema {shown(found)}, and this version reads {supported}; {remedy}"
        )


class RegistryError(ForecasterError):
    """Base of errors of the model registry."""


class NoModel(RegistryError):
    """No version of the model carries the alias."""

    def __init__(self, name: str, alias: str) -> None:
        self.name = name
        self.alias = alias
        super().__init__(
            f"the model {name} has no {alias} yet: train one with forecaster train, "
            "or promote a version with forecaster models promote VERSION"
        )


class UnknownVersion(RegistryError):
    """The model has no such version."""

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.version = version
        super().__init__(
            f"the model {name} has no version {shown(version)}; forecaster models list shows what there is"
        )


class RegistryUnavailable(RegistryError):
    """The registry does not answer."""

    def __init__(self, uri: str, reason: str) -> None:
        self.uri = uri
        self.reason = reason
        super().__init__(f"the model registry at {uri} does not answer: {reason}")


class NotRegistered(RegistryError):
    """A network is trained, and the registry went away meanwhile."""

    def __init__(self, cause: RegistryError, kept: Path) -> None:
        self.cause = cause
        self.kept = kept
        super().__init__(
            f"{cause}. The network is trained and kept in {kept}: "
            "the same command registers it when the registry answers again"
        )
