"""What processors compute faster than Keras's own layers: `activation`, `convolution`, `dense`.

On GPUs and on other backends than TensorFlow each of these is Keras's own operation.
"""
