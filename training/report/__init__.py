"""What runs have to show: tables on the terminal, `report.html` and `model_card.md` in a run's folder, comparisons.

`page` is the report, made of `groups`, `worst_clips`, `ensemble` and `figures`; `comparison` is the page of
`ser compare`; `model_card` is the card for the Hugging Face hub; `terminal` prints; `wording` is what all of them say
in the same words.
"""

from training.report.model_card import write_card
from training.report.page import write
from training.report.terminal import show
from training.report.wording import notices

__all__ = ["notices", "show", "write", "write_card"]
