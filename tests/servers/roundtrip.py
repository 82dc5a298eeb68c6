"""Real servers write logs of requests that are known to the byte; aftertrace must read back what was sent.

    roundtrip.py --binary target/debug/aftertrace [--keep DIRECTORY]

Without --binary the logs are only written, and held against what this test believes the servers write.
Exit status: 0 all is right, 1 something is not, 2 it could not be tried.
"""

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import errors
from check import PLAIN, PROXIED, STATE, Wrong, check_log, read_lines, requests_of, unwritten
from facts import facts
from logs import LOGS
from servers import Failure, Servers, wait_for
from traffic import DOWN, REQUESTS
from wire import get, send

# How long a server may take to write the line of a request that is over.
LINE_SECONDS = 20
# How many files are read at a time.
READERS = 2
# The port that each kind of log's requests are sent to, and the log that tells that one is written.
PORTS = {
    "nginx": ("NGINX", "nginx-combined"),
    "apache": ("APACHE", "apache-combined"),
    "apache-old": ("APACHE_OLD", "apache-old"),
    "haproxy": ("HAPROXY_HTTP", "haproxy-raw"),
    "haproxy-plain": ("HAPROXY_PLAIN", "haproxy-plain"),
    "haproxy-clf": ("HAPROXY_CLF", "haproxy-clf"),
    "haproxy-https": ("HAPROXY_HTTPS", "haproxy-https"),
    "haproxy-json": ("HAPROXY_JSON", "haproxy-json"),
}
CONFIGURATIONS = {"nginx": "nginx.conf", "apache": "httpd.conf"}
ERROR_LOGS = 4
# Wrong lines that are shown, of each log and way to read it.
SHOWN = 4


class Driver(threading.Thread):
    """Sends every request to one port, one after the other, and remembers which of them left a line."""

    def __init__(self, servers, target):
        super().__init__(daemon=True)
        self.servers, self.target = servers, target
        port, log = PORTS[target]
        self.port, self.log = servers.ports[port], servers.logs / f"{log}.log"
        self.known, self.failure = [], None

    def run(self):
        try:
            for request in REQUESTS:
                if ":" not in request.client or self.servers.ipv6:
                    self.ask(request, self.port)
            if self.target == "nginx":
                self.ask(get("unix", client="unix:"), str(self.servers.directory / "nginx.sock"))
        except (Failure, OSError) as failure:
            self.failure = f"{self.target}: {failure}"

    def count(self):
        return sum(not STATE.search(line) for line in read_lines(self.log))

    def ask(self, request, address):
        before = self.count()
        answer = send(request, address)
        server = self.target.split("-")[0]
        if not (request.raw and answer.data) and server not in request.unanswered:
            return  # It leaves no line; should it do so, there are too many in the end.
        wait_for(f"the line of {request.name!r} in {self.log}", lambda: self.count() > before, LINE_SECONDS)
        self.known.append(facts(server, request, answer))


def drive(servers):
    """Everything that is sent; for each target what its logs must hold, in order."""
    drivers = {target: Driver(servers, target) for target in PORTS}
    for driver in drivers.values():
        driver.start()
    for driver in drivers.values():
        driver.join()
        if driver.failure:
            raise Failure(driver.failure)
    raw = servers.logs / "haproxy-raw.log"
    servers.backend.healthy = False
    wait_for("HAProxy to find its server down", lambda: b"backend web has no server" in raw.read_bytes())
    drivers["haproxy"].ask(DOWN, drivers["haproxy"].port)
    servers.backend.healthy = True
    wait_for("HAProxy to find its server up", lambda: b"Server web/app is UP" in raw.read_bytes())
    worker = kill_worker(servers)
    return {target: driver.known for target, driver in drivers.items()}, worker


def kill_worker(servers):
    """Lets a worker of nginx crash, and waits until its successor runs."""
    log = servers.logs / "nginx-error.log"
    worker = int(re.findall(rb"start worker process (\d+)", log.read_bytes())[-1])
    os.kill(worker, signal.SIGSEGV)
    started = re.compile(rb"start worker process \d")
    wait_for("nginx to start a worker again", lambda: len(started.findall(log.read_bytes())) > 1)
    return worker


def format_string(directory, log):
    """A format as it stands in the server's configuration: the string alone, or, where there is more to it, the whole
    directive. `None` for a format that the server knows by itself."""
    text = (directory / CONFIGURATIONS[log.server]).read_text()
    if log.server == "nginx":
        found = re.search(rf"log_format {log.format} (?:'(.*)'|[^;]*);", text)
    else:
        found = re.search(rf'LogFormat "(.*)" {log.format}\n', text)
    return found and (found.group(1) or found.group())


def ways(directory, log):
    """How a log is read: as found, with its format, with the whole configuration."""
    if log.recognised:
        yield PLAIN, ()
        if log.holds("forwarded"):
            yield PROXIED, (PROXIED, "X-Forwarded-For")
    if log.format:
        string = format_string(directory, log)
        if string:
            yield "--access-format", ("--access-format", string)
        yield "--server-config", ("--server-config", str(directory / CONFIGURATIONS[log.server]))


def check(binary, servers, known, worker):
    """Everything that is wrong, and how many records were looked at."""
    def ours(log):
        return known.get(log.name) or known[log.server]

    if not binary:
        checks = [(check_written, servers.logs, log, ours(log)) for log in LOGS]
    else:
        checks = [
            (check_log, binary, servers.logs, log, mode, options, ours(log))
            for log in LOGS
            for mode, options in ways(servers.directory, log)
        ] + list(error_checks(binary, servers, known, worker))
    with ThreadPoolExecutor(READERS) as pool:
        results = list(pool.map(lambda check: check[0](*check[1:]), checks))
    return [one for wrong, _ in results for one in wrong], sum(seen for _, seen in results)


def check_written(directory, log, known):
    """Without aftertrace: do the lines hold what this test believes?"""
    lines = read_lines(log.path(directory))
    numbers = requests_of(lines)
    if len(numbers) != len(known):
        return [Wrong(log.name, b"", [f"{len(numbers)} lines for {len(known)} requests"])], 0
    pairs = [(lines[number], one, unwritten(log, lines[number], one)) for number, one in zip(numbers, known)]
    wrong = [Wrong(log.name, line, said, f" [{one.name}]") for line, one, said in pairs if said and not log.longest]
    return wrong, len(known)


def error_checks(binary, servers, known, worker):
    """For each error log what checks it."""
    names = {"www": servers.directory / "www", "directory": servers.directory, "worker": worker}
    nginx = [(name, level, message.format(**names)) for name, level, message in errors.NGINX_MESSAGES]
    apache = [(name, level, message.format(**names)) for name, level, message in errors.APACHE_MESSAGES]
    # Who starts and stops is told to the main log only.
    old = [one for one in apache if one[0]]
    logs = servers.logs
    for name, form, messages, requests in (
        ("nginx", errors.NGINX, nginx, known["nginx"]),
        ("nginx-syslog", errors.NGINX_SYSLOG, nginx, known["nginx"]),
        ("apache", errors.APACHE, apache, known["apache"]),
        ("apache-old", errors.APACHE_OLD, old, known["apache-old"]),
    ):
        yield errors.check_errors, binary, logs / f"{name}-error.log", form, messages, requests
    for name in ("rfc3164", "rfc5424"):
        yield errors.check_states, binary, logs / f"haproxy-{name}.log"


def show(wrong):
    """The first few of what is wrong with each log, and how much there is of it."""
    by_log = {}
    for one in wrong:
        by_log.setdefault(one.log, []).append(one)
    for log, ones in by_log.items():
        for one in ones[:SHOWN]:
            print(one)
        if len(ones) > SHOWN:
            print(f"{log}: and {len(ones) - SHOWN} more")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", help="aftertrace; without it the logs are only written")
    parser.add_argument("--keep", help="an empty directory for the logs, which is kept")
    arguments = parser.parse_args()
    directory = Path(arguments.keep or tempfile.mkdtemp(prefix="aftertrace-servers-")).resolve()
    started = time.monotonic()
    # Whoever ends this test ends its servers as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    try:
        servers = Servers(directory)
        try:
            servers.start()
            known, worker = drive(servers)
        finally:
            servers.stop()
        wrong, seen = check(arguments.binary, servers, known, worker)
    except Failure as failure:
        print(f"tests/servers: {failure}; see {directory}", file=sys.stderr)
        return 2
    show(wrong)
    took = time.monotonic() - started
    print(f"tests/servers: {seen} records of {len(LOGS)} access and {ERROR_LOGS} error logs looked at, {len(wrong)} wrong, {took:.0f} s")
    if wrong:
        print(f"tests/servers: the logs are kept in {directory}")
    elif not arguments.keep:
        shutil.rmtree(directory)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
