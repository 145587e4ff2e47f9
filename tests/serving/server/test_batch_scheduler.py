"""Which calls are computed together, in which order, and which are not computed at all."""

import asyncio
import math
import threading

import grpc
import numpy as np
import pytest

from serving.server.batch_scheduler import BatchScheduler
from serving.server.batching_settings import BatchingSettings
from serving.server.metrics import Metrics
from serving.server.request_error import RequestError
from serving.tensors import MAX_MESSAGE_BYTES


class Model:
    """A function that adds 1 to `x`, records its batches, and can be blocked."""

    def __init__(self):
        self.batches = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, arrays):
        assert self.gate.wait(20)
        self.batches.append(arrays["x"].tolist())
        return {"y": arrays["x"] + 1}

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


@pytest.fixture
def model():
    return Model()


def settings(**changes) -> BatchingSettings:
    return BatchingSettings(**{"max_batch_size": 4, "max_execution_batch_size": 4, "threads": 1, **changes})


def on(configured, scenario, metrics=None):
    """Run a scenario, which is an async function of a scheduler, and close the scheduler."""

    async def run():
        scheduler = BatchScheduler(configured, metrics or Metrics())
        try:
            return await asyncio.wait_for(scenario(scheduler), 20)
        finally:
            await scheduler.close()

    return asyncio.run(run())


def call(scheduler, model, values, key="a", **options) -> asyncio.Task:
    x = np.asarray(values)
    return asyncio.ensure_future(scheduler.run(key, model, {"x": x}, rows=len(x), **options))


async def behind_a_running_call(scheduler, model) -> asyncio.Task:
    """Block the only thread, so that the following calls queue."""
    model.gate.clear()
    first = call(scheduler, model, [0])
    await asyncio.sleep(0.05)
    return first


async def answers(model, *calls):
    """Open the gate and return the outputs or errors of all calls."""
    await asyncio.sleep(0.02)
    model.gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [result if isinstance(result, Exception) else result["y"].tolist() for result in results]


def test_calls_that_wait_are_computed_together(model):
    async def scenario(scheduler):
        first = await behind_a_running_call(scheduler, model)
        return await answers(model, first, *(call(scheduler, model, [number]) for number in (10, 20, 30)))

    assert on(settings(), scenario) == [[1], [11], [21], [31]]
    assert model.batches == [[0], [10, 20, 30]]


def test_a_batch_is_filled_up_to_an_allowed_size_and_counted(model):
    metrics = Metrics()

    async def scenario(scheduler):
        first = await behind_a_running_call(scheduler, model)
        return await answers(model, first, *(call(scheduler, model, [number]) for number in (10, 20, 30)))

    assert on(settings(allowed_batch_sizes=(1, 4)), scenario, metrics) == [[1], [11], [21], [31]]
    assert model.batches == [[0], [10, 20, 30, 30]]
    page = metrics.page().decode()
    assert ":tensorflow:serving:batching_session:wrapped_run_count 2.0" in page
    assert ':tensorflow:serving:batching_session:queuing_latency_count{thread_pool_name="batch_threads"} 4.0' in page


def test_a_batch_takes_no_more_than_its_size(model):
    async def scenario(scheduler):
        first = await behind_a_running_call(scheduler, model)
        return await answers(model, first, *(call(scheduler, model, [number] * 3) for number in (1, 2)))

    on(settings(), scenario)
    assert model.batches == [[0], [1, 1, 1], [2, 2, 2]]


def test_keys_are_not_mixed_and_take_turns(model):
    other = Model()

    async def scenario(scheduler):
        first = await behind_a_running_call(scheduler, model)
        calls = [call(scheduler, model, [number] * 4) for number in (1, 2)]
        calls += [call(scheduler, other, [number] * 4, key="b") for number in (3, 4)]
        return await answers(model, first, *calls)

    order = []
    model.batches = other.batches = order
    on(settings(), scenario)
    assert [batch[0] for batch in order] == [0, 1, 3, 2, 4]


def test_a_call_waits_for_others_as_long_as_the_timeout(model):
    async def scenario(scheduler):
        start = asyncio.get_running_loop().time()
        first = call(scheduler, model, [1])
        await asyncio.sleep(0.02)
        await asyncio.gather(first, call(scheduler, model, [2]))
        return asyncio.get_running_loop().time() - start

    assert on(settings(timeout=0.2), scenario) >= 0.2
    assert model.batches == [[1, 2]]


def test_a_full_batch_does_not_wait(model):
    async def scenario(scheduler):
        await asyncio.gather(*(call(scheduler, model, [number]) for number in range(4)))

    on(settings(timeout=30), scenario)
    assert model.batches == [[0, 1, 2, 3]]


@pytest.mark.parametrize("configured", [settings(max_enqueued_batches=2), None])
def test_a_full_queue_refuses_and_recovers(model, configured):
    async def scenario(scheduler):
        first = await behind_a_running_call(scheduler, model)
        calls = [call(scheduler, model, [number] * 4) for number in range(200)]
        results = await answers(model, first, *calls)
        again = await answers(model, call(scheduler, model, [7]))
        return results, again

    results, again = on(configured, scenario)
    refused = [result for result in results if isinstance(result, RequestError)]
    assert {refusal.code for refusal in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert len(refused) == 198 if configured else 0 < len(refused) < 200
    assert len(model.batches) == 202 - len(refused)
    assert again == [[8]]


class TestLargeCalls:
    def test_one_that_is_larger_than_a_batch_is_refused(self, model):
        async def scenario(scheduler):
            await call(scheduler, model, [1] * 5)

        with pytest.raises(RequestError, match="Task size 5 is larger than maximum input batch size 4") as refused:
            on(settings(), scenario)
        assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT

    def test_with_splitting_it_fills_batches_up(self, model):
        async def scenario(scheduler):
            first = await behind_a_running_call(scheduler, model)
            return await answers(model, first, call(scheduler, model, [1]), call(scheduler, model, list(range(10))))

        outputs = on(settings(max_batch_size=12, split_large_calls=True), scenario)
        assert outputs == [[1], [2], list(range(1, 11))]
        assert model.batches == [[0], [1, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9]]

    def test_one_that_does_not_fit_into_the_queue_leaves_nothing_there(self, model):
        async def scenario(scheduler):
            first = await behind_a_running_call(scheduler, model)
            return await answers(model, first, call(scheduler, model, list(range(10))), call(scheduler, model, [5]))

        configured = settings(max_batch_size=12, split_large_calls=True, max_enqueued_batches=2)
        first, large, small = on(configured, scenario)
        assert large.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (first, small) == ([1], [6])
        assert model.batches == [[0], [5]]


class TestLengths:
    def test_calls_of_different_lengths_are_padded(self, model):
        async def scenario(scheduler):
            first = await behind_a_running_call(scheduler, model)
            calls = [call(scheduler, model, [[5, 6]], key="b"), call(scheduler, model, [[7, 8, 9]], key="b")]
            return await answers(model, first, *calls)

        on(settings(pad_variable_length_inputs=True), scenario)
        assert model.batches[1] == [[5, 6, 5], [7, 8, 9]]

    def test_without_padding_they_are_computed_apart(self, model):
        async def scenario(scheduler):
            first = await behind_a_running_call(scheduler, model)
            calls = [call(scheduler, model, [[5, 6]], key="b"), call(scheduler, model, [[7, 8, 9]], key="b")]
            return await answers(model, first, *calls)

        on(settings(), scenario)
        assert model.batches[1:] == [[[5, 6]], [[7, 8, 9]]]

    def test_an_empty_call_harms_nobody(self, model):
        async def scenario(scheduler):
            first = await behind_a_running_call(scheduler, model)
            calls = [call(scheduler, model, np.zeros((rows, size)), key="b") for rows, size in [(1, 2), (1, 0), (0, 2)]]
            return await answers(model, first, *calls)

        outputs = on(settings(pad_variable_length_inputs=True, allowed_batch_sizes=(4,)), scenario)
        assert outputs[1:] == [[[1.0, 1.0]], [[]], []]
        assert model.sizes == [4, 4, 1, 0]

    def test_a_giant_is_not_padded_to(self, model):
        giant = np.zeros((1, MAX_MESSAGE_BYTES // 16), np.float64)

        async def scenario(scheduler):
            first = await behind_a_running_call(scheduler, model)
            calls = [call(scheduler, model, x, key="b") for x in (np.zeros((1, 2)), giant, np.zeros((3, 2)))]
            return await answers(model, first, *calls)

        on(settings(pad_variable_length_inputs=True), scenario)
        assert model.sizes == [1, 2, 3]


class TestCallersWhoDoNotWait:
    def test_a_call_past_its_deadline_is_not_computed(self, model):
        async def scenario(scheduler):
            first = await behind_a_running_call(scheduler, model)
            soon = asyncio.get_running_loop().time() + 0.01
            late, patient = call(scheduler, model, [1], deadline=soon), call(scheduler, model, [2], deadline=math.inf)
            await asyncio.sleep(0.05)
            return await answers(model, first, late, patient)

        _, late, patient = on(settings(), scenario)
        assert late.code == grpc.StatusCode.DEADLINE_EXCEEDED
        assert patient == [3]
        assert model.batches == [[0], [2]]

    def test_a_call_that_is_cancelled_is_not_computed(self, model):
        async def scenario(scheduler):
            first = await behind_a_running_call(scheduler, model)
            gone, patient = call(scheduler, model, [1]), call(scheduler, model, [2])
            await asyncio.sleep(0.01)
            gone.cancel()
            return await answers(model, first, patient)

        assert on(settings(), scenario) == [[1], [3]]
        assert model.batches == [[0], [2]]


def test_an_error_of_the_model_reaches_all_of_its_batch_and_nobody_else(model):
    def broken(arrays):
        raise RuntimeError("no")

    async def scenario(scheduler):
        first = await behind_a_running_call(scheduler, model)
        calls = [call(scheduler, broken, [number], key="broken") for number in (1, 2)]
        return await answers(model, first, *calls, call(scheduler, model, [3]))

    results = on(settings(), scenario)
    assert (results[0], results[3]) == ([1], [4])
    assert [str(error) for error in results[1:3]] == ["no", "no"]
