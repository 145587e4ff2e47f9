"""Run by `test_published_client.py` with the Python of a fresh environment: a client from PyPI calls a server.

Usage: `python published_client.py HOST PORT QUESTION ANSWER`: an `.npz` with `waveform` and `num_samples`, and where
to write the outputs.
"""

import sys

import numpy as np
from min_tfs_client.requests import TensorServingClient
from min_tfs_client.tensors import tensor_proto_to_ndarray


def main(host: str, port: str, question: str, answer: str) -> None:
    client = TensorServingClient(host=host, port=int(port))
    with np.load(question) as inputs:
        response = client.predict_request(model_name="ser", input_dict=dict(inputs), timeout=60)
    outputs = {name: tensor_proto_to_ndarray(tensor) for name, tensor in response.outputs.items()}
    np.savez(answer, version=response.model_spec.version.value, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
