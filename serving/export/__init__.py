"""A trained model as a version in a model repository.

- `saved_model`: writes the version: SavedModel, labels, warm-up requests, provenance.
- `signatures`: the functions of the SavedModel; `encoded_audio`: reading WAV and µ-law bytes inside the graph;
  `not_speech`: noise, tones and keys, told inside the graph.
- `audio_embedder`: embeddings of audio, by a run or by a version, in this process.
- `bfloat16_check`: compares a bfloat16 export with float32 before it is written.
- `warmup`: requests that the server runs while it loads the version.
- `provenance`: which run the version was exported from.
"""
