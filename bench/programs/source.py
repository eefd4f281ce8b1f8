"""Sends for ever to whoever connects, in large pieces: python3 source.py PORT."""
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
block = memoryview(bytes(1 << 20))
while True:
    connection, _ = listener.accept()
    try:
        while True:
            connection.sendall(block)
    except OSError:
        connection.close()
