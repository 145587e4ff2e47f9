"""What is wrong with the clips of a corpus: the useless ones, the doubtful ones, and those that repeat each other."""

from data_pipeline.quality.duplicates import Contradiction, contradictions
from data_pipeline.quality.objection import SHORTEST, SILENCE, objection

__all__ = ["SHORTEST", "SILENCE", "Contradiction", "contradictions", "objection"]
