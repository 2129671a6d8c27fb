"""Runs commands inside a machine of the test: requests come from, and answers go to, the machine's serial line.

A request is a line of JSON: {"id": 1, "command": "text for sh", "seconds": 10}; its answer {"id": 1, "code": 0, "output": "text"},
with the code null if the time was up. Commands run side by side, so that one which hangs does not hold up others.
"""

import json
import os
import signal
import subprocess
import threading
import tty

LINE = "/dev/ttyS0"
LONGEST = 200_000  # characters of an output that are returned: its end


def answer(line, lock, request):
    process = subprocess.Popen(["sh", "-c", request["command"]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True, cwd="/run")
    try:
        output, _ = process.communicate(timeout=request["seconds"])
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        code, output = None, b"(out of time)\n"
    text = output.decode(errors="replace")[-LONGEST:]
    with lock:
        os.write(line, (json.dumps({"id": request["id"], "code": code, "output": text}) + "\n").encode())


def main():
    line = os.open(LINE, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    lock = threading.Lock()
    os.write(line, b'{"id": 0}\n')
    with os.fdopen(os.dup(line), "r", encoding="utf-8") as requests:
        for text in requests:
            threading.Thread(target=answer, args=(line, lock, json.loads(text)), daemon=True).start()


if __name__ == "__main__":
    main()
