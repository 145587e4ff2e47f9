"""The pool of processes: an item that ends its process harms neither the job nor the other items."""

import os
import signal

from data_pipeline.workers.pool import map_items


def _double(number: int) -> int:
    if number == 37:
        os.kill(os.getpid(), signal.SIGSEGV)
    return 2 * number


def test_an_item_that_kills_its_process_is_given_up_alone():
    counts = []

    doubled = map_items(_double, range(100), 2, counts.append)

    assert doubled == [None if number == 37 else 2 * number for number in range(100)]
    assert counts[-1] == 100


def _double_slowly(number: int) -> int:
    if number == 3:
        # The alarm that the worker has set itself, sooner.
        signal.alarm(1)
        while True:
            pass
    return 2 * number


def test_an_item_that_never_ends_is_given_up():
    assert map_items(_double_slowly, range(6), 2) == [0, 2, 4, None, 8, 10]


def test_no_items_no_processes():
    assert map_items(_double, [], 2) == []
