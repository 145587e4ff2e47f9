"""The repository that the suite needs, for any server: `python -m tests.serving.conformance.repository FOLDER`.

Two versions of a small MobileNet with random weights, `stable` and `canary`, with batching and monitoring.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.emotion import LABELS
from serving.export.saved_model import export_model
from training.families.mobilenet.family import FAMILY
from training.families.mobilenet.network import build
from training.families.mobilenet.recipe import MobileNetSettings
from training.front_end import LogMelFrontEnd
from training.run.recogniser import Recogniser

MODEL = "mobilenet"

_CONFIG = """
model_config_list { config {
  name: "mobilenet" base_path: "/models/mobilenet" model_platform: "tensorflow"
  model_version_policy { specific { versions: 1 versions: 2 } }
  version_labels { key: "stable" value: 1 }
  version_labels { key: "canary" value: 2 }
} }
"""


def write(models: Path) -> None:
    """Write the repository."""
    for seed in (1, 2):
        export_model(_recogniser(seed), models, MODEL)
    (models / "models.config").write_text(_CONFIG)


def _recogniser(seed: int) -> Recogniser:
    keras.utils.set_random_seed(seed)
    front_end = LogMelSettings()
    model = build(MobileNetSettings(alpha=0.25, norm_momentum=0.0), len(LABELS), front_end)
    # Norms that fit their inputs; otherwise every clip would be answered alike.
    backbone = model.get_layer("backbone")
    backbone(np.random.default_rng(seed).normal(-2, 2, (16, *backbone.input_shape[1:])), training=True)
    return Recogniser(model, tuple(map(str, LABELS)), LogMelFrontEnd(front_end), FAMILY)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
