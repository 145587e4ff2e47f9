import threading
import time
from collections.abc import Mapping

import grpc
import numpy as np

from serving.client.model_calls import ModelCalls
from serving.client.server_errors import out_of_time
from serving.recognition.emotion_recogniser import EmotionRecogniser


class EmotionClient(ModelCalls, EmotionRecogniser):
    """Asks a model server for emotions; close it after use, or use it in a `with`.

    Several threads may share one. See `ModelCalls` for the arguments, `EmotionRecogniser` for the questions.

    Example:
        ```
        with EmotionClient("localhost:8500", "mobilenet", version_label="stable") as client:
            print(client.recognise("clip.mp3").emotion)
            for answer in client.recognise_all(Path("calls").glob("*.wav")):
                print(answer)
        ```
    """

    _grpc = grpc
    _semaphore = threading.Semaphore

    def __enter__(self) -> "EmotionClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def check(self) -> None:
        """Make sure, before there is anything to ask, that the server is there and has loaded the model.

        It also opens the connection, which the first answer's latency would otherwise include.

        Raises:
            ServerError: One of its subclasses says what is wrong.
        """
        try:
            status = self._models.GetModelStatus(self._status_request(), timeout=self._timeout)
        except grpc.RpcError as error:
            raise self._explained(error) from error
        self._check_available(status)

    def ask(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Make one Predict call; see `EmotionRecogniser.ask`.

        Raises:
            ServerError: One of its subclasses says what went wrong.
        """
        request = self._predict_request(waveform, num_samples)
        deadline = time.monotonic() + self._timeout
        if not self._places.acquire(timeout=self._timeout):
            raise out_of_time(self.server, self._timeout)
        try:
            response = self._predictions.Predict(request, timeout=max(0.001, deadline - time.monotonic()))
        except grpc.RpcError as error:
            raise self._explained(error) from error
        finally:
            self._places.release()
        return self._outputs(response)
