"""A nats-server that can also be made to stand still."""

from __future__ import annotations

import os
import signal

from tests.servers import Nats


class Server(Nats):
    def pause(self) -> None:
        """Return when it stands still."""
        self._signal(signal.SIGSTOP)
        os.waitpid(self._pid, os.WUNTRACED)

    def resume(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._signal(signal.SIGCONT)

    def stop(self) -> None:
        self.resume()
        super().stop()

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self._pid, number)

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid
