"""Takes what comes, and is woken for each MiB of it: python3 sink.py PORT."""
import socket
import sys

bytes_at_once = 1 << 20
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
block = bytearray(bytes_at_once)
while True:
    connection, _ = listener.accept()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, bytes_at_once)
    try:
        while connection.recv_into(block) > 0:
            pass
    except OSError:
        pass
    connection.close()
