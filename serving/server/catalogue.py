"""All models and versions that the server knows, their states, and the version that a request refers to.

It must be used on the event loop only.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.request_error import invalid, not_found
from serving.server.servable import Servable


@dataclass(eq=False)
class ServedVersion:
    """A version of a model that the server knows, in any state.

    Attributes:
        number: Version number.
        folder: Folder of the SavedModel.
        state: State as in TensorFlow Serving; END also if the version could not be loaded.
        error: Why the version could not be loaded; empty if there was no error.
        servable: The loaded model while the state is AVAILABLE.
        callers: Number of requests that are using the version.
    """

    number: int
    folder: Path
    state: ModelVersionStatus.State = ModelVersionStatus.START
    error: str = ""
    servable: Servable | None = None
    callers: int = 0

    @property
    def is_available(self) -> bool:
        """Whether the version is loaded."""
        return self.state == ModelVersionStatus.AVAILABLE

    @property
    def is_over(self) -> bool:
        """Whether the version has been unloaded, or could not be loaded."""
        return self.state == ModelVersionStatus.END


@dataclass
class Catalogue:
    """All versions of all models. Like TensorFlow Serving, it keeps those that have been unloaded.

    Attributes:
        models: Versions by the name of the model and the version number.
        labels: Version numbers by the name of the model and the label.
    """

    models: dict[str, dict[int, ServedVersion]] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def available(self) -> dict[str, tuple[int, ...]]:
        """The loaded versions of each model, lowest first. Models without a loaded version are left out."""
        found = {
            name: tuple(sorted(number for number, version in versions.items() if version.is_available))
            for name, versions in sorted(self.models.items())
        }
        return {name: numbers for name, numbers in found.items() if numbers}

    @contextmanager
    def borrowed(self, spec: ModelSpec) -> Iterator[Servable]:
        """The version that a request refers to. It stays loaded until the `with` block ends.

        Args:
            spec: Model, and number or label of the version; without either, the newest version is used.

        Raises:
            RequestError: If the version is not loaded.
        """
        version = self._find(spec)
        assert version.servable is not None
        version.callers += 1
        try:
            yield version.servable
        finally:
            version.callers -= 1

    def statuses(self, spec: ModelSpec) -> list[ServedVersion]:
        """The versions that a request for a model's status refers to: one version, or all, the newest first.

        Raises:
            RequestError: If there is no such version.
        """
        versions = self.models.get(spec.name, {})
        wanted = self._wanted_version(spec)
        if wanted is None and not versions:
            raise not_found(f"Could not find any versions of model {spec.name}")
        if wanted is None:
            return [versions[number] for number in sorted(versions, reverse=True)]
        if wanted not in versions:
            raise not_found(f"Could not find version {wanted} of model {spec.name}")
        return [versions[wanted]]

    def _find(self, spec: ModelSpec) -> ServedVersion:
        versions = self.models.get(spec.name, {})
        wanted = self._wanted_version(spec)
        if wanted is None:
            available = [number for number, version in versions.items() if version.is_available]
            if not available:
                raise not_found(f"Servable not found for request: Latest({spec.name})")
            return versions[max(available)]
        if wanted not in versions or not versions[wanted].is_available:
            raise not_found(f"Servable not found for request: Specific({spec.name}, {wanted})")
        return versions[wanted]

    def _wanted_version(self, spec: ModelSpec) -> int | None:
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        if spec.HasField("version"):
            return spec.version.value
        if not spec.version_label:
            return None
        labels = self.labels.get(spec.name, {})
        if spec.version_label not in labels:
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        return labels[spec.version_label]
