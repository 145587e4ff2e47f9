"""Run by `test_saved_model.py` in a separate process: use a SavedModel without Keras and this project.

Usage: `python fresh_process.py VERSION_FOLDER QUESTIONS ANSWERS`. Both files are pickles: questions are
`{"ops": names, "asked": [(signature, {input: array}), ...]}`.
"""

import pickle
import sys
from pathlib import Path

# TensorFlow imports Keras where it can; here it cannot.
sys.modules["keras"] = None

import tensorflow as tf  # noqa: E402
from tensorflow.python.framework import op_def_registry  # noqa: E402


def ask_loaded(folder: str, questions: list) -> list[dict]:
    """Outputs of the signatures, called as Python functions."""
    signatures = tf.saved_model.load(folder).signatures
    answers = []
    for signature, inputs in questions:
        outputs = signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        answers.append({name: value.numpy() for name, value in outputs.items()})
    return answers


def ask_session(folder: str, questions: list) -> list[dict]:
    """Outputs as TensorFlow Serving computes them: in a session, with the tensor names of the signatures."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        definitions = tf.compat.v1.saved_model.load(session, ["serve"], folder).signature_def
        answers = []
        for signature, inputs in questions:
            fed = {definitions[signature].inputs[name].name: value for name, value in inputs.items()}
            fetched = {name: tensor.name for name, tensor in definitions[signature].outputs.items()}
            answers.append(session.run(fetched, fed))
        return answers


def main(folder: str, questions: str, answers: str) -> None:
    given = pickle.loads(Path(questions).read_bytes())
    found = {
        "unregistered": {op for op in given["ops"] if op_def_registry.get(op) is None},
        "loaded": ask_loaded(folder, given["asked"]),
        "session": ask_session(folder, given["asked"]),
        "modules": {name.partition(".")[0] for name, module in sys.modules.items() if module is not None},
    }
    Path(answers).write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
