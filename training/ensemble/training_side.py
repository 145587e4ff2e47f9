"""The clips that a stacker is fitted on: those of the speakers that the members were trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target, truth
from training.ensemble.members import right_answers
from training.run.folder import Run


@dataclass(frozen=True, slots=True)
class TrainingSide:
    """What is known of its clips.

    Attributes:
        dataset: They are in.
        names: strings [clips].
        speakers: strings [clips], each `corpus/speaker`.
        acted: int [clips], index of the acted emotion.
        truth: int [clips], index of the right emotion; -1 where listeners agree on none of the labels.
    """

    dataset: Dataset
    names: np.ndarray
    speakers: np.ndarray
    acted: np.ndarray
    truth: np.ndarray

    @classmethod
    def of(cls, run: Run, folder: Path | None = None) -> "TrainingSide":
        """The training side of a run's data.

        Args:
            run: The run.
            folder: Where the data lie now; where they were unless given.

        Raises:
            UserError: If they are not there, not the run's, or not split by speaker.
        """
        data = run.config["data"]
        dataset = Dataset.open(folder or Path(data["folder"]))
        sides = {name: list(dataset.split(name).speakers) for name in data["speakers"]}
        if dataset.fingerprint != data["fingerprint"] or sides != data["speakers"]:
            raise UserError(
                f"{dataset.folder} is not, or no more, what {run.folder} was trained on: name that with --data"
            )
        elsewhere = {one for name, split in dataset.splits.items() if name != "train" for one in split.speakers}
        if elsewhere & set(dataset.split("train").speakers):
            raise UserError(
                f"{dataset.folder} has the same speakers on several sides, so that nobody is unheard: prepare it by "
                "speaker, and train the members on that"
            )
        target = Target(run.labels, right_answers(run))
        known = input_pipeline.descriptions(dataset, "train", target)
        return cls(
            dataset=dataset,
            names=known["name"],
            speakers=known["speaker"],
            acted=known["label"],
            truth=truth(known["label"], known["votes"], target),
        )

    def places(self, names: np.ndarray, speakers: np.ndarray) -> np.ndarray:
        """Where clips stand on this side; int [clips], -1 for those that are not on it.

        Args:
            names: strings [clips].
            speakers: strings [clips].
        """
        place = {clip: number for number, clip in enumerate(_clips(self.names, self.speakers))}
        return np.array([place.get(clip, -1) for clip in _clips(names, speakers)], np.int64)


def _clips(names: np.ndarray, speakers: np.ndarray) -> list[tuple[str, str]]:
    return list(zip(map(str, speakers), map(str, names), strict=True))
