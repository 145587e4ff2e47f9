"""Loading and unloading, until the catalogue holds what is wanted and nothing else.

As TensorFlow Serving's `AvailabilityPreservingPolicy` does, a version goes only after its successor has come,
and only when its last caller has been answered.
"""

import asyncio
import ctypes
import gc
import logging
from collections.abc import Sequence

from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from data_pipeline.errors import UserError
from serving.server.catalogue import Catalogue, ServedVersion
from serving.server.metrics import Metrics
from serving.server.replay import replay_warm_up
from serving.server.servable import Servable
from serving.server.sources import ModelSource

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 60.0
"""After which a version that could not be loaded is tried again, as by TensorFlow Serving."""

_LOOK_SECONDS = 0.01
"""Between two looks whether the last caller of a version has been answered."""


class VersionManager:
    """Keeps a catalogue as the sources want it; for use on one event loop.

    Args:
        catalogue: To be kept.
        metrics: Where to count.
    """

    def __init__(self, catalogue: Catalogue, metrics: Metrics):
        self._catalogue = catalogue
        self._metrics = metrics
        self._one_at_a_time = asyncio.Lock()
        self._failed_at: dict[ServedVersion, float] = {}

    async def serve(self, sources: Sequence[ModelSource]) -> list[str]:
        """Load what is missing, move the labels, unload what is left over. Callers notice nothing.

        Args:
            sources: All that is to be served. Labels name versions in them.

        Returns:
            Why versions are not available that should be; empty where all is well. A label of such a version
            stays where it was.
        """
        async with self._one_at_a_time:
            for name, added in [(source.name, version) for source in sources for version in self._added(source)]:
                await self._load(name, added)
            self._catalogue.labels = {source.name: self._labels(source) for source in sources}
            for version in self._left_over(sources):
                await self._unload(version)
            return [
                self._catalogue.models[source.name][number].error
                for source in sources
                for number in source.versions
                if not self._catalogue.models[source.name][number].is_available
            ]

    async def close(self) -> None:
        """Unload everything."""
        await self.serve([])

    def _added(self, source: ModelSource) -> list[ServedVersion]:
        """Enter the versions of a model that are new, or are to be tried again."""
        versions = self._catalogue.models.setdefault(source.name, {})
        now = asyncio.get_running_loop().time()
        added = []
        for number, folder in source.versions.items():
            known = versions.get(number)
            if known and (not known.is_over or now < self._failed_at.get(known, -_RETRY_SECONDS) + _RETRY_SECONDS):
                continue
            if known:
                self._failed_at.pop(known, None)
            versions[number] = ServedVersion(number, folder)
            added.append(versions[number])
        return added

    async def _load(self, name: str, version: ServedVersion) -> None:
        version.state = ModelVersionStatus.LOADING
        try:
            version.servable = await asyncio.to_thread(_load, name, version)
            version.state = ModelVersionStatus.AVAILABLE
        except UserError as error:
            version.state, version.error = ModelVersionStatus.END, str(error)
            self._failed_at[version] = asyncio.get_running_loop().time()
            _log.error("%s", error)
        self._metrics.loaded(str(version.folder), version.is_available)

    def _labels(self, source: ModelSource) -> dict[str, int]:
        before = self._catalogue.labels.get(source.name, {})
        labels = {}
        for label, number in source.labels.items():
            if self._catalogue.models[source.name][number].is_available:
                labels[label] = number
            elif label in before:
                labels[label] = before[label]
        return labels

    def _left_over(self, sources: Sequence[ModelSource]) -> list[ServedVersion]:
        wanted = {source.name: source.versions for source in sources}
        left_over = []
        for name, versions in self._catalogue.models.items():
            keep = wanted.get(name, {})
            if keep and not any(versions[number].is_available for number in keep):
                continue  # better the old version than none
            labelled = self._catalogue.labels.get(name, {}).values()
            left_over += [
                version
                for number, version in versions.items()
                if version.is_available and number not in keep and number not in labelled
            ]
        return left_over

    async def _unload(self, version: ServedVersion) -> None:
        version.state = ModelVersionStatus.UNLOADING
        while version.callers:
            await asyncio.sleep(_LOOK_SECONDS)
        servable, version.servable = version.servable, None
        if servable is not None:
            await asyncio.to_thread(_free, servable)
        version.state = ModelVersionStatus.END


def _load(name: str, version: ServedVersion) -> Servable:
    servable = Servable.load(name, version.number, version.folder)
    try:
        replay_warm_up(servable, version.folder)
    except UserError:
        servable.close()
        raise
    return servable


def _free(servable: Servable) -> None:
    """Close a model and give its memory back to the system, which the C library would keep for later."""
    servable.close()
    del servable
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
