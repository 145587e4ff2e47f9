"""MobileNet weights that were trained elsewhere: AudioSet's `yamnet.h5` and Keras's ImageNet files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import keras
import numpy as np

from data_pipeline.errors import UserError
from training.families.mobilenet.recipe import Body, MobileNetSettings

_VARIABLES = {
    "kernel": "kernel",
    "depthwise_kernel": "kernel",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
}
"""Variable names of the official file, and what Keras 3 calls them."""


@dataclass(frozen=True, slots=True)
class PretrainedWeights:
    """A weights file that was recognised.

    Attributes:
        path: The file.
        body: The matching body of `MobileNetSettings`.
        alpha: The matching width multiplier.
    """

    path: Path
    body: Body
    alpha: float

    @classmethod
    def recognise(cls, path: Path) -> "PretrainedWeights":
        """Find out which weights a file holds.

        Raises:
            UserError: If it is missing, is not HDF5, or holds something else.
        """
        path = Path(path)
        if not path.exists():
            raise UserError(f"{path} does not exist: give --weights a yamnet.h5 or a Keras MobileNet file, or none")
        if path.is_dir() or not h5py.is_hdf5(path):
            raise UserError(f"{path} is not an HDF5 file: give --weights a yamnet.h5 or a Keras MobileNet file")
        with _opened(path) as file:
            first_kernels = [array.shape for array in _arrays(file).values() if array.shape[:2] == (3, 3)]
        bodies: dict[int, Body] = {1: "audioset", 3: "imagenet"}
        for channels, body in bodies.items():
            for shape in first_kernels:
                # Depthwise kernels have their one-to-one multiplier last, so only the first layer's fits.
                if len(shape) == 4 and shape[2] == channels and shape[3] > 1:
                    return cls(path, body, shape[3] / 32)
        raise UserError(f"{path} holds no MobileNet v1: give --weights a yamnet.h5 or a Keras MobileNet file")

    def settings(self, settings: MobileNetSettings) -> MobileNetSettings:
        """The same settings with the body and width of these weights, and norms whose statistics change slowly."""
        return replace(settings, body=self.body, alpha=self.alpha, norm_momentum=0.99)

    def load_into(self, model: keras.Model) -> None:
        """Set the backbone of a network that `mobilenet.build` made with `self.settings(...)`.

        Raises:
            UserError: If a variable is missing from the file or has another shape.
        """
        backbone = model.get_layer("backbone")
        if self.body == "imagenet":
            # Keras finds variables by the layers' places in the network, and ours has a stem of its own.
            donor = keras.applications.MobileNet((224, 224, 3), self.alpha, include_top=False, weights=None)
            try:
                donor.load_weights(self.path)
            except (ValueError, KeyError, OSError) as error:
                raise UserError(f"{self.path} does not fit MobileNet (alpha {self.alpha}): {error}") from error
            backbone.set_weights(donor.get_weights())
            return
        with _opened(self.path) as file:
            arrays = {tuple(name.split("/")): array[()] for name, array in _arrays(file).items()}
        for layer in backbone.layers:
            for variable in layer.weights:
                variable.assign(self._official_array(arrays, layer.name, variable))

    def _official_array(self, arrays: dict[tuple[str, ...], np.ndarray], layer: str, variable) -> np.ndarray:
        """The array for one of our variables; the official norms have no gamma, which is a gamma of one."""
        official = layer.replace("_depthwise_conv", "/depthwise_conv").replace("_pointwise_conv", "/pointwise_conv")
        official = official.replace("layer1_conv", "layer1/conv").replace("_bn", "/bn")
        wanted = {name for name, ours in _VARIABLES.items() if ours == variable.name}
        found = [
            array
            for path, array in arrays.items()
            if "/".join(path).startswith(f"{official}/{official}/") and path[-1].split(":")[0] in wanted
        ]
        if not found and variable.name == "gamma":
            return np.ones(variable.shape, np.float32)
        if len(found) != 1 or found[0].shape != tuple(variable.shape):
            raise UserError(f"{self.path} has no {official} {variable.name} of shape {tuple(variable.shape)}")
        return found[0]


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    try:
        with h5py.File(path) as file:
            yield file
    except OSError as error:
        raise UserError(f"{path} is damaged or incomplete ({error}): download it again") from error


def _arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    arrays: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, item: arrays.__setitem__(name, item) if isinstance(item, h5py.Dataset) else None)
    return arrays
