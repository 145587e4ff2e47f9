"""The device and the precision of computations: which library uses the GPU, what is compiled, which types there are."""

import keras

from data_pipeline.errors import UserError

PRECISIONS = {"float32": "float32", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}
"""Types of the products while training, with Keras's names of the policies. Weights and updates are always float32."""


def leave_to_keras() -> None:
    """Keep TensorFlow off the GPU where another backend computes on it.

    TensorFlow still reads the data then, and would take all of the card's memory as soon as it is used.

    Raises:
        UserError: If TensorFlow has the card already.
    """
    if keras.backend.backend() != "tensorflow":
        import tensorflow as tf

        try:
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError as error:
            raise UserError(
                "TensorFlow has taken the graphics card that Keras is to compute on: train in a process that has not "
                "used TensorFlow before"
            ) from error


def require_tensorflow(work: str) -> None:
    """Refuse what only TensorFlow can do.

    Args:
        work: What is to be done, for the message (`an export`).

    Raises:
        UserError: If Keras computes with another backend.
    """
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"{work} needs TensorFlow, and Keras computes with {keras.backend.backend()} here: set "
            "KERAS_BACKEND=tensorflow for this command"
        )


def compiles() -> bool:
    """Whether training steps are compiled as a whole, once for each shape of a batch.

    JAX would otherwise compute one operation after the other. TensorFlow makes a graph of open shapes, which XLA would
    compile for each shape to gain little.
    """
    return keras.backend.backend() == "jax"


def tensorflow_on_processor() -> bool:
    """Whether Keras computes with TensorFlow on a processor."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.get_visible_devices("GPU")
