"""Batches of embeddings, for a head that learns above a backbone that does not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.augment import AugmentSettings
from data_pipeline.dataset import Dataset
from data_pipeline.targets import Target
from training.families.transformer.embeddings import Embedder

_READ_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Options:
    """Arguments of `input_pipeline.waveforms` that have a meaning for embeddings."""

    batch_size: int
    training: bool = False
    epoch: int = 0
    seed: int = 0
    augment: AugmentSettings | None = None
    crop_seconds: float | None = None
    target: Target | None = None
    part: None = None


@dataclass(slots=True)
class EmbeddingFrontEnd:
    """Embeddings: `embedding` float32 [batch, size]. It is for training only: the run's model takes waveforms.

    In training, each clip of an epoch is one of its copies, drawn anew for every epoch. `augment.mixup` mixes pairs of
    clips.

    Attributes:
        embedder: Computes embeddings.
        copies: Number of copies of each training clip, each changed by `augment` in its own way.
        on_clips: Called with the number of clips whose embeddings are there since the last call.
    """

    kind: ClassVar[str] = "embedding"
    sample_rate: ClassVar[int] = SAMPLE_RATE
    embedder: Embedder
    copies: int
    on_clips: Callable[[int], None] = lambda _: None
    _kept: dict[Any, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def inputs(self, waveform: tf.Tensor, num_samples: tf.Tensor) -> dict[str, Any]:  # noqa: ARG002  as `FrontEnd` has it
        """See `FrontEnd`: a graph of waveforms takes the whole model."""
        raise TypeError("EmbeddingFrontEnd is for training. Received: a waveform")

    def batches(self, dataset: Dataset, split: str, **options: Any) -> tf.data.Dataset:
        """See `FrontEnd`; a team of replicas, and a telephone channel for all clips, take the whole model."""
        wanted = _Options(**options)
        numbers = range(self.copies) if wanted.training else (None,)
        copies = [self._embeddings(dataset, split, wanted, number) for number in numbers]
        clips, classes = copies[0][1].shape
        random = np.random.default_rng([wanted.seed, wanted.epoch])
        order = random.permutation(clips) if wanted.training else np.arange(clips)
        drawn = np.asarray(random.integers(len(copies), size=clips))
        mixup = wanted.augment.mixup if wanted.training and wanted.augment else 0.0
        # Shares from one half on, so that a clip's own label outweighs that of its partner.
        shares = random.beta(mixup, mixup, size=clips) if mixup else np.ones(clips)
        shares = np.maximum(shares, 1 - shares).astype(np.float32)
        partners = random.permutation(clips)

        def rows() -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
            for start in range(0, clips, wanted.batch_size):
                chosen = order[start : start + wanted.batch_size]
                values, labels = _taken(copies, drawn, chosen)
                if mixup:
                    others, their_labels = _taken(copies, drawn, partners[chosen])
                    share = shares[chosen][:, None]
                    values = share * values + (1 - share) * others
                    labels = share * labels + (1 - share) * their_labels
                yield {"embedding": values}, labels

        signature = (
            {"embedding": tf.TensorSpec((None, self.embedder.size), tf.float32)},
            tf.TensorSpec((None, classes), tf.float32),
        )
        made = tf.data.Dataset.from_generator(rows, output_signature=signature)
        return made.apply(tf.data.experimental.assert_cardinality(-(-clips // wanted.batch_size))).prefetch(2)

    def _embeddings(
        self, dataset: Dataset, split: str, wanted: "_Options", number: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings and labels of the clips of a split, or of a changed copy of each."""
        # Pairs are mixed later, so that the copies are the same for every strength of mixup.
        augment = wanted.augment and replace(wanted.augment, mixup=0.0)
        changes = (wanted.seed, augment, wanted.crop_seconds) if number is not None else (0, None, None)
        key = (dataset.fingerprint, split, wanted.target, number, changes)
        if key not in self._kept:
            seed, augment, crop_seconds = changes
            clips = input_pipeline.waveforms(
                dataset,
                split,
                batch_size=_READ_AT_ONCE,
                target=wanted.target,
                seed=seed,
                augment=augment,
                crop_seconds=crop_seconds,
                copy=number,
            )
            labels: list[np.ndarray] = []

            def waveforms() -> Iterator[dict[str, np.ndarray]]:
                for features, label in clips.as_numpy_iterator():
                    labels.append(label)
                    yield features

            values = self.embedder.embeddings(waveforms(), self.on_clips)
            self._kept[key] = values, np.concatenate(labels)
        return self._kept[key]

    def padding(self) -> dict[str, float]:
        """See `FrontEnd`: embeddings have no time axis."""
        return {}

    def to_config(self) -> dict[str, Any]:
        """See `FrontEnd`: the run's model takes waveforms."""
        raise TypeError("EmbeddingFrontEnd is for training, and no run has it")


def _taken(
    copies: list[tuple[np.ndarray, np.ndarray]], drawn: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and labels of the chosen clips, each of the copy that was drawn for it."""
    values = np.stack([copies[drawn[clip]][0][clip] for clip in chosen])
    return values, copies[0][1][chosen]
