"""Load and unload versions until the catalogue contains exactly the versions that are to be served.

As in TensorFlow Serving's `AvailabilityPreservingPolicy`, a version is unloaded only after its successor has been
loaded and its last caller has been answered.
"""

import asyncio
import ctypes
import gc
import logging
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from data_pipeline.errors import UserError
from serving.model_repository.layout import WARM_UP_FILE
from serving.model_repository.served_models import ServedModel
from serving.server.catalogue import Catalogue, ServedVersion
from serving.server.metrics import Metrics
from serving.server.request_error import RequestError
from serving.server.servable import Servable

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 60.0
"""Seconds after which a version that could not be loaded is tried again, as in TensorFlow Serving."""

_POLL_SECONDS = 0.01
"""Seconds between two checks whether the last caller of a version has been answered."""

_MAX_WARM_UP_REQUESTS = 1_000
"""TensorFlow Serving refuses a model with more warm-up requests."""


class VersionManager:
    """Loads and unloads the versions of a catalogue. It must be used on one event loop.

    Args:
        catalogue: The catalogue to manage.
        metrics: Metrics to update.
    """

    def __init__(self, catalogue: Catalogue, metrics: Metrics):
        self._catalogue = catalogue
        self._metrics = metrics
        self._one_at_a_time = asyncio.Lock()
        self._failed_at: dict[ServedVersion, float] = {}

    async def serve(self, wanted: Sequence[ServedModel]) -> list[str]:
        """Load missing versions, move the labels, and unload versions that are no longer wanted, without failing calls.

        Args:
            wanted: All models, versions and labels that are to be served.

        Returns:
            Error messages of the wanted versions that could not be loaded; empty if there are none. A label of such a
            version stays where it was.
        """
        async with self._one_at_a_time:
            for name, added in [(model.name, version) for model in wanted for version in self._added(model)]:
                await self._load(name, added)
            self._catalogue.labels = {model.name: self._labels(model) for model in wanted}
            for name, version in self._left_over(wanted):
                await self._unload(name, version)
            return [
                self._catalogue.models[model.name][number].error
                for model in wanted
                for number in model.versions
                if not self._catalogue.models[model.name][number].is_available
            ]

    async def close(self) -> None:
        """Unload everything."""
        await self.serve([])

    def _added(self, model: ServedModel) -> list[ServedVersion]:
        """Add the versions of a model to the catalogue that are new or are to be tried again."""
        versions = self._catalogue.models.setdefault(model.name, {})
        now = asyncio.get_running_loop().time()
        added = []
        for number, folder in model.versions.items():
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
            _log.info("loaded version %d of %s from %s", version.number, name, version.folder)
        except UserError as error:
            version.state, version.error = ModelVersionStatus.END, str(error)
            self._failed_at[version] = asyncio.get_running_loop().time()
            _log.error("%s", error)
        self._metrics.loaded(str(version.folder), version.is_available)

    def _labels(self, model: ServedModel) -> dict[str, int]:
        before = self._catalogue.labels.get(model.name, {})
        labels = {}
        for label, number in model.labels.items():
            if self._catalogue.models[model.name][number].is_available:
                labels[label] = number
            elif label in before:
                labels[label] = before[label]
        return labels

    def _left_over(self, wanted: Sequence[ServedModel]) -> list[tuple[str, ServedVersion]]:
        """The versions that are no longer wanted, each with the name of its model."""
        numbers = {model.name: model.versions for model in wanted}
        left_over = []
        for name, versions in self._catalogue.models.items():
            keep = numbers.get(name, {})
            if keep and not any(versions[number].is_available for number in keep):
                continue  # keep the old version, because no new one could be loaded
            labelled = self._catalogue.labels.get(name, {}).values()
            left_over += [
                (name, version)
                for number, version in versions.items()
                if version.is_available and number not in keep and number not in labelled
            ]
        return left_over

    async def _unload(self, name: str, version: ServedVersion) -> None:
        version.state = ModelVersionStatus.UNLOADING
        while version.callers:
            await asyncio.sleep(_POLL_SECONDS)
        servable, version.servable = version.servable, None
        if servable is not None:
            await asyncio.to_thread(_free, servable)
        version.state = ModelVersionStatus.END
        _log.info("unloaded version %d of %s", version.number, name)


def _load(name: str, version: ServedVersion) -> Servable:
    servable = Servable.load(name, version.number, version.folder)
    try:
        _warm_up(servable, version.folder)
    except UserError:
        servable.close()
        raise
    return servable


def _warm_up(servable: Servable, folder: Path) -> None:
    """Run the warm-up requests of a model, if it has any, so that the first caller need not wait for the first run.

    Raises:
        UserError: If the file is damaged, or the model refuses one of its own requests.
    """
    path = folder / WARM_UP_FILE
    if not path.is_file():
        return
    number = 1
    try:
        for record in tf.data.TFRecordDataset(str(path)).take(_MAX_WARM_UP_REQUESTS):
            request = PredictionLog.FromString(record.numpy()).predict_log.request
            servable.predict(request.model_spec.signature_name, request.inputs, request.output_filter)
            number += 1
    except (RequestError, tf.errors.OpError, DecodeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"request {number} of {path} fails ({reason}): export the model again") from error


def _free(servable: Servable) -> None:
    """Close a model and return its memory to the operating system, which the C library would keep otherwise."""
    servable.close()
    del servable
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
