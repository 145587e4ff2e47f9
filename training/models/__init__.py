"""Models, written with Keras layers and `keras.ops` only."""
