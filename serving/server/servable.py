"""One loaded version of a model: its signatures, and how to ask them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from data_pipeline.errors import UserError
from serving.server.refusal import failed_precondition, invalid
from serving.tensors import MalformedTensorError, to_array

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
"""Answers where a request names no signature, as in TensorFlow Serving."""

_INTERNAL = "__"
"""So begin the names of signatures that are not for callers."""

_INIT_OP = "__saved_model_init_op"


@dataclass(frozen=True)
class Call:
    """A request that fits its model.

    Attributes:
        signature_name: Of the signature asked.
        arrays: Its inputs.
        wanted: Names of the outputs that the caller wants.
    """

    signature_name: str
    arrays: Mapping[str, np.ndarray]
    wanted: Sequence[str]


class Servable:
    """A SavedModel in memory, run in a session as TensorFlow Serving runs it. Any thread may ask it.

    Attributes:
        name: Of the model.
        version: Of the model.
        signatures: What goes in and out, by name, as `saved_model.pb` says and `GetModelMetadata` answers.
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
        """Read a SavedModel.

        Args:
            name: Of the model.
            version: Of the model.
            folder: Holds `saved_model.pb`.

        Raises:
            UserError: If there is no SavedModel for serving in the folder, or it cannot be loaded.
        """
        meta_graph = _meta_graph(folder)
        session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            _restore(meta_graph, folder, session)
            return cls(name, version, dict(meta_graph.signature_def), session)
        except Exception as error:  # a damaged SavedModel raises whatever the part that is damaged does
            session.close()
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"{folder} cannot be loaded ({reason}): export it again") from error

    def signature(self, name: str) -> meta_graph_pb2.SignatureDef:
        """What goes in and out of a signature.

        Args:
            name: Empty for the default.

        Raises:
            Refusal: If the model has no such signature.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self._functions:
            # The code is TensorFlow Serving's (predict_util.cc), though INVALID_ARGUMENT would say it better.
            raise failed_precondition(
                f'Serving signature key "{name}" not found; {self.name} has {", ".join(sorted(self._functions))}.'
            )
        return self.signatures[name]

    def call(
        self, signature_name: str, inputs: Mapping[str, tensor_pb2.TensorProto], output_filter: Collection[str] = ()
    ) -> Call:
        """Check a request against the model.

        Args:
            signature_name: Empty for the default.
            inputs: From a request.
            output_filter: Outputs wanted; all of them where empty.

        Raises:
            Refusal: If signature, inputs or filter do not fit the model.
        """
        signature = self.signature(signature_name)
        wanted = _wanted_outputs(signature, output_filter)
        return Call(signature_name or DEFAULT_SIGNATURE, _checked_inputs(signature, inputs), wanted)

    def run(self, signature_name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute a batch.

        Args:
            signature_name: One that the model has.
            arrays: Inputs that fit it, as a `Call` has them.

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
        """Check and compute one batch; `call` and `run` have the arguments and errors."""
        call = self.call(signature_name, inputs, output_filter)
        outputs = self.run(call.signature_name, call.arrays)
        return {name: outputs[name] for name in call.wanted}

    def close(self) -> None:
        """Free the model. Nobody may be asking it."""
        self._functions = {}
        self._session.close()


def _function(session: tf.compat.v1.Session, signature: meta_graph_pb2.SignatureDef) -> Callable[..., list]:
    """Outputs in the order of their names, from inputs in the order of theirs."""
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
    """Graph, variables and tables, in the order of `LoadSavedModel` (tensorflow/cc/saved_model/loader.cc)."""
    with session.graph.as_default():
        tf.graph_util.import_graph_def(meta_graph.graph_def, name="")
    assets = {asset.tensor_info.name: str(folder / "assets" / asset.filename) for asset in meta_graph.asset_file_def}
    saver = meta_graph.saver_def
    if saver.restore_op_name:
        variables = str(folder / "variables" / "variables")
        session.run(saver.restore_op_name, {**assets, saver.filename_tensor_name: variables})
    if _INIT_OP in meta_graph.signature_def:
        session.run(meta_graph.signature_def[_INIT_OP].outputs[_INIT_OP].name, assets)


def _wanted_outputs(signature: meta_graph_pb2.SignatureDef, output_filter: Collection[str]) -> list[str]:
    for name in output_filter:
        if name not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {{{_names(signature.outputs)}}}."
            )
    if len(set(output_filter)) < len(output_filter):
        raise invalid("duplicate output tensor alias in output_filter")
    return list(output_filter) or sorted(signature.outputs)


def _checked_inputs(
    signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto]
) -> dict[str, np.ndarray]:
    extra, missing = set(inputs) - set(signature.inputs), set(signature.inputs) - set(inputs)
    if extra or missing:
        raise invalid(
            f"input size does not match signature: sent {{{_names(inputs)}}}, expected "
            f"{{{_names(signature.inputs)}}}. Sent extra: {{{_names(extra)}}}. "
            f"Missing but required: {{{_names(missing)}}}."
        )
    arrays = {name: _checked_input(name, info, inputs[name]) for name, info in signature.inputs.items()}
    _check_batch_sizes(signature, arrays)
    return arrays


def _checked_input(name: str, info: meta_graph_pb2.TensorInfo, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """One input as an array; dtype and shape are compared before its content is touched."""
    expected = tf.TensorShape(info.tensor_shape)
    if proto.dtype != info.dtype:
        raise invalid(
            f"input {name}: expected {_dtype_name(info.dtype)} {_shown(expected)}, "
            f"received dtype {_dtype_name(proto.dtype)}"
        )
    sizes = [dimension.size for dimension in proto.tensor_shape.dim]
    if not proto.tensor_shape.unknown_rank and not _fits(sizes, expected):
        raise invalid(
            f"input {name}: expected {_dtype_name(info.dtype)} {_shown(expected)}, "
            f"received shape {sizes[:8]}{f' of rank {len(sizes)}' if len(sizes) > 8 else ''}"
        )
    try:
        return to_array(proto)
    except MalformedTensorError as error:
        raise invalid(f"input {name}: {error}") from error


def _fits(sizes: list[int], expected: tf.TensorShape) -> bool:
    if expected.rank is None:
        return True
    return len(sizes) == expected.rank and all(
        want is None or size == want for size, want in zip(sizes, expected.as_list(), strict=True)
    )


def _check_batch_sizes(signature: meta_graph_pb2.SignatureDef, arrays: Mapping[str, np.ndarray]) -> None:
    """Inputs whose first dimension the signature leaves open are batches, and go together row by row."""
    sizes = {
        name: arrays[name].shape[0]
        for name, info in signature.inputs.items()
        if info.tensor_shape.dim and info.tensor_shape.dim[0].size == -1
    }
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name} has {size}" for name, size in sorted(sizes.items()))
        raise invalid(f"inputs must have equal 0th-dimension size: {shown}")


def _names(names: Collection[str]) -> str:
    return ",".join(sorted(names))


def _dtype_name(dtype: int) -> str:
    try:
        return tf.dtypes.as_dtype(dtype).name
    except TypeError:
        return f"number {dtype}"


def _shown(shape: tf.TensorShape) -> str:
    if shape.rank is None:
        return "of any shape"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape.as_list()) + "]"
