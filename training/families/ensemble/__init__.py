"""Several trained models of any families as one model. `training.ensemble` makes it; it is not trained.

- `family`: what the rest of the project asks about it; `network`: the members and the pool of their answers.
"""
