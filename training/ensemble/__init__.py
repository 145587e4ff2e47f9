"""Several runs as one: their probabilities pooled, with weights fitted on speakers left out of their training.

`members` opens the runs, `training_clips` has the clips that the weights are fitted on, `pool` fits the weights,
`out_of_fold` measures them, `ensemble` puts everything together.
"""
