"""What the servers are asked: ordinary requests, odd ones, and what is no request at all.

Where a server logs something else than what was sent, the entry says what; nothing else is known of a server
but what its documentation says of escaping.
"""

from wire import get, raw

N, A, H = "nginx", "apache", "haproxy"
# What a probe for TLS sends to a port that speaks plain HTTP: the head of a ClientHello, with a newline among it.
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(1, 33)) + bytes.fromhex("20c02bc02fc02cc030")
# How long the servers wait for a client and for a backend; see their configurations.
CLIENT_TIMEOUT, SERVER_TIMEOUT = 2.0, 1.0
PAUSE = 0.3
# The timeout for a request runs from the connection on, and its time from the first byte: it comes later where much
# else is to do.
LATE_BYTE = 0.5

HEADERS = [
    get("plain"),
    get("referer", headers={"Referer": b"https://search.example/?q=a+b"}),
    get("empty file", b"/empty"),
    get("head", b"/", b"HEAD"),
    get("post", b"/backend/form", b"POST", body=b"id=1'--&name=%22"),
    get("too large", b"/backend/form", b"POST", body=b"x" * 2000),
    get("missing", b"/missing?a=1&b=%20"),
    get("missing 6", b"/missing6", client="::1"),
    get("moved", b"/moved"),
    get("forbidden", b"/forbidden/x"),
    get("no agent", headers={"User-Agent": None}),
    get("empty agent", headers={"User-Agent": b""}),
    get("dash agent", headers={"User-Agent": b"-"}),
    get("http 1.0", protocol=b"HTTP/1.0"),
    get("other client", client="127.0.0.9"),
    get("ipv6", client="::1"),
    # Values that forge fields, lines and quotes.
    get("quotes", headers={"User-Agent": b'say "hi"', "Referer": b'http://"/'}),
    get("forged", headers={"User-Agent": b'" 200 5 "-" "forged'}),
    get("forged line", headers={
        "Referer": b'x" "y" 0.1 "z"\\n192.0.2.1 - - [01/Jan/2020:00:00:00 +0000] "GET / HTTP/1.1" 200 1'}),
    get("forged context", b"/missing-f", headers={
        "Referer": b'x", client: 192.0.2.66, request: "GET / HTTP/1.1", referrer: "y'}),
    get("brackets", headers={"User-Agent": b"[a] {b} <c> |d| ~e~ ;f; (g)"}),
    get("backslashes", headers={"User-Agent": b'C:\\temp\\new \\" \\x22 \\', "Referer": b"\\\\host\\share"}),
    get("utf-8", headers={"User-Agent": "M\u00fcller \U0001f600 \u202e".encode()}),
    get("latin-1", headers={"User-Agent": b"M\xfcller \xff\xfe"}),
    get("tab", headers={"User-Agent": b"a\tb"}),
    get("control bytes", headers={"User-Agent": b"a\x01\x1b[31mred\x7f"}, unread=(A,)),
    get("json", headers={"User-Agent": b'","status":200,"x":"', "Referer": b'{"a":[1,2]}\\u0022'}),
    get("jndi", headers={"User-Agent": b"${jndi:ldap://192.0.2.1/a}", "Referer": b"() { :;}; echo"}),
    get("percent", headers={"User-Agent": b"100% %22 %s %n"}),
    get("long agent", headers={"User-Agent": b"A" * 1000}),
    get("forwarded", headers={"X-Forwarded-For": b"203.0.113.9"}, proxied="203.0.113.9"),
    get("forwarded list", headers={"X-Forwarded-For": b"unknown, 203.0.113.9, 2001:db8::1,  198.51.100.7:4711"},
        proxied="198.51.100.7"),
    get("forwarded private", headers={"X-Forwarded-For": b"192.0.2.66, 203.0.113.9, 10.0.0.1"}, proxied="203.0.113.9"),
    get("forwarded ipv6", headers={"X-Forwarded-For": b"192.0.2.66, [2001:db8::7]:4711"}, proxied="2001:db8::7"),
    # Nobody vouches for what stands beside junk: the client is who connected.
    get("forwarded forged", headers={"X-Forwarded-For": b'127.0.0.1" 200 "x, ${x}, _hidden'}),
    get("no host", headers={"Host": None}),
    get("odd host", headers={"Host": b'sh"op'}),
    get("other host", headers={"Host": b"Other.Example:8080"}),
    raw("two hosts", b"GET /two HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\nConnection: close\r\n\r\n",
        {"Host": b"a.example"}),
    raw("no colon", b"GET /colon HTTP/1.1\r\nHost: shop.example\r\nnonsense\r\nConnection: close\r\n\r\n",
        {"Host": b"shop.example"}),
    raw("null in header", b"GET /null HTTP/1.1\r\nHost: shop.example\r\nReferer: a\0b\r\nConnection: close\r\n\r\n",
        {"Host": b"shop.example"}),
]

TARGETS = [
    get("injection", b"/?id=1%27%20UNION%20SELECT%201,2--%20-"),
    get("traversal", b"/%2e%2e/%2e%2e/etc/passwd", unread=(N,)),
    get("raw traversal", b"/../../etc/passwd", unread=(N,)),
    get("script", b"/?q=<script>alert('1')</script>"),
    get("target quote", b'/a"b?c="d'),
    get("target backslash", b"/a\\b\\x22"),
    get("target utf-8", "/caf\u00e9?q=\u00fc".encode()),
    get("target latin-1", b"/caf\xe9"),
    get("target pipe", b"/a|b~c{d}e;f[g]h^i`j#k", unread=(A,)),
    get("target space", b"/a b c", unread=(N, A), logged={A: b"GET /a b"}),
    get("target control", b"/a\x01b", unread=(N, A)),
    get("target tab", b"/a\tb", unread=(N, A), logged={A: b"GET /a b"}),
    get("long target", b"/" + b"long-target/" * 583),
    get("absolute target", b"http://shop.example/absolute?x=1"),
    get("foreign target", b"http://other.example:8080/", headers={"Host": b"other.example:8080"}),
    get("asterisk", b"*", b"OPTIONS", unread=(N,)),
    get("connect", b"other.example:443", b"CONNECT", unread=(N,)),
    get("percent null", b"/a%00b", unread=(N,)),
    get("double slash", b"//a//b/./c/../d"),
    raw("null in target", b"GET /a\0b HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n",
        logged={A: b"GET /a"}),
]

REQUEST_LINES = [
    get("lower-case method", method=b"get", unread=(N,)),
    get("unknown method", method=b"PROPFIND"),
    get("made-up method", method=b"QUUX"),
    get("odd method", method=b'G"T', unread=(N, A)),
    get("unknown version", protocol=b"HTTP/9.9", unread=(N,)),
    get("http 2 version", protocol=b"HTTP/2.0", unread=(N,)),
    get("no protocol", protocol=None, unanswered={N: 200, A: 200}),
    get("three spaces", b"/a  HTTP/1.1  b", unread=(N, A), logged={A: b"GET /a HTTP/1.1"}),
    raw("leading empty lines", b"\r\n\r\nGET /after-empty HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n",
        {"Host": b"shop.example"}),
    raw("bare newlines", b"GET /bare HTTP/1.1\nHost: shop.example\nConnection: close\n\n", {"Host": b"shop.example"},
        logged={A: b"GET /bare HTTP/1.1\n"}),
    raw("bare return", b"GET /a\rb HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n",
        logged={N: b"GET /a", A: b"GET /a b"}),
    # No HTTP at all.
    raw("tls", CLIENT_HELLO, logged={A: b"\x16\x03\x01"}),
    raw("ssh", b"SSH-2.0-Go\r\n"),
    raw("rdp", b"\x03\0\0\x2f\x2a\xe0\0\0\0\0\0Cookie: mstshash=Administr\r\n\x01\0\x08\0\x03\0\0\0",
        logged={A: b"\x03"}),
    raw("socks", b"\x05\x01\x00", logged={A: b""}, unanswered={A: 408}),
    raw("garbage", bytes(range(128, 160)) + b'"\\\r\n\r\n'),
    raw("one newline", b"\n", half_close=True, logged={A: b"\n"}, unanswered={N: 400}),
    raw("newlines", b"\r\n\r\n", half_close=True, unanswered={N: 400}),
    raw("nothing", b"", half_close=True),
    raw("half a line", b"GET /half", half_close=True, unanswered={N: 400}),
    raw("half a head", b"GET /half-head HTTP/1.1\r\nHost: shop.example\r\n", {"Host": b"shop.example"}, half_close=True,
        unanswered={N: 400}),
    raw("timeout", b"GET /timeout HTTP/1.1\r\nHost: sh", unanswered={N: 408},
        takes={N: CLIENT_TIMEOUT - LATE_BYTE, H: CLIENT_TIMEOUT - LATE_BYTE}),
]

USERS = [
    get("user", b"/private/", user=b"ana"),
    get("wrong password", b"/private/", user=b"ana", password=b"x"),
    get("unknown user", b"/private/", user=b"mallory"),
    get("user with space", b"/private/", user=b"ana maria"),
    get("user with quote", b"/private/", user=b'o"neil'),
    get("user with backslash", b"/private/", user=b"back\\slash"),
    get("user in utf-8", b"/private/", user="m\u00fcller".encode()),
    # The name ends at the first colon.
    get("user forged", b"/private/", user=b'- [01/Jan/2020:00:00:00 +0000] "GET'),
    get("user empty", b"/private/", user=b""),
    get("no user", b"/private/"),
]

BEHIND = [
    get("backend", b"/backend/ok"),
    get("backend pause", b"/backend/pause", takes={N: PAUSE, A: PAUSE, H: PAUSE}),
    get("backend slow", b"/backend/slow", takes={N: SERVER_TIMEOUT, A: SERVER_TIMEOUT, H: SERVER_TIMEOUT}),
    get("backend hang-up", b"/backend/hang-up"),
    get("refused", b"/refused/x"),
    get("dead", b"/dead/x"),
    get("gave up", b"/backend/slow", give_up=0.3, unanswered={N: 499, A: 502, H: 504}),
    get("dropped", b"/drop", unanswered={N: 444}),
    get("limited 1", b"/limited"),
    get("limited 2", b"/limited"),
]

REQUESTS = HEADERS + TARGETS + REQUEST_LINES + USERS + BEHIND
# Sent when the server behind HAProxy is down.
DOWN = get("web down")
