"""What happened in one request, as a server must have logged it, and how each server escapes what it logs."""

import json
import re
from dataclasses import dataclass

# How much HAProxy keeps of a request line (tune.http.logurilen, with its terminating zero), and of captured
# headers (`capture request header ... len` in haproxy.cfg).
HAPROXY_LINE, HAPROXY_AGENT, HAPROXY_FORWARDED, HAPROXY_HOST = 1023, 300, 200, 60
# A token, of which methods consist (RFC 9110, 5.6.2).
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


@dataclass
class Facts:
    """All texts are the bytes that the client sent; `None` is for what the server has not got."""

    name: str
    client: str
    begin: float
    end: float
    takes: float
    answered: bool
    status: int
    body: int | None
    total: int | None
    line: bytes | None
    referer: bytes | None
    agent: bytes | None
    forwarded: bytes | None
    host: bytes | None
    user: bytes | None
    # The client that the proxies in front tell of.
    proxied: str | None
    refused: bool

    def needs_escapes(self):
        """Whether something in it would end a string."""
        texts = (self.line, self.referer, self.agent, self.forwarded, self.user)
        return any(byte < 32 or byte in b'"\\' for text in texts for byte in text or b"")

    def server_name(self):
        """nginx's $host: the header in lower case and without the port, or else the name of the server."""
        return (self.host or b"shop.example").lower().split(b":")[0]

    def parts(self):
        """The method, the target and the protocol of the request line; what is no request line is all target."""
        words = (self.line or b"").split(b" ")
        if len(words) < 2 or not TOKEN.fullmatch(words[0]):
            return None, self.line, None
        last = words.pop() if words[-1].startswith(b"HTTP/") else None
        return words[0], b" ".join(words[1:]), last


def facts(server, request, answer):
    """What `server` knows of a request and of the answer to it."""
    refused_early = server == "haproxy" and answer.status in (400, 408)
    headers = {} if server in request.unread or refused_early else request.headers
    line = None if refused_early else request.logged.get(server, request.line)
    answered = bool(answer.data)
    result = Facts(
        name=request.name, client=request.client, begin=answer.sent, end=answer.done,
        takes=request.takes.get(server, 0), answered=answered,
        status=answer.status or request.unanswered.get(server),
        body=len(answer.body), total=0 if refused_early else len(answer.data), line=line,
        referer=headers.get("Referer"), agent=headers.get("User-Agent"), forwarded=headers.get("X-Forwarded-For"),
        host=headers.get("Host"), user=request.user and request.user.split(b":")[0],
        proxied=request.proxied,
        refused=server in request.unread or answer.status in (400, 505) or request.headers == {},
    )
    if not answered and server != "nginx":
        # These count what they would have sent.
        result.body = result.total = None
    if server == "haproxy" and line is not None:
        limit(result)
    return result


def limit(known):
    """Cuts what HAProxy cuts."""
    known.line = known.line[:HAPROXY_LINE]
    known.agent = known.agent and known.agent[:HAPROXY_AGENT]
    known.forwarded = known.forwarded and known.forwarded[:HAPROXY_FORWARDED]
    known.host = known.host and known.host[:HAPROXY_HOST]


def plain(text):
    """Bytes as JSON can hold them: what is no UTF-8 becomes `\\xHH`."""
    text = text.decode("utf-8", "surrogateescape")
    return "".join(f"\\x{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in text)


def nginx_default(text):
    """ngx_http_log_module, escape=default: quote, backslash, control bytes and all beyond ASCII."""
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02X}" for b in text)


APACHE_LETTERS = {8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 13: "\\r", 34: '\\"', 92: "\\\\"}


def apache(text):
    """mod_log_config: C's escapes where there are such, hexadecimal ones for the rest beyond ASCII."""
    return "".join(APACHE_LETTERS.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in text)


def apache_error(text):
    """The same, but quotes stay: ap_escape_errorlog_item."""
    return apache(text).replace('\\"', '"')


def apache_json(text):
    """Apache's escapes inside a JSON string: those that JSON has as well are JSON's."""
    return re.sub(r'\\[bntr"\\]', lambda found: json.loads(f'"{found.group()}"'), apache(text))


def haproxy_line(text):
    """HAProxy, chapter 8.6 of its manual: `#` and two hexadecimal digits."""
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"#' else f"#{b:02X}" for b in text)


def haproxy_header(text):
    """As for the line; captured headers stand in braces with bars between them, so these are escaped as well."""
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"#{|}' else f"#{b:02X}" for b in text)


def haproxy_json(text):
    """HAProxy's converter json(utf8s): what is no UTF-8 is left out, and so is what needs four bytes."""
    return "".join(c for c in text.decode("utf-8", "ignore") if ord(c) < 0x10000)
