"""Embeddings of clips under a backbone that does not learn, computed once and kept on disk.

A clip's embedding is found by a hash of its samples, so that datasets, folds and trials that share clips share their
embeddings, too. The folder may be deleted at any time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import platformdirs
import xxhash

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing
from training.accelerator import compiles
from training.families.transformer.classifier import TransformerClassifier

_KEY_BYTES = 16

_AT_ONCE = 16
"""Number of clips of one run of the network."""

_SORTED = 512
"""Number of clips that are sorted by length, so that those of one run need little padding; then they are written."""

_COMPILED_LENGTHS = SAMPLE_RATE // 2
"""Samples. Where a network is compiled for each shape, lengths are multiples of this: then there are few."""


def default_folder() -> Path:
    """Where embeddings are kept: `ser/embeddings` in the user's cache folder, such as `~/.cache` or $XDG_CACHE_HOME."""
    return Path(platformdirs.user_cache_dir("ser")) / "embeddings"


class EmbeddingStore:
    """Embeddings of one network by the hash of the clip, in a folder of files that are never changed.

    Several processes may write at the same time. What two of them write for one clip is the same.

    Args:
        folder: Made when something is written.
        size: Size of an embedding.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._size = size
        self._values: dict[bytes, tuple[np.ndarray, int]] = {}
        self._read: set[Path] = set()

    def refresh(self) -> None:
        """Find what was written since the last call, by this process or by others."""
        for path in sorted(self._folder.glob("*.npy")):
            if path in self._read or path.name.startswith("."):
                continue
            self._read.add(path)
            try:
                rows = np.load(path, mmap_mode="r")
                keys = path.with_suffix(".keys").read_bytes()
            except (OSError, ValueError):
                # Half copied, or deleted meanwhile: its clips are computed again.
                continue
            if rows.shape == (len(keys) // _KEY_BYTES, self._size) and rows.dtype == np.float32:
                for row in range(len(rows)):
                    self._values[keys[row * _KEY_BYTES : (row + 1) * _KEY_BYTES]] = (rows, row)

    def __contains__(self, key: bytes) -> bool:
        return key in self._values

    def __getitem__(self, key: bytes) -> np.ndarray:
        """float32 [size], the embedding of a clip."""
        rows, row = self._values[key]
        return rows[row]

    def add(self, keys: Sequence[bytes], values: np.ndarray) -> None:
        """Write embeddings.

        Args:
            keys: The hash of each clip.
            values: float32 [clips, size].

        Raises:
            UserError: If the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{self._folder} cannot be made ({error.strerror}), where embeddings are kept: set XDG_CACHE_HOME to a "
                "folder with room"
            ) from error
        joined = b"".join(keys)
        path = self._folder / f"{xxhash.xxh3_64_hexdigest(joined)}.npy"
        # The keys first: a file of embeddings without its keys would be of no use.
        with replacing(path.with_suffix(".keys")) as part:
            part.write_bytes(joined)
        with replacing(path) as part, part.open("wb") as file:
            np.save(file, values.astype(np.float32))
        self.refresh()


class Embedder:
    """Computes embeddings, and finds those that are kept.

    Args:
        classifier: Its backbone and pooling must not learn.
        folder: Folder with a subfolder for each network. Defaults to `default_folder()`.
    """

    def __init__(self, classifier: TransformerClassifier, folder: Path | None = None) -> None:
        self.size = classifier.embedding_size
        self._network = _EmbeddingModel(classifier)
        digest = network_digest(classifier)
        self._store = EmbeddingStore((folder or default_folder()) / digest, self.size)

    def embeddings(
        self, batches: Iterable[Mapping[str, np.ndarray]], on_clips: Callable[[int], None] = lambda _: None
    ) -> np.ndarray:
        """The embeddings of clips.

        Args:
            batches: `waveform`, float32 [batch, samples], and `num_samples`, int32 [batch].
            on_clips: Called with the number of clips whose embeddings were computed or found since the last call.

        Returns:
            float32 [clips, size], in the order of the clips.

        Raises:
            UserError: If the cache cannot be written.
        """
        self._store.refresh()
        keys: list[bytes] = []
        missing: dict[bytes, np.ndarray] = {}
        for clip in _clips(batches):
            key = xxhash.xxh3_128_digest(clip.data)
            keys.append(key)
            if key in self._store:
                on_clips(1)
            else:
                missing[key] = clip
            if len(missing) == _SORTED:
                self._compute(missing, on_clips)
                missing = {}
        if missing:
            self._compute(missing, on_clips)
        found = np.empty((len(keys), self.size), np.float32)
        for row, key in enumerate(keys):
            found[row] = self._store[key]
        return found

    def _compute(self, clips: Mapping[bytes, np.ndarray], on_clips: Callable[[int], None]) -> None:
        keys = sorted(clips, key=lambda key: len(clips[key]))
        rows = []
        for start in range(0, len(keys), _AT_ONCE):
            together = [clips[key] for key in keys[start : start + _AT_ONCE]]
            rows.append(self._network.predict_on_batch(_batch(together))[: len(together)])
            on_clips(len(together))
        self._store.add(keys, np.concatenate(rows))


class _EmbeddingModel(keras.Model):
    """A classifier without its last layers."""

    def __init__(self, classifier: TransformerClassifier) -> None:
        super().__init__(autocast=False, name="embedder")
        self.classifier = classifier
        self.built = True

    def call(self, inputs):
        return self.classifier.embed(inputs)


def network_digest(classifier: TransformerClassifier) -> str:
    """A hash of everything that decides the embeddings of a classifier with `statistics` pooling."""
    digest = xxhash.xxh3_128()
    settings = asdict(classifier.backbone.settings)
    described: dict[str, Any] = {"backbone": type(classifier.backbone).__name__, "settings": settings}
    described |= {"pooling": classifier.head.pooling, "policy": classifier.dtype_policy.name}
    digest.update(json.dumps(described, sort_keys=True).encode())
    for name, array in sorted(classifier.backbone_arrays().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _clips(batches: Iterable[Mapping[str, np.ndarray]]) -> Iterator[np.ndarray]:
    for batch in batches:
        for waveform, samples in zip(batch["waveform"], batch["num_samples"], strict=True):
            yield np.ascontiguousarray(waveform[:samples])


def _batch(clips: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Clips padded to the longest; where the network is compiled, to one of few shapes."""
    multiple, rows = (_COMPILED_LENGTHS, _AT_ONCE) if compiles() else (1, len(clips))
    longest = max(map(len, clips))
    waveform = np.zeros((rows, -(-longest // multiple) * multiple), np.float32)
    num_samples = np.ones(rows, np.int32)
    for row, clip in enumerate(clips):
        waveform[row, : len(clip)] = clip
        num_samples[row] = len(clip)
    return {"waveform": waveform, "num_samples": num_samples}
