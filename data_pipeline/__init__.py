"""From audio files to batches.

- `corpora`: from a folder or table to clips; `download`: corpora from their publishers; `speech_synthesis`: a synthetic
  voice.
- `audio`: decoding, telephone channels, log-mels; `quality`: what is wrong with recordings.
- `prepare`: from clips to records; `records`: one clip as a record; `workers`: processes that may crash; `storage`:
  local and remote files.
- `augment`: random changes to training clips; `statistics`: features of whole clips for classical classifiers.
- `plots`: figures of a dataset; `pages`: how all HTML pages look; `settings`: how settings are declared.
- `cli`: the commands `ser data …`; `command_line`: how every command explains itself and completes what is typed.

The root holds what several rooms use: `emotion` (the labels), `clip` (one utterance), `splits` (train, validation,
test), `targets` and `label_distribution` (what a model learns), `dataset` (a prepared dataset), `input_pipeline` and
`batch_part` (tf.data pipelines) and `errors`.
"""
