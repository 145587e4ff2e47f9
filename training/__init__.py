"""From batches to a run folder: models, fitting and evaluation."""
