"""Stands in for systemd's sockets: opens what it is told and starts the daemon on it, again each time that it ends.

hand_over.py KINDS COMMAND…: KINDS of tcp, udp and unix, joined by commas. Ends when its standard input does, or when the
daemon ended with another code than 0.
"""

import os
import select
import signal
import socket
import sys
import tempfile

FIRST = 3


def opened(kinds):
    tcp = socket.create_server(("127.0.0.1", 0), backlog=4096)
    for kind in kinds:
        if kind == "tcp":
            yield tcp
        elif kind == "udp":
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(tcp.getsockname())
            yield udp
        else:
            unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            unix.bind(tempfile.mktemp())
            unix.listen()
            yield unix


def start(sockets, command):
    child = os.fork()
    if child == 0:
        # First above the numbers that are promised, so that none is in the way of another.
        for number, each in enumerate(sockets):
            os.dup2(each.fileno(), 100 + number, inheritable=False)
        for number in range(len(sockets)):
            os.dup2(100 + number, FIRST + number)
        os.environ.update(LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()))
        os.execv(command[0], command)
    return child


def main(kinds, *command):
    sockets = list(opened(kinds.split(",")))
    while True:
        child = start(sockets, command)
        pidfd = os.pidfd_open(child)
        ready, _, _ = select.select([pidfd, sys.stdin], [], [])
        if sys.stdin in ready:
            os.kill(child, signal.SIGKILL)
            return
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(os.waitstatus_to_exitcode(status))


main(*sys.argv[1:])
