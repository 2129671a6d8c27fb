"""One side of a measurement: a process that says "ready" and then, for each line "go", runs once and writes a number."""

import os
import pathlib
import select
import signal
import subprocess
import time

READY_SECONDS = 180
RUN_SECONDS = 600


class Missing(Exception):
    """The contestant is not available here; why."""


class Contestant:
    def __init__(self, command, log, env=None):
        self.log = pathlib.Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.pending = b""
        with open(self.log, "wb") as errors:
            try:
                self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                                stdout=subprocess.PIPE, stderr=errors, env=env, start_new_session=True)
            except OSError as error:
                raise Missing(f"{command[0]}: {error.strerror}") from error
        said = self.line(READY_SECONDS)
        if said != "ready":
            why = said.removeprefix("missing ") if said else self.last_words()
            self.close()
            raise Missing(why)

    def last_words(self):
        """Why it does not answer: the last line of its errors, or how it ended."""
        try:
            code = self.process.wait(1)
            ended = f"it ended with exit code {code}" if code >= 0 else f"it was ended by signal {-code}"
        except subprocess.TimeoutExpired:
            ended = "it took too long"
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), ended)

    def line(self, seconds):
        """The next line it writes; "" where it ended or took longer than that."""
        end = time.monotonic() + seconds
        while b"\n" not in self.pending:
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not data:
                return ""
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def go(self):
        """Runs once; the number it writes."""
        try:
            self.process.stdin.write(b"go\n")
            self.process.stdin.flush()
            return float(self.line(RUN_SECONDS))
        except (OSError, ValueError) as error:
            raise Missing(self.last_words()) from error

    def close(self):
        """Lets it end by itself, and sees to it that nothing it started stays."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
