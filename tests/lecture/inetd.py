"""
What inetd does with a line `stream tcp nowait`, and no more: it owns the listening socket, and
starts a program for each connection, which finds it as standard input, output and error.

    inetd.py CONNECTIONS PROGRAM [ARGUMENT]...

Prints its port; ends after so many connections.
"""

import os
import socket
import sys

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(5)
print(listener.getsockname()[1], flush=True)

for _ in range(int(sys.argv[1])):
    connection, _ = listener.accept()
    if os.fork() == 0:
        for descriptor in 0, 1, 2:
            os.dup2(connection.fileno(), descriptor)
        os.execv(sys.argv[2], sys.argv[2:])
    connection.close()
    os.wait()

listener.close()
