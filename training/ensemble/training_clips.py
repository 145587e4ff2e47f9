"""The clips that the weights of an ensemble are fitted on: those of the training split of its members' data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target, truth
from training.cross_validation.stored_answers import StoredAnswers
from training.evaluation.condition import reference_labels
from training.run.folder import Run


@dataclass(frozen=True, slots=True)
class TrainingClips:
    """The clips of the training split.

    Attributes:
        dataset: The dataset that they are in.
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
    def of(cls, run: Run, folder: Path | None = None) -> "TrainingClips":
        """The clips that a run was trained on.

        Args:
            run: The run.
            folder: The folder of its data; by default where they were when it was trained.

        Raises:
            UserError: If the data are not there, not the run's, or not split by speaker.
        """
        data = run.config["data"]
        dataset = Dataset.open(folder or Path(data["folder"]))
        splits = {name: list(dataset.split(name).speakers) for name in data["speakers"]}
        if dataset.fingerprint != data["fingerprint"] or splits != data["speakers"]:
            raise UserError(
                f"{dataset.folder} does not hold the data that {run.folder} was trained on: name their folder with "
                "--data"
            )
        elsewhere = {one for name, split in dataset.splits.items() if name != "train" for one in split.speakers}
        if elsewhere & set(dataset.split("train").speakers):
            raise UserError(
                f"{dataset.folder} has the same speakers in several splits, so no speaker can be left out: prepare it "
                "by speaker, and train the members on that"
            )
        target = Target(run.labels, reference_labels(run))
        known = input_pipeline.descriptions(dataset, "train", target)
        return cls(
            dataset=dataset,
            names=known["name"],
            speakers=known["speaker"],
            acted=known["label"],
            truth=truth(known["label"], known["votes"], target),
        )

    def places(self, names: np.ndarray, speakers: np.ndarray) -> np.ndarray:
        """The places of other clips among these; int [clips], -1 for clips that are not among them.

        Args:
            names: strings [clips].
            speakers: strings [clips].
        """
        place = {clip: number for number, clip in enumerate(_clips(self.names, self.speakers))}
        return np.array([place.get(clip, -1) for clip in _clips(names, speakers)], np.int64)

    def probabilities_of(self, stored: StoredAnswers, labels: tuple[str, ...]) -> np.ndarray:
        """The probabilities of a cross-validation for these clips, in their order.

        Clips of other speakers, which a cross-validation may have put into folds as well, are left out.

        Args:
            stored: Predictions, each from a model that was trained without the clip's speaker.
            labels: Labels of the ensemble.

        Returns:
            float [clips, classes].

        Raises:
            UserError: If a clip is missing or there twice, test speakers are in folds, or labels or right answers
                differ.
        """
        source = stored.source
        if tuple(map(str, stored.labels)) != labels:
            raise UserError(
                f"{source} tells {', '.join(map(str, stored.labels))} apart, and the ensemble {', '.join(labels)}: "
                "give answers with the same emotions in the same order"
            )
        test = self.dataset.splits.get("test")
        if test and (measured := set(map(str, stored.speaker)) & set(test.speakers)):
            raise UserError(
                f"{source} was made with {len(measured)} of the test speakers of {self.dataset.folder}, which are for "
                "measuring alone: cross-validate without them"
            )
        places = self.places(stored.name, stored.speaker)
        found = places >= 0
        counts = np.bincount(places[found], minlength=len(self.names))
        if (counts != 1).any():
            missing, twice = int((counts == 0).sum()), int((counts > 1).sum())
            wrong = f"lacks {missing:,}" if missing else f"has {twice:,} twice"
            raise UserError(
                f"{source} {wrong} of the {len(self.names):,} training clips of {self.dataset.folder}: cross-validate "
                "on all of them"
            )
        order = np.empty(len(self.names), np.int64)
        order[places[found]] = np.flatnonzero(found)
        right = stored.truth[order]
        if not np.array_equal(right, self.acted) and not np.array_equal(right, self.truth):
            raise UserError(
                f"{source} has other right answers than {self.dataset.folder}: make it from the same dataset"
            )
        return stored.probabilities[order]

    def num_others(self, stored: StoredAnswers) -> int:
        """Number of clips of a cross-validation that are not among these."""
        return int((self.places(stored.name, stored.speaker) < 0).sum())


def _clips(names: np.ndarray, speakers: np.ndarray) -> list[tuple[str, str]]:
    return list(zip(map(str, speakers), map(str, names), strict=True))
