"""A request as bytes, what is known of it, and how it is sent."""

import base64
import socket
import time
from dataclasses import dataclass, field

# Seconds that a client waits for an answer.
PATIENCE = 5


@dataclass
class Request:
    """What one connection sends, and what the servers are known to make of it where that is not plain."""

    name: str
    raw: bytes
    # The request line as sent.
    line: bytes
    headers: dict = field(default_factory=dict)
    # The address that it is sent from.
    client: str = "127.0.0.1"
    # Who sent it according to the proxies in front, where they are believed.
    proxied: str | None = None
    # For basic authentication.
    user: bytes | None = None
    # Seconds after which the client hangs up without an answer.
    give_up: float | None = None
    # The client closes its side as soon as it has sent everything.
    half_close: bool = False
    # Seconds that an answer takes at least.
    takes: dict = field(default_factory=dict)
    # The request line that a server logs, where that is not what was sent.
    logged: dict = field(default_factory=dict)
    # The servers that refuse the request before they have read the headers, and log none.
    unread: tuple = ()
    # The status that a server logs although the client sees none.
    unanswered: dict = field(default_factory=dict)


def get(name, target=b"/", method=b"GET", protocol=b"HTTP/1.1", body=b"", password=b"123456", headers=(), **more):
    """An ordinary request, but for what the arguments make odd."""
    sent = {"Host": b"shop.example", "User-Agent": b"probe/1.0 (" + name.encode() + b")"} if protocol else {}
    sent.update(headers)
    if "user" in more:
        sent["Authorization"] = b"Basic " + base64.b64encode(more["user"] + b":" + password)
    if body:
        sent["Content-Length"] = str(len(body)).encode()
    if protocol:
        sent["Connection"] = b"close"
    sent = {key: value for key, value in sent.items() if value is not None}
    line = b" ".join(part for part in (method, target, protocol) if part is not None)
    head = b"".join(key.encode() + b": " + value + b"\r\n" for key, value in sent.items())
    return Request(name, line + b"\r\n" + head + b"\r\n" + body, line, sent, **more)


def raw(name, data, headers=None, **more):
    """Bytes as they are; the request line is what stands before the first newline that follows anything else."""
    line = data.lstrip(b"\r\n").split(b"\n")[0].rstrip(b"\r")
    return Request(name, data, line, headers or {}, **more)


@dataclass
class Answer:
    """What came back, and when."""

    data: bytes
    sent: float
    done: float

    @property
    def status(self):
        words = self.data.split(b"\r\n", 1)[0].split(b" ")
        return int(words[1]) if words[0].startswith(b"HTTP/") else None

    @property
    def body(self):
        # HTTP/0.9 has no head.
        return self.data.partition(b"\r\n\r\n")[2] if self.status else self.data


def send(request, address):
    """Sends one request, and reads until the server hangs up or the client loses its patience."""
    if isinstance(address, str):
        family = socket.AF_UNIX
    else:
        family = socket.AF_INET6 if ":" in request.client else socket.AF_INET
    received = b""
    sent = time.time()
    with socket.socket(family) as connection:
        connection.settimeout(PATIENCE if request.give_up is None else request.give_up)
        if family == socket.AF_UNIX:
            connection.connect(address)
        else:
            connection.bind((request.client, 0))
            connection.connect(("::1" if family == socket.AF_INET6 else "127.0.0.1", address))
        try:
            connection.sendall(request.raw)
            if request.half_close:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        except (TimeoutError, ConnectionError):
            pass
    return Answer(received, sent, time.time())
