"""h11 under the fuzzer: reads batches of inputs as lines of JSON, answers each with the outcomes. Texts have one character a byte."""
import json
import sys

import h11


def text(data):
    return bytes(data).decode("latin-1")


def pairs(headers):
    raw = headers.raw_items() if hasattr(headers, "raw_items") else headers
    return [[text(name).lower(), text(value)] for name, value in raw]


def ask(connection, method):
    headers = [("Host", "h")]
    if method == "upgrade":
        method, headers = "GET", headers + [("Connection", "upgrade"), ("Upgrade", "websocket")]
    connection.send(h11.Request(method=method, target="h:1" if method == "CONNECT" else "/", headers=headers))
    connection.send(h11.EndOfMessage())


def parse(data, asked):
    messages = []

    def over(end, why="", leftover=b""):
        return {"messages": messages, "end": end, "why": why, "leftover": text(leftover)}

    is_client = asked is not None
    connection = h11.Connection(h11.CLIENT if is_client else h11.SERVER, max_incomplete_event_size=1 << 20)
    if is_client:
        asked = list(asked)
        ask(connection, asked.pop(0))
    try:
        if data:
            connection.receive_data(data)
        connection.receive_data(b"")
        head = None
        body = []
        while True:
            event = connection.next_event()
            if event is h11.PAUSED:
                if connection.their_state is h11.MIGHT_SWITCH_PROTOCOL:
                    return over("switched", "", connection.trailing_data[0])
                return over("refused", "unexpected") if is_client and connection.trailing_data[0] else over("clean")
            if event is h11.NEED_DATA:
                return over("refused", "needs data")
            kind = type(event)
            if kind is h11.Request:
                head = ["request", text(event.method), text(event.target), text(event.http_version), pairs(event.headers)]
            elif kind is h11.Response or kind is h11.InformationalResponse:
                name = "response" if kind is h11.Response else "informational"
                if connection.their_state is h11.SWITCHED_PROTOCOL:
                    name = "switch"
                head = [name, str(event.status_code), text(event.reason), text(event.http_version), pairs(event.headers)]
                if name != "response":
                    messages.append(head + ["", [], True])
                    head = None
                if name == "switch":
                    return over("switched", "", connection.trailing_data[0])
            elif kind is h11.Data:
                body.append(text(event.data))
            elif kind is h11.EndOfMessage:
                state = connection.their_state
                keep = state is h11.DONE or state is h11.MIGHT_SWITCH_PROTOCOL
                messages.append(head + ["".join(body), pairs(event.headers), keep])
                head = None
                body = []
                if state is h11.MIGHT_SWITCH_PROTOCOL:
                    return over("switched", "", connection.trailing_data[0])
                if not keep:
                    return over("clean")
                if not is_client:
                    connection.send(h11.Response(status_code=204, headers=[]))
                    connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
                if is_client:
                    if not asked:
                        return over("refused", "unexpected") if connection.trailing_data[0] else over("clean")
                    ask(connection, asked.pop(0))
            elif kind is h11.ConnectionClosed:
                return over("clean")
    except h11.RemoteProtocolError as error:
        return over("refused", str(error))
    except Exception as error:  # What must not happen in h11, either; the classes say whether it does.
        return over("refused", "escaped: %s %s" % (type(error).__name__, error))


for line in sys.stdin:
    answers = [parse(data.encode("latin-1"), asked) for data, asked in json.loads(line)]
    sys.stdout.write(json.dumps(answers, separators=(",", ":")) + "\n")
    sys.stdout.flush()
