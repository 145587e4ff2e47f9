"""wav2vec 2.0 and HuBERT, written with `keras.ops` and `keras.layers`: the same network on every Keras backend.

`family` and `recipe` are what is trained and how. `settings` has the shape of the network; `feature_encoder`,
`masking`, `attention` and `encoder` are its parts, `backbone` all of them, `classifier` the backbone with a head.
`learning` says which weights learn and how fast, `state` reads and writes the weights of published checkpoints, and
`kernels` holds what processors compute faster than Keras's own layers.
"""
