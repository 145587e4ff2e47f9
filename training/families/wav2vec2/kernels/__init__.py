"""`convolution`: the first, the strided and the positional ones as products of matrices, which CPUs compute faster.

On GPUs and on other backends, layers use Keras's own operations instead.
"""
