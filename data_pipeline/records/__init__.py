"""Utterances as TFRecord files of `tf.train.Example`.

- `record`: the record of an utterance; `example_proto`, `tfrecord`: its encoding, without TensorFlow.
- `parsing`: from records to tensors, in tf.data; `damage`: which shard is damaged.
"""
