"""What is wrong with the clips of a corpus: the useless ones, the doubtful ones, and those that repeat each other."""

from data_pipeline.quality.duplicates import Contradiction, contradictions
from data_pipeline.quality.unusable import SHORTEST, SILENCE, unusable_reason

__all__ = ["SHORTEST", "SILENCE", "Contradiction", "contradictions", "unusable_reason"]
