"""Gives the files that `aftertrace export` writes to the programs they are made for.

Every file of every report must be accepted. Then the effect is tried: a denied address is answered 403, a limited one 429,
everybody else 200; the kernel drops what comes from a set; fail2ban has banned what is in the list. The reports are those
of scenarios in testdata, as they are, with clients that the user knows, without an attack, and with log text that tries
to break out of a comment.
"""

import argparse
import http.client
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "servers"))
from servers import APACHE_MODULES, Failure, Processes, answers, find, free_ports, wait_for  # noqa: E402

SCENARIOS = ROOT / "testdata" / "scenarios"
FORMS = ("nginx-deny", "apache", "nftables", "ipset", "fail2ban", "cidr", "csv")
# Inside the networks that the report of ipv6-botnet advises to block, and known there all the same.
KNOWN = ("198.19.97.0/25", "2001:db8:bad:7::/64", "203.0.113.9")
# Addresses that no scenario accuses.
INNOCENT = ("192.0.2.200", "2001:db8:ffff::1")
# What a line of a log, or the name of a file, may hold to become more than a comment.
HOSTILE = 'a\n} deny all; flush ruleset\r\n"; rm -rf . #\n</Location> Require all denied \x1b[2J \u202e ${x} $(id) `id` ' + "x" * 3000 + " \\"
SECONDS = 60


class Skipped(Exception):
    """Why a program cannot be tested here."""


class Checker:
    def __init__(self, binary, directory):
        self.binary = Path(binary).resolve()
        self.directory = Path(directory)
        self.checked = 0

    def export(self, report, form, *more, ends=0):
        command = [str(self.binary), "export", str(report), "--to", form, *more]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, cwd=self.directory)
        if done.returncode != ends:
            raise Failure(f"{command} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def file(self, report, form, *more):
        """Writes an export where servers without rights can read it."""
        path = self.directory / f"{form}.{self.checked}"
        path.write_bytes(self.export(report, form, *more))
        path.chmod(0o644)
        self.checked += 1
        return path

    def networks(self, report, *more):
        lines = self.export(report, "cidr", *more).decode("ascii").split()
        return [ipaddress.ip_network(line) for line in lines]


def run(command, what, **more):
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, **more)
    if done.returncode != 0:
        raise Failure(f"{what}: {' '.join(map(str, command))}: {(done.stdout + done.stderr).decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def expect(found, expected, what):
    if found != expected:
        raise Failure(f"{what}: expected {expected}, found {found}")


def reports(checker):
    """Every sort of report, by name, with more arguments for the export."""
    made = {}
    for name in ("ddos-2023-05-07", "ipv6-botnet", "sqli-surge-2021-09-05", "single-client-dos", "quiet-day"):
        made[name] = (SCENARIOS / name / "expected.json", ())
    made["ipv6-botnet, exactly"] = (made["ipv6-botnet"][0], ("--exact",))
    known = checker.directory / "known.json"
    logs = SCENARIOS / "ipv6-botnet" / "logs"
    exclude = ",".join(KNOWN)
    run([str(checker.binary), "scan", "-q", str(logs), "--exclude", exclude, "--format", "json", "-o", str(known)], "scan")
    made["known clients"] = (known, ())
    made["known clients, exactly"] = (known, ("--exact",))
    made["known afterwards"] = (made["ipv6-botnet"][0], ("--exclude", exclude))
    report = json.loads(made["ipv6-botnet"][0].read_text())
    report["verdict"]["headline"] = HOSTILE
    for name in (HOSTILE[:100].replace("/", "_"), "quiet\\"):
        hostile = checker.directory / (name + ".json")
        hostile.write_text(json.dumps(report))
        made[f"hostile {len(made)}"] = (hostile, ())
    return made


def check_lists(checker, made):
    """Known clients are cut out to the address, and nobody else is."""
    known = [ipaddress.ip_network(network) for network in KNOWN]
    for name in ("known clients", "known clients, exactly", "known afterwards"):
        networks = checker.networks(made[name][0], *made[name][1])
        expect(bool(networks), True, f"networks of {name}")
        for network in networks:
            for spared in known:
                expect(network.version == spared.version and network.overlaps(spared), False, f"{network} and {spared}")
    whole = checker.networks(made["ipv6-botnet"][0])
    left = checker.networks(made["known afterwards"][0], *made["known afterwards"][1])
    for version in (4, 6):
        def of(networks):
            return [network for network in networks if network.version == version]
        expected = of(whole)
        for spared in of(known):
            pieces = []
            for network in expected:
                pieces += network.address_exclude(spared) if spared.subnet_of(network) else [network]
            expected = pieces
        expect(of(left), sorted(ipaddress.collapse_addresses(expected)), "what is left beside known clients")
    report = json.loads(made["ipv6-botnet, exactly"][0].read_text())
    clients = {
        ipaddress.ip_address(client)
        for incident in report["incidents"] for actor in incident["actors"]
        if actor["role"] not in ("crowd", "crawler") for client in actor["clients"]
    }
    # Its visitors have addresses of RFC 6598, and one of them is taken for an attacker.
    exact = checker.networks(made["ipv6-botnet, exactly"][0], "--exact", "--private")
    expect(sum(network.num_addresses for network in exact), len(clients), "addresses of attackers")
    expect(checker.networks(made["quiet-day"][0]), [], "networks of a quiet day")
    plain = checker.export(made["ipv6-botnet"][0], "nginx-deny")
    for name, (report, more) in made.items():
        if name.startswith("hostile"):
            hostile = checker.export(report, "nginx-deny", *more)
            expect(effective(hostile), effective(plain), f"what stands beside comments of {name}")


def effective(file):
    return [line for line in file.split(b"\n") if not line.startswith(b"#")]


class Web(Processes):
    """A web server that believes what X-Real-IP says of the client."""

    def start(self, command, port):
        if self.user:
            self.hand_over()
        self.run(command, "UTC")
        wait_for(f"{command[0]} on port {port}", lambda: self.all_run() and answers(port))

    def configure(self, name, text):
        www = self.directory / "www"
        (www / "closed").mkdir(parents=True, exist_ok=True)
        (www / "index.html").write_text("hello\n")
        (www / "closed" / "index.html").write_text("secret\n")
        path = self.directory / name
        path.write_text(text)
        return path


def status(port, client, path="/index.html"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", path, headers={"X-Real-IP": str(client), "Connection": "close"})
    answer = connection.getresponse().status
    connection.close()
    return answer


def some_of(network):
    """The ends of a network and an address within."""
    return {network[0], network[-1], network[network.num_addresses // 2]}


def nginx_conf(directory, port, file):
    return f"""
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
daemon off;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fcgi;
    uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
    include "{file}";
    server {{ listen 127.0.0.1:{port}; root {directory}/www; }}
}}
"""


def apache_conf(directory, port, file):
    modules = ("mpm_event", "authz_core", "authz_host", "remoteip", "mime")
    loads = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in modules)
    return f"""
ServerRoot "{directory}"
ServerName localhost
PidFile "{directory}/apache.pid"
ErrorLog "{directory}/apache-error.log"
DefaultRuntimeDir "{directory}"
TypesConfig /dev/null
Listen 127.0.0.1:{port}
{loads}
DocumentRoot "{directory}/www"
RemoteIPHeader X-Real-IP
RemoteIPInternalProxy 127.0.0.1
<Directory "{directory}/www">
    Require all granted
</Directory>
<Directory "{directory}/www/closed">
    Require all denied
</Directory>
Include "{file}"
"""


# By form: what checks a configuration and what runs it.
SERVERS = {
    "nginx-deny": ("nginx", nginx_conf, ["-t", "-q"], []),
    "nginx-limit": ("nginx", nginx_conf, ["-t", "-q"], []),
    "apache": ("apache2", apache_conf, ["-t"], ["-DFOREGROUND"]),
}


def server_command(form, directory, conf, arguments):
    name = SERVERS[form][0]
    options = {
        "nginx": ["-p", str(directory), "-e", f"{directory}/nginx-error.log", "-c", str(conf)],
        "apache2": ["-f", str(conf)],
    }
    return [program(name), *arguments, *options[name]]


def program(name):
    try:
        return find(name)
    except Failure as reason:
        raise Skipped(str(reason)) from reason


def accepted(checker, form, file):
    """The server takes the file. Returns the server, ready to start, and its port."""
    _, conf, check, _ = SERVERS[form]
    ports, held = free_ports(["WEB"])
    directory = Path(tempfile.mkdtemp(dir=checker.directory))
    server = Web(directory)
    path = server.configure("server.conf", conf(directory, ports["WEB"], file))
    run(server_command(form, directory, path, check), f"{form} is not accepted")
    held["WEB"].close()
    return server, path, ports["WEB"]


def check_deny(checker, made, form):
    """403 for whoever is in the list, 200 for everybody else."""
    for name, (report, more) in made.items():
        file = checker.file(report, form, *more)
        server, conf, port = accepted(checker, form, file)
        try:
            server.start(server_command(form, server.directory, conf, SERVERS[form][3]), port)
            for network in checker.networks(report, *more)[:30]:
                for address in some_of(network):
                    expect(status(port, address), 403, f"{form}, {name}, {address}")
            for address in INNOCENT:
                expect(status(port, address), 200, f"{form}, {name}, {address}")
            if "known" in name:
                for spared in map(ipaddress.ip_network, KNOWN):
                    for address in some_of(spared):
                        expect(status(port, address), 200, f"{form}, {name}, known {address}")
            if form == "apache":
                closed = status(port, INNOCENT[0], "/closed/index.html")
                expect(closed, 403, "what Apache closes stays closed")
        finally:
            server.stop()


def check_limit(checker, made):
    """429 for who exceeds the limit, and never for who is known."""
    checker.export(made["quiet-day"][0], "nginx-limit", ends=2)
    report = made["single-client-dos"][0]
    rows = [
        row["per_minute"]
        for incident in json.loads(report.read_text())["incidents"]
        for measure in incident["mitigations"] for row in measure["limits"] if row["advised"]
    ]
    expect(len(rows), 1, "limits that are advised")
    limit = rows[0]
    file = checker.file(report, "nginx-limit", "--exclude", "203.0.113.9")
    server, conf, port = accepted(checker, "nginx-limit", file)
    try:
        server.start(server_command("nginx-limit", server.directory, conf, []), port)
        # A minute's requests at once are let pass; who goes on at this pace is refused before another minute's worth.
        expect({status(port, "203.0.113.7") for _ in range(limit)}, {200}, "requests within the limit")
        expect(429 in (status(port, "203.0.113.7") for _ in range(limit)), True, "a refusal beyond the limit")
        expect(status(port, "203.0.113.8"), 200, "another client")
        for spared in ("203.0.113.9", "10.1.2.3"):
            expect({status(port, spared) for _ in range(3 * limit)}, {200}, f"requests of {spared}, which is spared")
    finally:
        server.stop()


def alone(command, what, **more):
    """Runs a command in a network namespace of its own."""
    return run(["unshare", "-n", *command], what, **more)


def has_namespace():
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skipped("a network namespace needs root and unshare")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        raise Skipped("this machine gives no network namespace")


def check_nftables(checker, made):
    nft = program("nft")
    has_namespace()
    if subprocess.run(["unshare", "-n", nft, "add", "table", "inet", "probe"], capture_output=True).returncode != 0:
        raise Skipped("this kernel has no nftables")
    for report, more in made.values():
        file = checker.file(report, "nftables", *more)
        alone([nft, "-c", "-f", str(file)], "nft -c -f")
        networks = checker.networks(report, *more)
        listed = alone(["sh", "-ec", f"'{nft}' -f \"$1\"; '{nft}' -f \"$1\"; '{nft}' -j list table inet aftertrace", "-", str(file)], "twice")
        found = []
        for one in json.loads(listed)["nftables"]:
            found += one.get("set", {}).get("elem", [])
        expect(len(found), len(networks), "elements of sets")
    report, more = made["known clients"]
    attacker = checker.networks(report, *more)[0][1]
    file = checker.file(report, "nftables", *more)
    if shutil.which("ip"):
        alone([sys.executable, str(Path(__file__).resolve()), "--drops", nft, str(file), str(attacker), KNOWN[0].split("/")[0]], "dropping")


def drops(nft, file, attacker, spared):
    """Inside a namespace: what comes from the one address is dropped, from the other not."""
    run(["ip", "link", "set", "lo", "up"], "ip")
    for address in (attacker, spared):
        run(["ip", "address", "add", f"{address}/32", "dev", "lo"], "ip")
    listener = socket.create_server(("127.0.0.1", 0))
    place = ("127.0.0.1", listener.getsockname()[1])

    def comes_through(address):
        try:
            socket.create_connection(place, 1, (address, 0)).close()
            return True
        except TimeoutError:
            return False

    expect([comes_through(address) for address in (attacker, spared)], [True, True], "before")
    run([nft, "-f", file], "nft -f")
    expect([comes_through(address) for address in (attacker, spared)], [False, True], "from attacker and known")
    run([nft, "delete", "table", "inet", "aftertrace"], "undoing")
    expect(comes_through(attacker), True, "undone")


def check_ipset(checker, made):
    ipset = program("ipset")
    has_namespace()
    if subprocess.run(["unshare", "-n", ipset, "create", "probe", "hash:net"], capture_output=True).returncode != 0:
        raise Skipped("this kernel has no ipset")
    script = '"$1" restore < "$2"; "$1" restore < "$2"; "$1" save'
    for report, more in made.values():
        file = checker.file(report, "ipset", *more)
        saved = alone(["sh", "-ec", script, "-", ipset, str(file)], "ipset restore, twice")
        found = [line.split()[2] for line in saved.splitlines() if line.startswith("add ")]
        expected = checker.networks(report, *more)
        expect(sorted(map(str, map(ipaddress.ip_network, found))), sorted(map(str, expected)), "what ipset has")


FAIL2BAN = {
    "fail2ban.conf": """[Definition]
loglevel = INFO
logtarget = {directory}/fail2ban.log
syslogsocket = auto
socket = {directory}/fail2ban.sock
pidfile = {directory}/fail2ban.pid
dbfile = None
dbpurgeage = 1d
allowipv6 = auto
""",
    "jail.conf": """[aftertrace-test]
enabled = true
filter = nobody
backend = polling
logpath = {directory}/empty.log
action = note
bantime = 3600
""",
    "filter.d/nobody.conf": "[Definition]\nfailregex = ^never <HOST>$\n",
    "action.d/note.conf": "[Definition]\nactionban = true\nactionunban = true\n",
    "empty.log": "",
}


def check_fail2ban(checker, made):
    client = program("fail2ban-client")
    directory = Path(tempfile.mkdtemp(dir=checker.directory))
    for name, text in FAIL2BAN.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text.format(directory=directory))
    own = [client, "-c", str(directory), "-s", f"{directory}/fail2ban.sock", "-p", f"{directory}/fail2ban.pid"]
    # What the script calls talks to this server and no other.
    wrapper = directory / "bin" / "fail2ban-client"
    wrapper.parent.mkdir()
    wrapper.write_text(f"#!/bin/sh\nexec {' '.join(own)} \"$@\"\n")
    wrapper.chmod(0o755)
    environment = {**os.environ, "PATH": f"{wrapper.parent}:{os.environ['PATH']}"}

    def banned():
        words = run([*own, "get", "aftertrace-test", "banip"], "fail2ban").split()
        return sorted(str(ipaddress.ip_network(word)) for word in words)

    run([*own, "start"], "fail2ban does not start")
    try:
        for report, more in made.values():
            file = checker.file(report, "fail2ban", *more)
            run(["sh", str(file), "aftertrace-test"], "banning", env=environment)
            expect(banned(), sorted(map(str, checker.networks(report, *more))), "what fail2ban bans")
            run(["sh", str(file), "aftertrace-test", "unbanip"], "unbanning", env=environment)
            expect(banned(), [], "what is left")
    finally:
        run([*own, "stop"], "fail2ban does not stop")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=ROOT / "target" / "debug" / "aftertrace")
    parser.add_argument("--drops", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drops:
        return drops(*arguments.drops)
    with tempfile.TemporaryDirectory(prefix="aftertrace-exports-") as directory:
        os.chmod(directory, 0o755)
        checker = Checker(arguments.binary, directory)
        made = reports(checker)
        parts = {
            "lists": lambda: check_lists(checker, made),
            "nginx-deny": lambda: check_deny(checker, made, "nginx-deny"),
            "nginx-limit": lambda: check_limit(checker, made),
            "apache": lambda: check_deny(checker, made, "apache"),
            "nftables": lambda: check_nftables(checker, made),
            "ipset": lambda: check_ipset(checker, made),
            "fail2ban": lambda: check_fail2ban(checker, made),
        }
        for name, part in parts.items():
            try:
                part()
                print(f"tests/exports: {name}: {len(made)} reports")
            except Skipped as reason:
                print(f"tests/exports: {name}: skipped: {reason}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"tests/exports: {failure}", file=sys.stderr)
        sys.exit(1)
