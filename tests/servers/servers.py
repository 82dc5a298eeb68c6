"""Starts nginx, Apache and HAProxy in a directory of their own, and what they talk to.

Nothing outside that directory is written, no port but free ones of the loopback interface is used, and
who runs this as root has the servers run as a user without rights.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Where Debian keeps the modules of Apache.
APACHE_MODULES = "/usr/lib/apache2/modules"
# The user that Debian's web servers run as.
USER = "www-data"
# A zone far from UTC with minutes of its own, so that an offset that is lost shows. HAProxy's times name
# no zone and are read as UTC, so it runs in UTC.
ZONE = "<+0545>-5:45"
START_SECONDS = 20
# Somebody else may take a port in the moment before a server does; then all is tried again.
STARTS = 3
STOP_SECONDS = 5
# The ports that the configurations name. CLOSED is held all the time, so that it refuses whoever connects.
SERVING = ("NGINX", "APACHE", "HAPROXY_HTTP", "HAPROXY_PLAIN", "HAPROXY_CLF", "HAPROXY_HTTPS", "HAPROXY_JSON",
           "APACHE_OLD")
PORTS = (*SERVING, "CLOSED")
# SHA-1 of 123456, in the one form that both servers read and that has no salt.
PASSWORD_HASH = "{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs="


class Failure(Exception):
    """What could not be done, and what to do about it."""


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def free_ports(names):
    """Ports on which nothing listens, by name, and the sockets that hold them until they are closed."""
    held = {name: socket.socket() for name in names}
    for one in held.values():
        one.bind(("", 0))
    return {name: one.getsockname()[1] for name, one in held.items()}, held


def wait_for(what, condition, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(0.005)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Backend:
    """The server behind the proxies: answers by path, slowly or not at all when told so."""

    def __init__(self):
        self.healthy = True
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            status, body = b"200 OK", b"served\n"
            if head.startswith(b"GET /health") and not self.healthy:
                status = b"500 Internal Server Error"
            if b"/backend/slow" in head.split(b"\r\n")[0]:
                time.sleep(1.5)
            if b"/backend/pause" in head.split(b"\r\n")[0]:
                time.sleep(0.3)
            if b"/backend/hang-up" in head.split(b"\r\n")[0]:
                return
            try:
                connection.sendall(
                    b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                    b"Connection: close\r\n\r\n%s" % (status, len(body), body)
                )
            except OSError:
                pass  # The proxy gave up: that is what the slow path is for.


class Syslog:
    """Writes each datagram that comes to its port as a line of one file, as it is."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.file = open(path, "ab", buffering=0)
        threading.Thread(target=self.receive, daemon=True).start()

    def receive(self):
        while True:
            self.file.write(self.socket.recv(65536).rstrip(b"\n\0") + b"\n")


class Processes:
    """Programs that run in `directory`, as a user without rights where root starts them."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.processes = []
        self.user = USER if os.geteuid() == 0 else None

    def hand_over(self):
        account = pwd.getpwnam(self.user)
        os.chmod(self.directory, 0o755)
        for path in [self.directory, *self.directory.rglob("*")]:
            os.chown(path, account.pw_uid, account.pw_gid)

    def run(self, command, zone, output=None):
        environment = {"PATH": os.environ.get("PATH", ""), "TZ": zone, "LC_ALL": "C"}
        out = open(output, "wb") if output else open(self.directory / f"{Path(command[0]).name}.out", "wb")
        process = subprocess.Popen(
            command, env=environment, cwd=self.directory, user=self.user, group=self.user and USER,
            extra_groups=[] if self.user else None, start_new_session=True, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.DEVNULL if output else subprocess.STDOUT,
        )
        self.processes.append(process)
        return process

    def all_run(self):
        for process in self.processes:
            if process.poll() is not None:
                name = Path(process.args[0]).name
                raise Failure(f"{name} ended with exit status {process.returncode}; {self.directory}/{name}.out says why")
        return True

    def stop(self):
        """Lets the servers end by themselves, and leaves no process of theirs."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # As it should be.


class Servers(Processes):
    """The three servers and what is around them, running in `directory`."""

    def __init__(self, directory):
        super().__init__(directory)
        self.logs = self.directory / "logs"
        for name in ("logs", "www"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "www" / "index.html").write_text("hello\n")
        (self.directory / "www" / "empty").write_text("")
        users = ["ana", 'ana maria', 'o"neil', "back\\slash", "m\u00fcller"]
        (self.directory / "passwords").write_text("".join(f"{user}:{PASSWORD_HASH}\n" for user in users), "utf-8")
        self.backend = Backend()
        self.ipv6 = has_ipv6()
        names = ["rfc3164", "rfc5424", "iso", "cut", "plain", "clf", "https", "json"]
        files = {name: self.logs / f"haproxy-{name}.log" for name in names}
        files |= {"nginx": self.logs / "nginx-syslog.log", "nginx_error": self.logs / "nginx-syslog-error.log"}
        self.syslog = {name: Syslog(path) for name, path in files.items()}
        self.ports, self.held = free_ports(PORTS)
        if self.user:
            self.hand_over()

    def configuration(self, name):
        """Fills in a template of this folder, and says where the result is."""
        text = (HERE / name).read_text()
        values = {
            "DIR": self.directory, "LOGS": self.logs, "MODULES": APACHE_MODULES,
            "IPV6": "" if self.ipv6 else "#", "BACKEND": self.backend.port,
            **self.ports, **{f"UDP_{name.upper()}": syslog.port for name, syslog in self.syslog.items()},
        }
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        path = self.directory / name
        path.write_text(text)
        return path

    def start(self):
        for left in reversed(range(STARTS)):
            try:
                return self.launch()
            except Failure:
                self.stop()
                if not left:
                    raise
            self.processes.clear()
            self.held["CLOSED"].close()
            self.ports, self.held = free_ports(PORTS)
            for log in self.logs.iterdir():
                os.truncate(log, 0)

    def launch(self):
        for name in SERVING:
            self.held[name].close()
        nginx, httpd, haproxy = (self.configuration(n) for n in ("nginx.conf", "httpd.conf", "haproxy.cfg"))
        errors = str(self.logs / "nginx-error.log")
        self.run([find("nginx"), "-p", str(self.directory), "-e", errors, "-c", str(nginx)], ZONE)
        self.run([find("apache2"), "-DFOREGROUND", "-f", str(httpd)], ZONE)
        self.run([find("haproxy"), "-db", "-f", str(haproxy)], "UTC", self.logs / "haproxy-raw.log")
        for name in SERVING:
            port = self.ports[name]
            wait_for(f"{name} on port {port}", lambda port=port: self.all_run() and answers(port))


def find(program):
    """The path of a server's program; /usr/sbin is not on everybody's PATH."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise Failure(f"{program} is not installed")
    return path
