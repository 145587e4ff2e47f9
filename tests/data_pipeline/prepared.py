"""Small prepared datasets for tests: tones whose pitch tells the emotion, of speakers whose loudness differs."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from data_pipeline.clip import Clip
from data_pipeline.dataset import FORMAT, Dataset
from data_pipeline.emotion import LABELS, Emotion
from data_pipeline.records.record import encode
from data_pipeline.storage.stored_file import StoredFile


def tone(emotion: int, loudness: float, seconds: float, seed: int) -> np.ndarray:
    """int16 [samples] at 16 kHz: harmonics of a pitch of its own for each emotion, in noise."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * 16_000)) / 16_000
    pitch = 200.0 * 1.4**emotion * random.uniform(0.97, 1.03)
    wave = sum(np.sin(2 * np.pi * pitch * harmonic * time) / harmonic for harmonic in (1, 2, 3))
    wave = loudness * wave / 2 + random.normal(0, 0.003, len(time))
    return (wave * 32_767).astype(np.int16)


def write_dataset(
    folder: Path,
    train: int = 36,
    validation: int = 18,
    seconds: tuple[float, float] = (0.4, 1.2),
    votes: Callable[[str, int], dict[Emotion, int] | None] = lambda split, index: None,
    test: int = 0,
    speakers: int = 3,
    prefix: str = "",
) -> Dataset:
    """A dataset of two shards a split, and of three speakers a split unless told otherwise.

    Clip `index` of a split has the emotion `LABELS[index % 6]`, and what `votes(split, index)` gives. Names of clips
    and speakers begin with the prefix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    splits = {}
    for split, clips in (("train", train), ("validation", validation), ("test", test)):
        if not clips:
            continue
        records, voted = [], 0
        for index in range(clips):
            emotion, speaker = index % 6, f"{prefix}{split}{index // 6 % speakers}"
            length = float(np.random.default_rng([index, clips]).uniform(*seconds))
            clip = Clip(
                StoredFile("x.wav", "x.wav", 0, 0),
                f"{prefix}{split}_{index}",
                "synthetic",
                speaker,
                LABELS[emotion],
                sex="female",
                age=30 + index,
                votes=votes(split, index),
            )
            voted += clip.votes is not None
            records.append(encode(clip, tone(emotion, 0.1 + 0.1 * (index // 6 % 3), length, index)))
        shards = [f"{split}-{number}.tfrecord" for number in range(2)]
        for number, shard in enumerate(shards):
            with tf.io.TFRecordWriter(str(folder / shard)) as writer:
                for record in records[number::2]:
                    writer.write(record)
        splits[split] = {
            "clips": clips,
            "seconds": clips * sum(seconds) / 2,
            "speakers": [f"synthetic/{prefix}{split}{number}" for number in range(min(speakers, clips // 6))],
            "emotions": dict.fromkeys(LABELS, clips // 6),
            "shards": shards,
            "shard_bytes": {shard: (folder / shard).stat().st_size for shard in shards},
            "clips_with_votes": voted,
        }
    content = {
        "format": FORMAT,
        "emotions": list(LABELS),
        "corpora": ["synthetic"],
        "speakers_unknown": 0,
        "synthetic": True,
        "split": "speaker",
        "fingerprint": "of a test",
        "splits": splits,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return Dataset.open(folder)
