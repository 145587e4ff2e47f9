"""Operations that TensorFlow computes faster on CPUs than Keras's own.

- `activation`: GELU and dropout.
- `convolution`: the first, the strided and the positional convolutions as products of matrices.
- `dense`: layer normalisation and the first dense layer of a feed-forward part.

On GPUs and on other backends, layers use Keras's own operations instead.
"""
