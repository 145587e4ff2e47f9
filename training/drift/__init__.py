"""Whether new recordings still sound like those that a run was trained on: `ser drift`.

`recordings` measures recordings and predicts them, `stability` compares two distributions, `drift` compares everything
and says whether retraining is due, `drift_page` shows it.
"""
