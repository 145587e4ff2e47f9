from collections.abc import Callable

import keras


def recomputed(function: Callable) -> Callable:
    """The function, on JAX computed again for its gradient.

    Only what the function is given is then kept from one pass to the other; JAX would otherwise keep each step's
    derivative, float32 and the masks of dropout included. For what is large to keep and cheap to compute. Elsewhere
    nothing is compiled as a whole, and computing again would cost more time.

    Args:
        function: A function of tensors that changes no state and draws no seed.

    Returns:
        A function with the same answers and gradients.
    """
    return keras.remat(function) if keras.backend.backend() == "jax" else function
