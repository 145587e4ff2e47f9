"""Cross-validation by speaker, for tuning, ensembles and benchmarks.

`speaker_folds` divides the training speakers of a dataset into folds and writes a dataset of each; `fold_training`
trains a recipe on a fold, resumes, and predicts the fold's speakers; `stored_answers` reads and writes such
predictions.
"""
