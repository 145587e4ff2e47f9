"""Which versions of which models there are, in which state, and which of them a request means.

Used on the event loop only.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.refusal import invalid, not_found
from serving.server.servable import Servable


@dataclass(eq=False)
class ServedVersion:
    """One version of a model, from the day the server hears of it.

    Attributes:
        number: Of the version.
        folder: Its SavedModel.
        state: TensorFlow Serving's; END also where it could not be loaded.
        error: Why it could not be loaded; empty where nothing went wrong.
        servable: The model, while the state is AVAILABLE.
        callers: How many requests are using it.
    """

    number: int
    folder: Path
    state: ModelVersionStatus.State = ModelVersionStatus.START
    error: str = ""
    servable: Servable | None = None
    callers: int = 0

    @property
    def is_available(self) -> bool:
        """Whether it can be asked."""
        return self.state == ModelVersionStatus.AVAILABLE

    @property
    def is_over(self) -> bool:
        """Whether it has been unloaded, or could not be loaded."""
        return self.state == ModelVersionStatus.END


@dataclass
class Catalogue:
    """All versions, those that have ended included, as TensorFlow Serving remembers them.

    Attributes:
        models: By name, then by version.
        labels: By model name, then by label: the version meant.
    """

    models: dict[str, dict[int, ServedVersion]] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def available(self) -> dict[str, tuple[int, ...]]:
        """Of each model the versions that can be asked, lowest first; none of models that have none."""
        found = {
            name: tuple(sorted(number for number, version in versions.items() if version.is_available))
            for name, versions in sorted(self.models.items())
        }
        return {name: numbers for name, numbers in found.items() if numbers}

    @contextmanager
    def borrowed(self, spec: ModelSpec) -> Iterator[Servable]:
        """The version that a request means; it stays loaded until it is given back.

        Args:
            spec: Names or labels the version; otherwise it is the newest.

        Raises:
            Refusal: If there is none.
        """
        version = self._find(spec)
        assert version.servable is not None
        version.callers += 1
        try:
            yield version.servable
        finally:
            version.callers -= 1

    def statuses(self, spec: ModelSpec) -> list[ServedVersion]:
        """The versions that a request for a model's status asks about: one, or all, the newest first.

        Raises:
            Refusal: If there is none.
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
