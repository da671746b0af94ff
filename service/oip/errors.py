"""What can be wrong with a request to the network. Each error keeps its facts as fields.

::

    InferenceError
    ├── NotARequest       the body is not what the protocol describes
    ├── TensorError
    │   ├── WrongTensor   its name, datatype or shape is not that of the network which serves
    │   └── WrongContents its numbers are not what it says of them, or not finite
    ├── TooManyWindows    more than one request may ask for
    └── NotServing        another version of the model is asked than the one that serves
"""

from __future__ import annotations

from data.errors import shown


class InferenceError(Exception):
    """Base of errors of a request to the network."""


class NotARequest(InferenceError):
    """The body is not what the protocol describes."""

    def __init__(self, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"not an inference request: expected {expected}, got {found}")


class TensorError(InferenceError):
    """Base of errors about one tensor."""

    def __init__(self, tensor: str, expected: str, found: str) -> None:
        self.tensor = tensor
        self.expected = expected
        self.found = found
        super().__init__(f"tensor {shown(tensor)}: expected {expected}, got {found}")


class WrongTensor(TensorError):
    """A tensor's name, datatype or shape is not that of the network which serves."""


class WrongContents(TensorError):
    """A tensor's numbers are not what it says of them, or not finite."""


class TooManyWindows(InferenceError):
    """More windows than one request may ask for."""

    def __init__(self, windows: int, most: int) -> None:
        self.windows = windows
        self.most = most
        super().__init__(
            f"expected at most {most} windows in one request, got {shown(windows)}; ask for fewer at a time"
        )


class NotServing(InferenceError):
    """Another version is asked than the one that serves."""

    def __init__(self, name: str, version: str, serving: str) -> None:
        self.name = name
        self.version = version
        self.serving = serving
        super().__init__(
            f"version {shown(version)} of {name} does not serve: only version {serving} can be asked, "
            "or leave the version out"
        )
