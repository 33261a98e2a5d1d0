"""Waiting for conditions: the machine that runs the tests is busy, so no test waits for a time."""

import time


def wait_until(condition, seconds, what, longest_pause=1.0):
    """The first true value of condition(); an AssertionError names `what` it waited for."""
    end = time.monotonic() + seconds
    pause = 0.01  # then longer: who asks too often slows down what he waits for
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.3, longest_pause)
