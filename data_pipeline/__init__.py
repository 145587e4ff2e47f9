"""From audio files to batches: corpora, preparation, splits, records and tf.data pipelines."""
