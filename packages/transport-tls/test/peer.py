"""A peer made of Python's ssl: says what it got, then ends with close_notify (unwrap) or without (shutdown)."""
import socket
import ssl
import sys

side, how, version, *rest = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if side == "client" else ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = context.maximum_version = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[version]

if side == "client":
    context.load_verify_locations(rest[1])
    peer = context.wrap_socket(socket.create_connection(("127.0.0.1", int(rest[0]))), server_hostname="localhost")
else:
    context.load_cert_chain(rest[0], rest[1])
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    raw, _ = listener.accept()
    peer = context.wrap_socket(raw, server_side=True)

peer.sendall(b"got " + peer.recv(100))
if how == "unwrap":
    # Sends close_notify, and waits for the other one: raises when it does not come.
    peer.unwrap()
    print("clean", flush=True)
else:
    peer.shutdown(socket.SHUT_WR)
    try:
        while peer.recv(1000):
            pass
    except OSError:
        pass
