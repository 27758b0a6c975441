"""Refuses every way out to the network; on PYTHONPATH it holds in kernels and subprocesses too."""

import ipaddress
import socket


class OfflineError(OSError):
    """A test reached for the network."""


def _is_local(host: object) -> bool:
    text = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback or text in ("0.0.0.0", "::")
    except ValueError:
        return text in ("localhost", socket.gethostname())


def _refuse(host: object) -> None:
    if not _is_local(host):
        raise OfflineError(
            f"tests run without a network, and something asked for {host!r}; give it local data."
        )


def close_the_door() -> None:
    """Let sockets connect to this machine only."""
    if hasattr(socket, "is_offline"):
        return
    connect, connect_ex, sendto = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.socket.sendto,
    )
    lookup, socket.is_offline = socket.getaddrinfo, True

    def guarded(original):
        def call(self, *args):
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _refuse(args[-1][0])  # the address comes last, as (host, port)
            return original(self, *args)

        return call

    def guarded_lookup(host, *args, **kwargs):
        _refuse(host)
        return lookup(host, *args, **kwargs)

    socket.socket.connect, socket.socket.connect_ex = guarded(connect), guarded(connect_ex)
    socket.socket.sendto, socket.getaddrinfo = guarded(sendto), guarded_lookup


close_the_door()
