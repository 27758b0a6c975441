"""The tests' own promise: no way out to the network."""

import socket
import subprocess
import sys

import pytest

ATTEMPTS = [
    "import socket; socket.create_connection(('example.org', 80), timeout=2)",
    "import socket; socket.socket().connect(('192.0.2.1', 80))",
    "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "import urllib.request as u; u.urlopen('https://example.org', timeout=2)",
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_nothing_leaves_this_process(attempt):
    with pytest.raises(OSError, match="without a network"):
        exec(attempt)


def test_nothing_leaves_a_subprocess():
    done = subprocess.run([sys.executable, "-c", ATTEMPTS[0]], capture_output=True, text=True)
    assert done.returncode != 0
    assert "without a network" in done.stderr


def test_this_machine_is_within_reach():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
