"""Measure runs: their predictions on a split, the metrics of these, and whether differences are beyond chance.

`condition` says what a run is measured on, `evaluate` predicts and measures, `metrics` computes the metrics with
intervals from the `bootstrap`, `groups` those of groups of clips (`group_difference`), `comparison` compares runs and
`paired` two models on the same clips, `speaker_permutations` tests whether a difference is beyond chance,
`calibration` fits a run's temperature.
"""
