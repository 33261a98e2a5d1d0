"""Threads that do something again and again while a block lasts."""

import threading


class Threads:
    """What they do is _run of a subclass, which ends soon after `_stop` is set, and holds `_lock` while it
    counts."""

    def __init__(self, count):
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def _run(self):
        raise NotImplementedError

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
