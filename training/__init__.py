"""From prepared data to a trained, measured and calibrated model in a run folder.

- `families`: the families of models, a folder each; `layers`: parts that their networks share.
- `fitting`: the training loop, the optimiser, interrupted training; `distributed`: many devices and machines.
- `run`: the run folder, the trained model with its front end, its answers clip by clip.
- `checkpoint`: weights from the Hugging Face hub or a folder.
- `evaluation`: metrics, conditions, groups, comparisons, calibration; `report`: pages, terminal and model card.
- `cross_validation`: training and answers by folds of speakers; used by `tuning`, `ensemble` and the benchmarks.
- `promotion`: whether a challenger replaces a champion; `drift`: whether recordings still sound as in training.
- `cli`: the commands.

The root holds what several rooms use: `front_end` (what a model receives of a clip), `accelerator` (graphics cards,
XLA, precision) and `temperature` (the scale of a model's confidence).
"""
