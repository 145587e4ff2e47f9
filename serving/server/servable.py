"""A loaded version of a model, which computes its signatures."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from data_pipeline.errors import UserError
from serving.server.call import Call, check_call
from serving.server.request_error import failed_precondition

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
"""Signature that is used if a request names none, as in TensorFlow Serving."""

_INTERNAL = "__"
"""Prefix of the names of signatures that are not meant for callers."""

_INIT_OP = "__saved_model_init_op"


class Servable:
    """A SavedModel in memory, run in a session as TensorFlow Serving does. Any thread may call it.

    Attributes:
        name: Name of the model.
        version: Number of its version.
        signatures: Inputs and outputs of each signature, by name, as `saved_model.pb` and `GetModelMetadata` state
            them.
    """

    def __init__(
        self,
        name: str,
        version: int,
        signatures: Mapping[str, meta_graph_pb2.SignatureDef],
        session: tf.compat.v1.Session,
    ):
        self.name = name
        self.version = version
        self.signatures = signatures
        self._session = session
        self._functions = {
            key: _function(session, signature)
            for key, signature in signatures.items()
            if not key.startswith(_INTERNAL)
        }  # fmt: skip

    @classmethod
    def load(cls, name: str, version: int, folder: Path) -> "Servable":
        """Load a SavedModel.

        Args:
            name: Name of the model.
            version: Number of its version.
            folder: Folder that holds `saved_model.pb`.

        Raises:
            UserError: If the folder holds no SavedModel for serving, or it cannot be loaded.
        """
        meta_graph = _meta_graph(folder)
        session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            _restore(meta_graph, folder, session)
            return cls(name, version, dict(meta_graph.signature_def), session)
        except Exception as error:  # depending on the damaged part, a SavedModel raises any type of exception
            session.close()
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"{folder} cannot be loaded ({reason}): export it again") from error

    def signature(self, name: str) -> meta_graph_pb2.SignatureDef:
        """The inputs and outputs of a signature.

        Args:
            name: Name of the signature; empty for the default signature.

        Raises:
            RequestError: If the model has no such signature.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self._functions:
            # The status is that of TensorFlow Serving (predict_util.cc), though INVALID_ARGUMENT would be clearer.
            raise failed_precondition(
                f'Serving signature key "{name}" not found; {self.name} has {", ".join(sorted(self._functions))}.'
            )
        return self.signatures[name]

    def call(
        self, signature_name: str, inputs: Mapping[str, tensor_pb2.TensorProto], output_filter: Collection[str] = ()
    ) -> Call:
        """Check a request against the model.

        Args:
            signature_name: Name of the signature; empty for the default signature.
            inputs: Inputs of the request.
            output_filter: Names of the outputs that the caller wants; all of them if empty.

        Raises:
            RequestError: If signature, inputs or filter do not fit the model.
        """
        return check_call(signature_name or DEFAULT_SIGNATURE, self.signature(signature_name), inputs, output_filter)

    def run(self, signature_name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute a batch.

        Args:
            signature_name: Name of a signature of the model.
            arrays: Inputs that fit the signature, such as those of a `Call`.

        Returns:
            All outputs by name; strings as `bytes` in an object array.

        Raises:
            tf.errors.OpError: If the graph fails.
        """
        signature = self.signatures[signature_name]
        outputs = self._functions[signature_name](*(arrays[name] for name in sorted(signature.inputs)))
        return dict(zip(sorted(signature.outputs), outputs, strict=True))

    def predict(
        self, signature_name: str, inputs: Mapping[str, tensor_pb2.TensorProto], output_filter: Collection[str] = ()
    ) -> dict[str, np.ndarray]:
        """Check a request and compute it; see `call` and `run` for the arguments and errors."""
        call = self.call(signature_name, inputs, output_filter)
        outputs = self.run(call.signature_name, call.arrays)
        return {name: outputs[name] for name in call.wanted}

    def close(self) -> None:
        """Free the model. No call may be running."""
        self._functions = {}
        self._session.close()


def _function(session: tf.compat.v1.Session, signature: meta_graph_pb2.SignatureDef) -> Callable[..., list]:
    """A function from the inputs to the outputs of a signature, both in the alphabetical order of their names."""
    with session.graph.as_default():
        return session.make_callable(
            [signature.outputs[name].name for name in sorted(signature.outputs)],
            [signature.inputs[name].name for name in sorted(signature.inputs)],
        )


def _meta_graph(folder: Path) -> meta_graph_pb2.MetaGraphDef:
    path = folder / "saved_model.pb"
    if not path.is_file():
        raise UserError(f"{folder} holds no SavedModel (no saved_model.pb): export the model again")
    try:
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except DecodeError as error:
        raise UserError(f"{path} is damaged: export the model again") from error
    for meta_graph in saved_model.meta_graphs:
        if tf.saved_model.SERVING in meta_graph.meta_info_def.tags:
            return meta_graph
    raise UserError(f"{path} has no graph tagged `{tf.saved_model.SERVING}`: export the model again")


def _restore(meta_graph: meta_graph_pb2.MetaGraphDef, folder: Path, session: tf.compat.v1.Session) -> None:
    """Load graph, variables and tables, in the order of `LoadSavedModel` (tensorflow/cc/saved_model/loader.cc)."""
    with session.graph.as_default():
        tf.graph_util.import_graph_def(meta_graph.graph_def, name="")
    assets = {asset.tensor_info.name: str(folder / "assets" / asset.filename) for asset in meta_graph.asset_file_def}
    saver = meta_graph.saver_def
    if saver.restore_op_name:
        variables = str(folder / "variables" / "variables")
        session.run(saver.restore_op_name, {**assets, saver.filename_tensor_name: variables})
    if _INIT_OP in meta_graph.signature_def:
        session.run(meta_graph.signature_def[_INIT_OP].outputs[_INIT_OP].name, assets)
