"""The access logs that the servers write: what each holds, and so what must be read from each line."""

import math
import re
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

import facts as server

# How far two clocks of one machine, one of them with whole seconds, may be apart.
CLOCK_SLACK = 1.1
# What a server may take before its clock starts and after it stops.
WORK_SLACK = 0.25
# How far a server's clock may be behind, which it looks at once per round of events.
ROUND_SLACK = 0.01
# How long a server goes on when the client has left.
LEFT_ALONE = 3.0
# The fields that hold what the client sent.
TEXTS = ("referer", "user_agent", "forwarded", "user")


@dataclass
class Log:
    """One log file. `fields` names what the format holds, in the words of `formats --explain`."""

    name: str
    server: str
    fields: str
    # How the reader hands texts on.
    escape: callable
    # How they stand in the file, where that is known to the byte; and how captured headers do.
    written: callable = None
    written_header: callable = None
    # Whether the server escapes nothing, so that nobody can tell where some texts end.
    naked: bool = False
    # What `bytes` counts: the `body` or the `total` of what was sent.
    size: str = "body"
    # How the texts of headers are handed on, where not like the request.
    header: callable = None
    # How texts are escaped for whoever knows the format, where not as for whoever sees JSON.
    escape_known: callable = None
    # Where `vhost` comes from: `host` the header, `name` the server's name.
    vhost: str = "host"
    # The name of the format in the server's configuration, where that tells of the file; `combined` is predefined.
    format: str = ""
    # Whether the format is recognised without the configuration...
    recognised: bool = True
    # ...and which fields may then be missing, but not wrong.
    vague: str = ""
    # Seconds that the last digit of the duration stands for.
    unit: float = 0.001
    # The requests whose line has more than one reading.
    hopeless: tuple = ()
    # Lines are cut here.
    longest: int = 0

    def path(self, directory):
        return directory / f"{self.name}.log"

    def as_written(self):
        """The same, with the texts as they stand in the file."""
        return replace(self, escape=self.written, escape_known=None, header=self.written_header)

    def holds(self, field):
        return field in self.fields.split()


BASE = "request status bytes"
COMBINED = BASE + " referer user_agent user"


def nginx(name, fields, escape=server.nginx_default, **more):
    written = escape if escape is server.nginx_default else None
    return Log(f"nginx-{name}", "nginx", fields, escape, written, format=name, **more)


def apache(name, fields, escape=server.apache, **more):
    written = escape if escape is server.apache else None
    return Log(f"apache-{name}", "apache", fields, escape, written, format=name, **more)


def haproxy(name, fields, **more):
    # Its escapes stand for one byte each and so are taken back.
    return Log(f"haproxy-{name}", "haproxy", fields, server.plain, server.haproxy_line, server.haproxy_header,
               size="total", **more)


CAPTURED = dict(fields=BASE + " duration_us user_agent forwarded vhost", vague="user_agent forwarded vhost")

LOGS = [
    nginx("common", BASE + " user"),
    nginx("combined", COMBINED),
    Log("nginx-syslog", "nginx", COMBINED, server.nginx_default, server.nginx_default),
    nginx("main", COMBINED + " forwarded", vague="forwarded"),
    nginx("extras", COMBINED + " duration_us forwarded vhost", vague="duration_us forwarded vhost"),
    nginx("upstream", COMBINED + " duration_us", vague="duration_us"),
    nginx("vhost", COMBINED + " vhost"),
    nginx("json", COMBINED + " duration_us forwarded vhost", server.plain, vague="duration_us"),
    nginx("json_strings", "parts status bytes duration_us referer user_agent forwarded vhost", server.plain,
          vague="duration_us"),
    nginx("json_default", COMBINED + " duration_us forwarded", vague="duration_us"),
    nginx("json_none", COMBINED + " duration_us forwarded", server.plain, vague="duration_us", naked=True),
    nginx("ingress", COMBINED + " duration_us"),
    nginx("odd", "parts status bytes duration_us referer user_agent", recognised=False),
    nginx("epoch", BASE + " duration_us user_agent", recognised=False),
    nginx("ltsv", COMBINED + " duration_us forwarded vhost", recognised=False),
    apache("common", BASE + " user"),
    apache("combined", COMBINED, size="total"),
    apache("classic", COMBINED),
    apache("vhost_combined", COMBINED + " vhost", size="total", vhost="name"),
    apache("micros", COMBINED + " duration_us", vague="duration_us", unit=1e-6),
    apache("millis", COMBINED + " duration_us", vague="duration_us", unit=1),
    apache("forwarded", COMBINED + " forwarded", vague="forwarded"),
    # What was forwarded stands without quotes.
    apache("quoted", "parts status bytes duration_us user_agent user forwarded", recognised=False, unit=1e-6,
           hopeless=("forwarded forged",)),
    apache("epoch", BASE + " duration_us user_agent", recognised=False, unit=1e-6),
    # An empty user is written as two quotes, which end the string.
    apache("json", COMBINED + " duration_us vhost", server.apache_json, escape_known=server.apache, vague="duration_us",
           vhost="name", unit=1e-6, hopeless=("user empty",)),
    Log("apache-old", "apache", BASE + " user", server.apache, server.apache),
    haproxy("rfc3164", **CAPTURED),
    haproxy("rfc5424", **CAPTURED),
    haproxy("iso", **CAPTURED),
    haproxy("raw", **CAPTURED),
    haproxy("cut", **CAPTURED, longest=1024),
    haproxy("plain", BASE + " duration_us"),
    haproxy("clf", BASE + " duration_us", vague="duration_us"),
    haproxy("https", BASE + " duration_us"),
    Log("haproxy-json", "haproxy", "parts status bytes duration_us user_agent forwarded", server.haproxy_json,
        size="total"),
]


def expected(log, known, recognised=True, proxied=False):
    """What must be read from the line, by whoever recognised the format or was given it, and perhaps asked for the
    client that proxies name: for each field a text, a
    number, a `(from, to)`, or `None` for nothing. A field that is missing here is not looked at; a list has all that
    is right."""
    if log.escape_known and not recognised:
        log = replace(log, escape=log.escape_known)
    end = known.end + (0 if known.answered else LEFT_ALONE)
    fields = {
        "time": (math.floor(known.begin - CLOCK_SLACK), end + CLOCK_SLACK),
        "client": client(known, proxied),
        "status": known.status,
        "duration_us": None,
    }
    size = getattr(known, log.size)
    if log.server == "haproxy" and size:
        # It counts what it passes on before it puts its own header lines into shape.
        fields["bytes"] = (known.body, size)
    elif size is not None:
        fields["bytes"] = size or [0, None]
    if log.holds("duration_us"):
        least = math.floor(known.takes / log.unit) * log.unit - max(log.unit, ROUND_SLACK)
        most = end - known.begin + WORK_SLACK + log.unit
        fields["duration_us"] = (max(0, least) * 1e6, most * 1e6)
    texts = (known.referer, known.agent, known.forwarded, known.user)
    for field, text in zip(TEXTS, texts):
        fields[field] = (log.header or log.escape)(text) if text is not None and log.holds(field) else None
    if known.name == "user empty" and log.server == "apache" and log.holds("user"):
        fields["user"] = ['""', None]
    fields["vhost"] = virtual_host(log, known) if log.holds("vhost") else None
    if log.server == "haproxy" and not log.holds("vhost"):
        del fields["vhost"]
    fields.update(asked(log, known))
    return fields


def client(known, proxied):
    if proxied and known.proxied:
        return known.proxied
    return ["unix:", "unix"] if known.client == "unix:" else known.client


def virtual_host(log, known):
    if log.vhost == "name":
        return "shop.example"
    host = known.host if log.name == "nginx-json" or log.server == "haproxy" else known.server_name()
    return (log.header or log.escape)(host or b"")


def asked(log, known):
    """The request, whole or in parts."""
    method, target, protocol = known.parts()
    if log.holds("request"):
        if known.line is None:
            refused = [None, "<BADREQ>"]
            return {"request": refused, "method": None, "target": refused, "protocol": None}
        texts = {"request": known.line, "method": method, "target": target, "protocol": protocol}
        return {field: log.escape(text) if text else None for field, text in texts.items()}
    if log.server != "haproxy" and known.refused:
        # What these have of a request that they could not read is their own affair.
        return {}
    result = {"method": log.escape(method) if method else None}
    cut = known.line is not None and len(known.line) == server.HAPROXY_LINE
    if not cut and protocol not in (b"HTTP/9.9", b"HTTP/2.0"):
        # HAProxy keeps the version beside the line, and knows two.
        result["protocol"] = log.escape(protocol) if protocol else None
    if target is None or target.startswith(b"/"):
        targets = decoded(target) if log.server == "apache" else [target]
        result["target"] = [text and log.escape(text) for text in targets]
    # Else they take the path out of an absolute target.
    return result


def decoded(target):
    """What Apache's %U and %q make of a target: the path decoded and without detours, and the index of a directory."""
    path, mark, query = target.partition(b"?")
    path = unquote_to_bytes(path).split(b"\0")[0]
    path = re.sub(b"/+", b"/", re.sub(rb"/\.(?=/)|/[^/]+/\.\.(?=/)", b"", path))
    return [path + mark + query, path + b"index.html" + mark + query]
