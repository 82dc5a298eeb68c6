"""The error logs: what every line says of itself, and the messages that certain requests must have left."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import facts
from check import Wrong, explain, read_lines, seconds

# Stands behind a system error in a message that has one.
CLIENT_WITHIN = re.compile(r"(?<=: )\[client [^\]]*\] ")
# Neither log names its zone, so the time is the server's wall clock or what a reader made of it.
ZONE_SECONDS = (5 * 60 + 45) * 60


@dataclass
class Form:
    """How a line begins and names the client, read independently of aftertrace."""

    head: re.Pattern
    client: re.Pattern
    time: str
    # Whether the request stands in the line.
    request: bool
    # What of a request stands there, and what becomes of a referer.
    text: callable = bytes
    referer: callable = facts.plain


HEAD = rb"(?P<time>\d{4}/\d\d/\d\d [\d:]{8}) \[(?P<level>\w+)\] \d+#\d+: "
NGINX = Form(re.compile(HEAD), re.compile(rb", client: (?P<client>[^,]+), server: "), "%Y/%m/%d %H:%M:%S", True)
# As long as nginx starts, it knows no name of the host.
# It hands its messages to syslog as C's strings, which end at the first zero.
NGINX_SYSLOG = replace(NGINX, text=lambda text: text.split(b"\0")[0], head=re.compile(rb"<\d+>\w{3} [ \d]\d [\d:]{8} \S* nginx: " + HEAD))
APACHE = Form(
    re.compile(rb"\[\w{3} (?P<time>\w{3} \d\d [\d:]{8}\.\d+ \d{4})\] \[\w+:(?P<level>\w+)\] \[pid [^\]]+\] "),
    re.compile(rb"\[client (?P<client>[^ ]+):\d+\] "), "%b %d %H:%M:%S.%f %Y", False,
    referer=facts.apache_error,
)
APACHE_OLD = replace(
    APACHE, head=re.compile(rb"\[\w{3} (?P<time>\w{3} \d\d [\d:]{8} \d{4})\] \[(?P<level>\w+)\] "),
    time="%b %d %H:%M:%S %Y",
)

# Request, level, beginning of the message.
NGINX_MESSAGES = [
    ("missing", "error", 'open() "{www}/missing" failed (2: No such file or directory)'),
    ("missing 6", "error", 'open() "{www}/missing6" failed (2: No such file or directory)'),
    ("forged context", "error", 'open() "{www}/missing-f" failed (2: No such file or directory)'),
    ("forbidden", "error", "access forbidden by rule"),
    ("too large", "error", "client intended to send too large body: 2000 bytes"),
    ("target quote", "error", 'open() "{www}/a"b" failed (2: No such file or directory)'),
    ("target backslash", "error", 'open() "{www}/a\\b\\x22" failed (2: No such file or directory)'),
    ("target latin-1", "error", 'open() "{www}/caf\\xE9" failed (2: No such file or directory)'),
    ("target pipe", "error", 'open() "{www}/a|b~c{{d}}e;f[g]h^i`j" failed (2: No such file or directory)'),
    ("two hosts", "info", 'client sent duplicate host header: "Host: b.example", previous value: "Host: a.example"'),
    ("tls", "info", "client sent invalid method while reading client request line"),
    ("half a line", "info", "client prematurely closed connection while reading client request line"),
    ("timeout", "info", "client timed out (110: Connection timed out) while reading client request headers"),
    ("wrong password", "error", 'user "ana": password mismatch'),
    ("user forged", "error", 'user "- [01/Jan/2020" was not found in "{directory}/passwords"'),
    ("backend slow", "error", "upstream timed out (110: Connection timed out) while reading response header"),
    ("backend hang-up", "error", "upstream prematurely closed connection while reading response header from upstream"),
    ("refused", "error", "connect() failed (111: Connection refused) while connecting to upstream"),
    ("limited 2", "error", "limiting requests, excess: "),
    (None, "alert", "worker process {worker} exited on signal 11"),
    (None, "notice", "signal 15 (SIGTERM) received"),
]
APACHE_MESSAGES = [
    (None, "notice", "AH00489: Apache/"),
    ("missing", "info", "AH00128: File does not exist: {www}/missing"),
    ("missing 6", "info", "AH00128: File does not exist: {www}/missing6"),
    ("forged context", "info", "AH00128: File does not exist: {www}/missing-f"),
    ("forbidden", "error", "AH01630: client denied by server configuration: {www}/forbidden"),
    ("traversal", "error", "AH10244: invalid URI path (/%2e%2e/%2e%2e/etc/passwd)"),
    ("long target", "error", "(36)File name too long: AH00127: Cannot map GET /long-target/"),
    ("made-up method", "error", "AH00135: Invalid method in request QUUX / HTTP/1.1"),
    ("target latin-1", "info", "AH00128: File does not exist: {www}/caf\\xe9"),
    ("timeout", "info", "AH01382: Request header read timeout"),
    ("wrong password", "error", 'AH01617: user ana: authentication failure for "/private/": Password Mismatch'),
    ("user forged", "error", "AH01618: user - [01/Jan/2020 not found: /private/"),
    ("backend slow", "error", "(70007)The timeout specified has expired: AH01102: error reading status line"),
    (None, "error", "(111)Connection refused: AH00957: "),
    ("refused", "error", "AH01114: HTTP: failed to make connection to backend: 127.0.0.1"),
    (None, "notice", "AH00491: caught SIGTERM, shutting down"),
]
# What HAProxy says when the server behind it fails its checks and passes them again.
HAPROXY_MESSAGES = [
    "Server dead/down is DOWN, reason: Layer4 connection problem",
    "Server web/app is DOWN, reason: Layer7 wrong status, code: 500",
    "backend web has no server available!",
    "Server web/app is UP, reason: Layer7 check passed, code: 200",
]


def check_errors(binary, path, form, messages, known):
    """Checks every line's head, and that each message stands where it must; says what is wrong and how many lines
    there are."""
    lines = read_lines(path)
    records, failure = explain(binary, path)
    if failure or len(records) != len(lines):
        return [Wrong(path.name, b"", [failure or f"{len(records)} records for {len(lines)} lines"])], 0
    wrong = []
    for number, (record, raw) in enumerate(zip(records, lines)):
        said = check_head(record, raw, form)
        if said:
            wrong.append(Wrong(path.name, raw, said, f":{number + 1}"))
    by_name = {one.name: one for one in known}
    for name, level, message in messages:
        if name is not None and name not in by_name:
            continue  # This machine cannot send it.
        one = by_name.get(name)
        request = facts.plain(form.text(one.line)) if one and form.request else None
        referer = form.referer(one.referer) if one and one.referer else None
        if not any(has_message(record, one, level, message, request, referer) for record in records):
            what = f"no record [{level}] of {name or 'the server'} with {message!r}, request {request!r}, referer {referer!r}"
            wrong.append(Wrong(path.name, b"", [what]))
    return wrong, len(lines)


def has_message(record, one, level, message, request, referer):
    fields = record["fields"] or {}
    return (
        record["kind"] == "error"
        and fields.get("level") == level
        and CLIENT_WITHIN.sub("", fields.get("message") or "").startswith(message)
        and (fields.get("client") or None) == (one and one.client)
        and (fields.get("request") or None) == (request or None)
        and (fields.get("referer") or None) == (referer or None)
    )


def check_head(record, raw, form):
    """The time, the level and the client of one line."""
    found = form.head.match(raw)
    if found is None:
        return ["the server did not write what tests/servers/errors.py takes for the head of a line"]
    if record["kind"] != "error" or record["unparsed"]:
        return [f"not read: {record['unparsed']}; format {record['format']}, kind {record['kind']}"]
    fields = record["fields"]
    local = datetime.strptime(found["time"].decode(), form.time).replace(tzinfo=timezone.utc).timestamp()
    said = []
    if not any(abs(seconds(fields["time"]) - right) < 0.001 for right in (local, local - ZONE_SECONDS)):
        said.append(f"time: expected {found['time'].decode()}, found {fields['time']!r}")
    who = form.client.search(raw)
    right = {"level": found["level"].decode(), "client": who and who["client"].decode()}
    return said + [
        f"{field}: expected {value!r}, found {fields.get(field)!r}"
        for field, value in right.items()
        if (fields.get(field) or None) != value
    ]


def check_states(binary, path):
    """HAProxy's own messages, which stand among the requests."""
    records, failure = explain(binary, path)
    if failure:
        return [Wrong(path.name, b"", [failure])], 0
    wrong = [
        Wrong(path.name, b"", [f"no error record of haproxy with {message!r}"])
        for message in HAPROXY_MESSAGES
        if not any(
            record["kind"] == "error" and (record["fields"].get("message") or "").startswith(message)
            and record["fields"].get("program") == "haproxy"
            for record in records
        )
    ]
    return wrong, len(HAPROXY_MESSAGES)
