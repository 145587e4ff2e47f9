"""What runs have to show: tables on the terminal, `report.html` and `model_card.md` in a run's folder, comparisons."""

from training.report.model_card import write_card
from training.report.notices import notices
from training.report.page import write
from training.report.terminal import show

__all__ = ["notices", "show", "write", "write_card"]
