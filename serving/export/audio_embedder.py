"""The embeddings of audio, by a run or by an exported model, in this process."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from data_pipeline.audio.decode import padded_batch
from data_pipeline.audio.track import Track
from data_pipeline.errors import UserError
from serving.errors import AudioRejectedError, RecognitionError
from serving.export.signatures import EMBEDDING, signatures
from serving.recognition.audio import Audio, Utterance, refuse_single, utterance_or_error
from serving.recognition.batches import ReadAhead, is_full
from serving.server.recogniser_in_process import newest_version
from serving.server.servable import Servable
from serving.status import RowStatus
from training.run.folder import Run

_BATCH_SIZE = 16

_READ_AT_A_TIME = 16


class AudioEmbedder:
    """Computes the embeddings of utterances.

    Args:
        model: A run folder, or the folder of an exported model or of one of its versions.

    Raises:
        UserError: If it is neither, or the model was exported before models gave embeddings.
    """

    def __init__(self, model: Path) -> None:
        self._run = _of_run(model) if (model / "config.json").is_file() else _of_export(model)

    def embed_all(self, audios: Iterable[Audio], track: Track | None = None) -> Iterator[np.ndarray | RecognitionError]:
        """The embeddings of many utterances, in their order.

        Args:
            audios: Files, bytes, streams or samples: see `serving.recognition.audio.Audio`.
            track: The channel to take from several, or None to take channels that are the same.

        Returns:
            For each its embedding, float32 [size], or the reason why it has none.

        Raises:
            TypeError: If `audios` is a single utterance.
        """
        refuse_single(audios)
        return self._embed_all(audios, track)

    def _embed_all(self, audios: Iterable[Audio], track: Track | None) -> Iterator[np.ndarray | RecognitionError]:
        remaining = iter(audios)
        read: list[Utterance | RecognitionError] = []
        with ThreadPoolExecutor() as readers:
            while some := list(islice(remaining, _READ_AT_A_TIME)):
                read.extend(readers.map(lambda audio: utterance_or_error(audio, track), some))
                if is_full(read):
                    yield from self._embed(read)
                    read = []
        yield from self._embed(read)

    def _embed(self, read: list[Utterance | RecognitionError]) -> Iterator[np.ndarray | RecognitionError]:
        ahead = ReadAhead(read, _BATCH_SIZE)
        computed = [self._embed_batch(batch) for batch in ahead.batches]
        for place in ahead.in_order():
            yield place if isinstance(place, RecognitionError) else computed[place[0]][place[1]]

    def _embed_batch(self, utterances: list[Utterance]) -> list[np.ndarray | RecognitionError]:
        waveform, num_samples = padded_batch([one.waveform for one in utterances])
        outputs = self._run({"waveform": waveform, "num_samples": num_samples})
        return [
            values if status == RowStatus.OK else AudioRejectedError(int(status))
            for values, status in zip(outputs["embedding"], outputs["status"], strict=True)
        ]


_Arrays = Mapping[str, np.ndarray]


def _of_run(folder: Path) -> Callable[[_Arrays], _Arrays]:
    """The signature of the model as it would be exported."""
    function = signatures(Run.open(folder).recogniser().for_serving())[EMBEDDING]
    return lambda arrays: {name: value.numpy() for name, value in function(**arrays).items()}


def _of_export(folder: Path) -> Callable[[_Arrays], _Arrays]:
    version = newest_version(folder)
    servable = Servable.load(version.parent.name, int(version.name) if version.name.isdigit() else 0, version)
    if EMBEDDING not in servable.signatures:
        raise UserError(f"{folder} gives no embeddings: export its run again with this version")
    return lambda arrays: servable.run(EMBEDDING, dict(arrays))
