"""What the families of speech transformers share, written with `keras.ops` and `keras.layers`.

- `shape`: the shape of a stack of layers; `published` reads it from configuration files.
- `attention`, `layer`: a transformer layer, and a stack of them.
- `activation`, `dense`: operations that TensorFlow computes faster on CPUs than Keras's own. On GPUs and on other
  backends, layers use Keras's own operations instead.
- `clip_windows`: long clips cut into windows, where a table of positions has an end.
- `state`: tensors of published checkpoints, read into variables.
- `head_settings`, `layer_mix`, `layer_statistics`: the head above a backbone.
- `classifier`: a backbone with a head; `learning` says which weights learn, and how fast.
- `embeddings`, `front_end`: the embeddings of clips under a backbone that does not learn, computed once.
- `family`, `recipe`: what the families do alike, and the settings of a training.
"""
