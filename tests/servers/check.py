"""Holds what aftertrace reads against what happened."""

import json
import re
import subprocess
from datetime import datetime, timezone

import facts
from logs import TEXTS, expected

# More lines than any log here has.
ALL_LINES = "100000"
PATIENCE = 60
# What HAProxy says of its servers, in the same logs as the requests.
STATE = re.compile(rb"(Server|backend) \S+ (is (UP|DOWN)|has no server)")
# The ways to read a log in which its format is recognised; in the second whom the proxies name is the client.
PLAIN, PROXIED = AS_FOUND = ("recognised", "--client-from")
# Said of nothing.
NOTHING = ("", "-", None)


class Wrong:
    """One thing that is not as it must be, and where: in a log as it was read, and there in a line."""

    def __init__(self, log, raw, said, place=""):
        self.log, self.place, self.raw, self.said = log, place, raw, said

    def __str__(self):
        raw = self.raw if len(self.raw) < 600 else self.raw[:600] + b"..."
        line = [f"    line: {facts.plain(raw)!r}"] if raw else []
        return "\n".join([f"{self.log}{self.place}", *line, *(f"    {said}" for said in self.said)])


def explain(binary, path, options=()):
    """What aftertrace reads from each line of a file, or a text that says why it reads nothing.

    It says one thing of the file, and then one of every line."""
    command = [binary, "formats", "--explain", str(path), "--format", "json", "--lines", ALL_LINES, *options]
    run = subprocess.run(command, capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    if run.returncode != 0:
        return None, f"exit status {run.returncode}: {facts.plain(run.stderr)}"
    try:
        said = [json.loads(line) for line in run.stdout.splitlines()]
        return [one for one in said if "line" in one], None
    except (ValueError, UnicodeDecodeError) as error:
        return None, f"something that is no JSON: {error}"


def read_lines(path):
    return path.read_bytes().split(b"\n")[:-1]


def requests_of(lines):
    """The numbers of the lines that stand for requests."""
    return [number for number, line in enumerate(lines) if not STATE.search(line)]


def check_log(binary, directory, log, mode, options, known):
    """Compares one log, read in one way, with the requests in order; says what is wrong and what was looked at."""
    path = log.path(directory)
    lines = read_lines(path)
    where = f"{path.name} ({mode})"
    records, failure = explain(binary, path, options)
    if failure:
        return [Wrong(where, b"", [failure])], 0
    if len(records) != len(lines):
        return [Wrong(where, b"", [f"{len(records)} records for {len(lines)} lines"])], 0
    numbers = requests_of(lines)
    if len(numbers) != len(known):
        return [Wrong(where, b"", [f"the server wrote {len(numbers)} lines for {len(known)} requests"])], 0
    wrong = []
    for number, one in zip(numbers, known):
        said = check_line(log, mode, records[number], lines[number], one)
        if said:
            wrong.append(Wrong(where, lines[number], said, f":{number + 1} [{one.name}]"))
    return wrong, len(known)


def check_line(log, mode, record, raw, known):
    """What is wrong with one record, as texts."""
    if known.name in log.hopeless or log.naked and known.needs_escapes():
        return []
    if log.longest and len(raw) >= log.longest - 1:
        # Whoever reads a line that was cut may refuse it, but not take its remains for more.
        return [] if record["unparsed"] else check_fields(log, mode, record, known, ("status", "client", "time"))
    if record["unparsed"] or record["kind"] != "access":
        return [f"not read: {record['unparsed']}; format {record['format']}, kind {record['kind']}"]
    return unwritten(log, raw, known) + check_fields(log, mode, record, known)


def check_fields(log, mode, record, known, only=None):
    said = []
    for field, right in expected(log, known, mode in AS_FOUND, mode == PROXIED).items():
        if only and field not in only:
            continue
        found = record["fields"].get(field)
        if mode in AS_FOUND and found in NOTHING and field in log.vague.split():
            continue
        if not is_right(field, found, right):
            said.append(f"{field}: expected {shown(field, right)}, found {found!r}")
    return said


def shown(field, right):
    if field == "time" and isinstance(right, tuple):
        return " to ".join(datetime.fromtimestamp(second, timezone.utc).isoformat() for second in right)
    return f"{right[0]:.0f} to {right[1]:.0f}" if isinstance(right, tuple) else repr(right)


def is_right(field, found, right):
    if isinstance(right, list):
        return any(is_right(field, found, one) for one in right)
    if right in NOTHING:
        return found in NOTHING
    if found is None:
        return False
    if field == "time":
        return right[0] <= seconds(found) <= right[1]
    if isinstance(right, tuple):
        return right[0] <= found <= right[1]
    if field == "vhost":
        return without_port(found) == without_port(right)
    return found == right


def without_port(host):
    return re.sub(r":[0-9]*$", "", host)


def seconds(time):
    """RFC 3339 with any number of decimals, in seconds since 1970."""
    whole, fraction, zone = re.fullmatch(r"([^.Z+]+)(\.[0-9]+)?(Z|\+00:00)", time).groups()
    return datetime.fromisoformat(whole + "+00:00").timestamp() + float(fraction or 0)


def unwritten(log, raw, known):
    """Says which texts the server did not write as this test believes it does: then the test is wrong, not
    aftertrace. Only where the line holds them as they are read."""
    if not log.written:
        return []
    right = expected(log.as_written(), known)
    texts = {field: right.get(field) for field in ("request", *TEXTS)}
    return [
        f"{field}: the server did not write {text!r}"
        for field, text in texts.items()
        if isinstance(text, str) and text.encode() not in raw
    ]
