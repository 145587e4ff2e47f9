"""Random requests with an error in them, each with the expected result."""

import base64
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import numpy as np
import soundfile
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from data_pipeline.audio import g711
from serving.status import RowStatus
from serving.tensors import write_tensor
from tests.voice import voice

Code = grpc.StatusCode


@dataclass(frozen=True)
class Case:
    """A request.

    Attributes:
        kind: What is wrong with it.
        request: Serialised.
        codes: gRPC statuses of which one must come back.
        rows: Statuses allowed in each row of an answer; None where there must be none.
    """

    kind: str
    request: bytes
    codes: tuple[Code, ...]
    rows: tuple[frozenset[RowStatus], ...] | None


Random = np.random.Generator
GOOD = frozenset({RowStatus.OK})
NOISE = frozenset({RowStatus.OK, RowStatus.NO_SPEECH})
ANY = frozenset(RowStatus)
SPEAKERS = 20


def cases(count: int, seed: int) -> list[Case]:
    """The given number of cases, all kinds in turn, in random order."""
    random = np.random.default_rng(seed)
    makers = [*_REFUSED.items(), *_JUDGED.items()]
    made = [maker(random, kind) for kind, maker in (makers[number % len(makers)] for number in range(count))]
    return [made[place] for place in random.permutation(count)]


def _speech(random: Random, samples: int, rate: int = 16_000) -> np.ndarray:
    """The beginning of what somebody says: float32 [samples], of any loudness that is no silence."""
    said = voice(1.0, rate, amplitude=10.0 ** -random.uniform(0, 2), seed=int(random.integers(SPEAKERS)))
    return said[:samples].astype(np.float32)


def _base(random: Random) -> PredictRequest:
    """A good request for one to four rows."""
    rows, samples = int(random.integers(1, 5)), int(random.integers(1_600, 4_000))
    request = PredictRequest()
    request.model_spec.name = "ser"
    waveform = np.stack([_speech(random, samples) for _ in range(rows)])
    write_tensor(request.inputs["waveform"], waveform)
    write_tensor(request.inputs["num_samples"], np.full(rows, samples, np.int32))
    return request


def _bytes_base(signature: str, rows: list[bytes]) -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = "ser"
    request.model_spec.signature_name = signature
    write_tensor(request.inputs["audio"], np.array(rows, object))
    return request


def _refused(change: Callable[[Random, PredictRequest], None], *codes: Code) -> Callable[[Random, str], Case]:
    def make(random: Random, kind: str) -> Case:
        request = _base(random)
        change(random, request)
        return Case(kind, request.SerializeToString(), codes or (Code.INVALID_ARGUMENT,), None)

    return make


def _rank(random: Random, request: PredictRequest) -> None:
    name = random.choice(["waveform", "num_samples"])
    wrong = {
        "waveform": [(), (5,), (1, 1, 400), (2, 3, 4, 5)],
        "num_samples": [(), (1, 1), (1, 2, 1)],
    }[name]
    shape = wrong[random.integers(len(wrong))]
    write_tensor(request.inputs[name], np.zeros(shape, np.float32 if name == "waveform" else np.int32))


def _dtype(random: Random, request: PredictRequest) -> None:
    dtypes = [np.float64, np.float16, np.int16, np.int32, np.int64, np.uint8, np.bool_, np.complex64, object]
    if random.integers(2):
        wrong = [dtype for dtype in dtypes if dtype is not np.int32]
        name, shape = "num_samples", (1,)
    else:
        wrong, name, shape = dtypes, "waveform", (1, 300)
    dtype = wrong[random.integers(len(wrong))]
    array = np.full(shape, b"x", object) if dtype is object else np.ones(shape, dtype)
    request.inputs[name].CopyFrom(tf.make_tensor_proto(array))


def _name(random: Random, request: PredictRequest) -> None:
    strange = ["Waveform", "waveform:0", "", "x" * 5_000, "ünïcode", "serving_default_waveform:0", "audio", "\n"]
    new = str(random.choice(strange))
    old = str(random.choice(["waveform", "num_samples"]))
    match random.integers(3):
        case 0:
            del request.inputs[old]
        case 1:
            request.inputs[new].CopyFrom(request.inputs[old])
        case _:
            request.inputs[new].CopyFrom(request.inputs[old])
            del request.inputs[old]


def _batch_sizes(random: Random, request: PredictRequest) -> None:
    rows = request.inputs["waveform"].tensor_shape.dim[0].size
    other = int(random.choice([size for size in range(9) if size != rows]))
    write_tensor(request.inputs["num_samples"], np.full(other, 100, np.int32))


def _contradiction(random: Random, request: PredictRequest) -> None:
    """A tensor that contradicts itself."""
    tensor = request.inputs[random.choice(["waveform", "num_samples"])]
    match random.integers(7):
        case 0:
            tensor.tensor_content = tensor.tensor_content[: random.integers(len(tensor.tensor_content))]
        case 1:
            tensor.tensor_content += bytes(int(random.integers(1, 50)))
        case 2:
            tensor.tensor_shape.dim[0].size = int(random.choice([-1, -(2**63), 10**12, 2**62]))
        case 3:
            tensor.tensor_shape.unknown_rank = True
            del tensor.tensor_shape.dim[:]
        case 4:
            tensor.dtype = int(random.choice([0, 21, 99, 2**31 - 1]))
        case 5:
            tensor.tensor_shape.dim.extend(TensorProto().tensor_shape.dim.add(size=1) for _ in range(300))
        case _:
            tensor.tensor_content = b""


def _model(random: Random, request: PredictRequest) -> None:
    request.model_spec.name = str(random.choice(["foo", "SER", "../ser", "ser/1", "s" * 9_000, "ser ", "модель"]))


def _no_model(random: Random, request: PredictRequest) -> None:
    if random.integers(2):
        request.ClearField("model_spec")
    else:
        request.model_spec.name = ""


def _version(random: Random, request: PredictRequest) -> None:
    request.model_spec.version.value = int(random.choice([0, 7, 10**9, 2**62, -1, -(2**62)]))


def _label(random: Random, request: PredictRequest) -> None:
    request.model_spec.version_label = str(random.choice(["stable", "canary", "2", "l" * 9_000, "é"]))


def _signature(random: Random, request: PredictRequest) -> None:
    names = ["serving", "predict", "__saved_model_init_op", "wav", "n" * 9_000, "Serving_default"]
    request.model_spec.signature_name = str(random.choice(names))


def _output_filter(random: Random, request: PredictRequest) -> None:
    wrong = [["loss"], ["probabilities", "probabilities"], [""], ["status", "x" * 9_000]]
    request.output_filter.extend(wrong[random.integers(len(wrong))])


def _noise(random: Random, kind: str) -> Case:
    """Bytes that are no request. The server returns INTERNAL for a request that it cannot parse."""
    junk = random.bytes(int(random.integers(1, 400)))
    try:
        PredictRequest.FromString(junk)
    except Exception:
        return Case(kind, junk, (Code.INTERNAL, Code.INVALID_ARGUMENT), None)
    return Case(kind, b"\xff" * 9, (Code.INTERNAL, Code.INVALID_ARGUMENT), None)


_REFUSED: dict[str, Callable[[Random, str], Case]] = {
    "rank": _refused(_rank),
    "dtype": _refused(_dtype),
    "name": _refused(_name),
    "batch sizes": _refused(_batch_sizes),
    "contradiction": _refused(_contradiction),
    "unknown model": _refused(_model, Code.NOT_FOUND),
    "no model": _refused(_no_model),
    "unknown version": _refused(_version, Code.NOT_FOUND),
    "unknown label": _refused(_label),
    "unknown signature": _refused(_signature, Code.FAILED_PRECONDITION),
    "output filter": _refused(_output_filter),
    "noise": _noise,
}


def _waveform_rows(random: Random, kind: str) -> Case:
    """Rows that may each have an error in their samples or in their number."""
    rows, samples = int(random.integers(1, 7)), int(random.integers(200, 6_000))
    waveform = np.stack([_speech(random, samples) for _ in range(rows)])
    num_samples = random.integers(1, samples + 1, rows).astype(np.int32)
    expected = []
    for row in range(rows):
        match random.integers(7):
            case 0:
                num_samples[row] = random.choice([0, -1, -(2**31), samples + 1, 2**31 - 1])
                expected.append(frozenset({RowStatus.NUM_SAMPLES_OUT_OF_RANGE}))
            case 1:
                waveform[row, random.integers(num_samples[row])] = random.choice([np.nan, np.inf, -np.inf])
                expected.append(frozenset({RowStatus.NOT_FINITE}))
            case 2:
                waveform[row, num_samples[row] :] = random.choice([np.nan, np.inf, 1e38])
                expected.append(_of_content(waveform[row, : num_samples[row]]))
            case 3:
                waveform[row] *= np.float32(random.choice([2, 1e5, 1e20, 1e38]))
                expected.append(_of_content(waveform[row, : num_samples[row]]))
            case 4:
                waveform[row] *= np.float32(random.choice([0, 1e-45, 1e-30]))
                expected.append(_of_content(waveform[row, : num_samples[row]]))
            case 5:
                waveform[row] = random.uniform(-1, 1, samples)
                expected.append(_of_content(waveform[row, : num_samples[row]], NOISE))
            case _:
                expected.append(_of_content(waveform[row, : num_samples[row]]))
    request = PredictRequest()
    request.model_spec.name = "ser"
    write_tensor(request.inputs["waveform"], waveform)
    write_tensor(request.inputs["num_samples"], num_samples)
    return Case(kind, request.SerializeToString(), (Code.OK,), tuple(expected))


def _of_content(waveform: np.ndarray, judged: frozenset[RowStatus] = GOOD) -> frozenset[RowStatus]:
    """Status of finite samples at 16 kHz; `judged` where scale, duration and level are right."""
    peak = np.abs(waveform).max()
    if peak > 2:
        return frozenset({RowStatus.OUT_OF_SCALE})
    if len(waveform) < 1_600:
        return frozenset({RowStatus.TOO_SHORT})
    return frozenset({RowStatus.SILENT}) if np.round(peak * 32_768) < 16 else judged


def _no_samples(random: Random, kind: str) -> Case:
    rows = int(random.integers(1, 5))
    request = PredictRequest()
    request.model_spec.name = "ser"
    write_tensor(request.inputs["waveform"], np.zeros((rows, 0), np.float32))
    write_tensor(request.inputs["num_samples"], random.integers(-3, 4, rows).astype(np.int32))
    allowed = frozenset({RowStatus.EMPTY, RowStatus.NUM_SAMPLES_OUT_OF_RANGE})
    return Case(kind, request.SerializeToString(), (Code.OK,), (allowed,) * rows)


def good_wav(random: Random, rate: int = 16_000) -> bytes:
    """A WAV file of 0.1 to 0.4 s that the graph accepts."""
    file = io.BytesIO()
    samples = int(random.integers(rate // 10, 4 * rate // 10))
    soundfile.write(file, _speech(random, samples, rate), rate, "PCM_16", format="WAV")
    return file.getvalue()


def _wav_row(random: Random) -> tuple[bytes, frozenset[RowStatus]]:
    rate = int(random.choice([8_000, 16_000]))
    audio = good_wav(random, rate)
    match random.integers(7):
        case 0:
            cut = int(random.integers(0, len(audio)))
            return audio[:cut], _of_cut(cut, rate)
        case 1:
            damaged = bytearray(audio)
            for place in random.integers(0, 44, 3):
                damaged[place] = random.integers(256)
            return bytes(damaged), ANY
        case 2:
            return random.bytes(int(random.integers(1, 300))), frozenset({RowStatus.NOT_WAV})
        case 3:
            return b"", frozenset({RowStatus.EMPTY})
        case 4:
            return audio[:22] + struct.pack("<H", 2) + audio[24:], frozenset({RowStatus.UNSUPPORTED_CHANNELS})
        case 5:
            return audio[:24] + struct.pack("<I", 44_100) + audio[28:], frozenset({RowStatus.UNSUPPORTED_RATE})
        case _:
            return audio, GOOD


def _of_cut(length: int, rate: int) -> frozenset[RowStatus]:
    """Status of a WAV file that was cut off after a number of bytes: 44 bytes of header, then samples of two bytes."""
    if length == 0:
        return frozenset({RowStatus.EMPTY})
    if length < 12:
        return frozenset({RowStatus.NOT_WAV})
    if length < 44:
        return frozenset({RowStatus.INCOMPLETE_HEADER})
    if length < 46:
        return frozenset({RowStatus.EMPTY})
    return frozenset({RowStatus.TOO_SHORT}) if (length - 44) // 2 < rate // 10 else GOOD


def _wav_rows(random: Random, kind: str) -> Case:
    rows = [_wav_row(random) for _ in range(random.integers(1, 7))]
    request = _bytes_base("wav_bytes", [audio for audio, _ in rows])
    return Case(kind, request.SerializeToString(), (Code.OK,), tuple(expected for _, expected in rows))


def _mulaw_rows(random: Random, kind: str) -> Case:
    rows = [_mulaw_row(random) for _ in range(random.integers(1, 7))]
    request = _bytes_base("mulaw_bytes", [audio for audio, _ in rows])
    return Case(kind, request.SerializeToString(), (Code.OK,), tuple(expected for _, expected in rows))


def _mulaw_row(random: Random) -> tuple[bytes, frozenset[RowStatus]]:
    samples = int(random.choice([800, 1_500, 3_000]))
    match random.integers(6):
        case 0:
            return b"", frozenset({RowStatus.EMPTY})
        case 1:
            # A few bytes may all be below those that no text has.
            few = random.bytes(int(random.choice([1, 2, 160])))
            return few, frozenset({RowStatus.TOO_SHORT, RowStatus.NOT_MULAW})
        case 2:
            return random.bytes(samples), NOISE
        case 3:
            return good_wav(random), frozenset({RowStatus.NOT_MULAW})
        case 4:
            return base64.b64encode(random.bytes(samples)), frozenset({RowStatus.NOT_MULAW})
        case _:
            return mulaw(_speech(random, samples, 8_000)), GOOD


def mulaw(waveform: np.ndarray) -> bytes:
    """Samples at 8 kHz as raw G.711."""
    return g711.encode(np.round(waveform * 32_767).astype(np.int16), "mulaw").tobytes()


_JUDGED: dict[str, Callable[[Random, str], Case]] = {
    "samples": _waveform_rows,
    "samples again": _waveform_rows,
    "no samples": _no_samples,
    "WAV": _wav_rows,
    "WAV again": _wav_rows,
    "mu-law": _mulaw_rows,
}
