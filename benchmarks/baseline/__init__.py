"""The baseline: classical classifiers on statistics of a clip, fitted and scored by speaker.

`folds` divides the clips, `projection` prepares features, `classifiers` has the recipes (with `kernel_ridge`,
`sequence_network` and `xgboost_classifier`), `fold_answers` fits one classifier in one fold, `experiment` all of them
with their ensemble, `baseline_page` shows them, `saved_baseline` keeps fitted ones.
"""
