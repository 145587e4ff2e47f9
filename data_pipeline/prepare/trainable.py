"""Whether a model can be trained on a dataset, which is told when it is prepared and not hours later."""

from dataclasses import dataclass

from data_pipeline.dataset import Dataset
from data_pipeline.emotion import LABELS


@dataclass(frozen=True, slots=True)
class Trainable:
    """What a training on a dataset would meet.

    Attributes:
        obstacles: Why no model can be trained on it, with the remedies; empty if one can.
        doubts: Why a model would be of little use although it can be trained.
        emotions: The emotions to train on, if they are not the six default labels; empty if they are.
    """

    obstacles: tuple[str, ...]
    doubts: tuple[str, ...]
    emotions: tuple[str, ...]


def trainable(dataset: Dataset) -> Trainable:
    """What a training on a dataset would meet.

    Such a dataset is prepared all the same, since a model can be measured on it.

    Args:
        dataset: A prepared dataset.
    """
    train = dataset.splits.get("train")
    speakers = {speaker for split in dataset.splits.values() for speaker in split.speakers}
    obstacles, doubts = [], []
    if len(speakers) == 1 and dataset.split_kind != "random":
        obstacles.append(
            f"all clips are of one speaker, {min(speakers)}, and a speaker is in one split only: add recordings of "
            "others, or name the speakers if they are several"
        )
    else:
        obstacles += [
            f"no clip is for {purpose}: {remedy}"
            for name, purpose, remedy in (
                ("train", "training", "give most speakers the split train, or leave the split of all of them open"),
                ("validation", "validation, by which the epoch is kept", "give a few speakers the split validation"),
            )
            if name not in dataset.splits
        ]
    if train and len(train.emotions) == 1:
        obstacles.append(
            f"all training clips are labelled {min(train.emotions)}, and a model tells emotions apart: add clips of "
            "another emotion"
        )
    elif train and len(train.speakers) == 1:
        doubts.append(
            f"all training clips are of one speaker, {train.speakers[0]}: a model of one voice hardly recognises "
            "others; add recordings of more speakers"
        )
    usual = train and all(train.emotions.get(label) for label in LABELS)
    emotions = () if obstacles or usual or not train else tuple(train.emotions)
    return Trainable(tuple(obstacles), tuple(doubts), emotions)
