"""From corpora on disk to a prepared dataset: record shards and `dataset.json`.

- `job`: all that `ser data prepare` does but talk to the user.
- `split_kind`: how clips are divided into train, validation and test.
- `plan`: which clips go into which shard, decided before anything is decoded.
- `shards`: write one shard; `shard_result`: what became of it, noted so that an interrupted run can be continued.
- `beam_runner`: write shards on Flink, Spark or Dataflow.
- `output_folder`: the folder of a dataset while it is being written.
- `description`: the content of `dataset.json`.
- `trainable`: whether a model can be trained on a dataset; `combine`: several prepared datasets as one.
"""
