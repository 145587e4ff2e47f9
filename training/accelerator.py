"""Who may use the graphics card."""

import keras


def leave_to_keras() -> None:
    """Keep TensorFlow off the graphics card where another backend computes on it.

    TensorFlow still reads the data then, and would take all of the card's memory as soon as it is used.
    """
    if keras.backend.backend() != "tensorflow":
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
