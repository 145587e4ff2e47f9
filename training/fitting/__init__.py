"""The training loop of all families.

- `train`: from a recipe to a run folder; `training_data`: what `config.json` says about the data.
- `fit`: the epochs, the weights that are kept, early stopping.
- `adamw`: AdamW with a learning rate for each weight, and the moving average of the weights.
- `state`: what an interrupted training needs to continue exactly.
- `observer`: progress events; `progress` (terminal) and `tensorboard` receive them.
"""
