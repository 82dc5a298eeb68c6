#!/usr/bin/env python3
"""`aftertrace scan` on Apache Spark: the same report, byte for byte, of more logs than one machine can read.

    spark-submit --files aftertrace aftertrace_spark.py [OPTIONS OF aftertrace scan] INPUT...

The driver lists the inputs and cuts them into pieces. A task gives its pieces to `aftertrace map`, and its answer is a
part. Parts are merged in a tree. `aftertrace plan` says what has to be read next; when nothing is left, `aftertrace
report` writes the report. Nothing is decided here: what a piece means is known to aftertrace alone.

What counts is the value that a task returns, of which Spark takes one attempt; files that a task writes are its own and
are thrown away. So neither a repeated nor a speculative attempt can count a line twice.

Needs PySpark 3.5 and Python 3.10, on Linux or macOS. README.md beside this file says how to run it where.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import glob
import hashlib
import io
import itertools
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import RDD, Broadcast, SparkContext, SparkFiles, TaskContext
from pyspark.errors import PySparkException

PROGRAM = "aftertrace"
# Exit status of aftertrace, and of this: bad usage, or something that could not be read.
ERROR = 2

MIB = 1 << 20
# Without --split a core gets about this many pieces, so that all cores end at about the same time.
PIECES_PER_CORE = 8
# And about this many of what a plan asks for: each process loads the plan first, which may take longer than reading.
PLANNED_PER_CORE = 2
# Below this, starting a task takes longer than reading its bytes.
SMALLEST_SPLIT = 64 * MIB
# What is streamed lies in a temporary file of the executor while it is read; and a piece is read again when its task fails.
LARGEST_SPLIT = 512 * MIB
# What opening an object costs, in bytes that could be read meanwhile: small files share a task by it.
OPEN_COST = 4 * MIB
# Packed logs are about this much longer when they are unpacked.
PACKED_COST = 8
# Parts merged by one task. Each of them passes over the network once on each level of the tree.
FAN_IN = 16
# Bytes that tell how an object is packed: the length of a tar header, the longest sign.
SIGNS = 512
# As deep as `scan` follows directories.
MAX_DEPTH = 64
# Objects looked into at the same time by the driver.
PROBES = 32
# Bytes that the helper's copying moves at a time.
COPY_BUFFER = MIB
# The helper only copies; clients of object stores have buffers of their own.
HELPER_HEAP = "-Xmx256m"
# The longest reason that is told of a failure, in characters.
LONGEST_REASON = 500
# Inputs that are named when none can be read.
TOLD = 5

HELP = f"""\
usage: spark-submit --files aftertrace aftertrace_spark.py [OPTIONS] INPUT...

INPUT       files, globs and directories, of any file system that Spark reads: /path, file:///path, hdfs://, s3a://
OPTIONS     those of `aftertrace scan`; -o may name any file system as well. And:
  --split SIZE    bytes of a plain file that are read by one process [default: by size and cores, {SMALLEST_SPLIT // MIB}M to {LARGEST_SPLIT // MIB}M]
  --binary PATH   the program on the driver's machine, which is sent to the executors
                  [default: `aftertrace` of --files, or of the PATH]
  --work DIR      keep the merged counts here as `whole`, for `aftertrace report DIR/whole`
"""


# Runs in one session may begin at the same time, and Spark takes a file of one name once.
SENDING = threading.Lock()


class Failure(Exception):
    """The run cannot go on; the message is one line for the user."""


class Unusable(Exception):
    """The program does not run on an executor. Spark tries the task again, and then the run ends."""


class Unreadable(Exception):
    """A piece of an input cannot be read. Spark tries the task again, and then the piece counts as lost."""


# The command line.


class Kind(enum.Enum):
    """What stands behind an option."""

    FLAG = enum.auto()
    VALUE = enum.auto()
    # A file or a folder on the driver's machine that every process needs.
    FILE = enum.auto()
    # The same, with the files that it includes.
    CONFIG = enum.auto()


# The options of `aftertrace scan` that say what is counted; they go to `map`. tests/spark holds all these against --help.
SURVEY_OPTIONS = {
    "--access-format": Kind.VALUE,
    "--bucket": Kind.VALUE,
    "--client-from": Kind.VALUE,
    "--error-tz": Kind.VALUE,
    "--exclude": Kind.VALUE,
    "--from": Kind.VALUE,
    "--known": Kind.FILE,
    "--memory-limit": Kind.VALUE,
    "--no-context": Kind.FLAG,
    "--patterns": Kind.FILE,
    "--server-config": Kind.CONFIG,
    "--sigma": Kind.FILE,
    "--since": Kind.VALUE,
    "--to": Kind.VALUE,
    "--trusted-proxy": Kind.VALUE,
    "--until": Kind.VALUE,
}
# Those that say how a process works, and nothing of its result; they go to each `map`.
PROCESS_OPTIONS = {
    "--chunk-bytes": Kind.VALUE,
    "--no-mmap": Kind.FLAG,
    "--threads": Kind.VALUE,
}
# Those that say how the report is written; they go to `report`.
REPORT_OPTIONS = {
    "--color": Kind.VALUE,
    "--fail-on": Kind.VALUE,
    "--format": Kind.VALUE,
    "--mmdb": Kind.VALUE,
    "--pseudonym-key": Kind.VALUE,
    "--pseudonymize": Kind.FLAG,
    "--tz": Kind.VALUE,
}
# Those that this program obeys itself.
OWN_OPTIONS = {
    "--binary": Kind.VALUE,
    "--help": Kind.FLAG,
    "--output": Kind.VALUE,
    "--quiet": Kind.FLAG,
    "--split": Kind.VALUE,
    "--work": Kind.VALUE,
}
SHORT_OPTIONS = {"-h": "--help", "-j": "--threads", "-o": "--output", "-q": "--quiet"}
ALL_OPTIONS = SURVEY_OPTIONS | PROCESS_OPTIONS | REPORT_OPTIONS | OWN_OPTIONS
# Found out only when all is read, unless it is looked at before.
CHOICES = {
    "--color": ("auto", "always", "never"),
    "--fail-on": ("low", "medium", "high", "critical"),
    "--format": ("table", "json", "markdown", "html", "csv", "timesketch", "ecs"),
}


@dataclasses.dataclass
class Settings:
    """What the user asks for."""

    inputs: list[str] = dataclasses.field(default_factory=list)
    survey: list[tuple[str, str | None]] = dataclasses.field(default_factory=list)
    process: list[tuple[str, str | None]] = dataclasses.field(default_factory=list)
    report: list[tuple[str, str | None]] = dataclasses.field(default_factory=list)
    own: dict[str, str | None] = dataclasses.field(default_factory=dict)

    @property
    def output(self) -> str | None:
        """Where the report goes, if not to standard output."""
        output = self.own.get("--output")
        return None if output == "-" else output

    @property
    def quiet(self) -> bool:
        """Whether only errors are told."""
        return "--quiet" in self.own


def parse(arguments: Sequence[str]) -> Settings:
    """Reads the command line as aftertrace does: a value may begin with a hyphen (`--since -3h`)."""
    settings = Settings()
    words = iter(arguments)
    for word in words:
        if word == "--":
            settings.inputs.extend(words)
        elif word == "-":
            raise Failure("standard input cannot be shared among executors: write it to a file, and name that")
        elif word.startswith("-"):
            take_option(settings, word, words)
        else:
            settings.inputs.append(word)
    if not settings.inputs and "--help" not in settings.own:
        raise Failure("name log files, globs or directories; --help says more")
    return settings


def take_option(settings: Settings, word: str, words: Iterator[str]) -> None:
    """Puts an option, with its value, where it belongs."""
    if word.startswith("--"):
        name, given, value = word.partition("=")
    else:
        name, value = SHORT_OPTIONS.get(word[:2], word), word[2:].removeprefix("=")
        given = value
    kind = ALL_OPTIONS.get(name)
    if kind is None:
        raise Failure(f"there is no option {word}; --help and `aftertrace scan --help` list what there is")
    if kind is Kind.FLAG and given:
        raise Failure(f"{name} takes no value")
    if kind is not Kind.FLAG and not given:
        value = next(words, None)
        if value is None:
            raise Failure(f"{name} needs a value")
    if value not in CHOICES.get(name, (value,)):
        raise Failure(f"{name} is one of {', '.join(CHOICES[name])}, not {value}")
    option = (name, None if kind is Kind.FLAG else value)
    if name in OWN_OPTIONS:
        settings.own.update([option])
    elif name in SURVEY_OPTIONS:
        settings.survey.append(option)
    else:
        (settings.process if name in PROCESS_OPTIONS else settings.report).append(option)


def words_of(options: Iterable[tuple[str, str | None]]) -> list[str]:
    """Options as a command line has them; joined, so that a value may begin with a hyphen."""
    return [name if value is None else f"{name}={value}" for name, value in options]


def size_in_bytes(text: str) -> int:
    """`64M`, `1 GiB`, `4096`: units count in 1024, as those of --memory-limit do."""
    match = re.fullmatch(r"\s*(\d+)\s*([kmgt]?)(?:i?b)?\s*", text, re.IGNORECASE)
    if not match or int(match[1]) == 0:
        raise Failure(f"--split is a size such as 64M or 1GiB, not {text}")
    return int(match[1]) << 10 * " kmgt".index(match[2].lower() or " ")


# Inputs, as the driver finds them.


@dataclasses.dataclass(frozen=True)
class Item:
    """A file or an object to be read."""

    # As reports name it: a local path as it was given, otherwise the URI.
    name: str
    uri: str
    # The absolute path of a local file.
    local: str | None = None
    size: int = 0
    # Microseconds since 1970.
    modified: int | None = None
    # Why it cannot be read, if that is known already.
    fault: str | None = None

    @property
    def key(self) -> str:
        return visible(self.name)


def visible(name: str) -> str:
    """A name as aftertrace prints it: bytes that are no text as `\\xFF`."""
    return re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02X}", name)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A range of bytes of a plain object, or all of an object."""

    item: Item
    range: tuple[int, int] | None = None
    # Bytes that reading it costs.
    cost: int = 0


def scheme_of(text: str) -> str | None:
    """The scheme of a URI; `None` of a path, in which a colon may stand as well."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):/", text)
    return match[1].lower() if match else None


def is_glob(text: str) -> bool:
    return any(sign in text for sign in "*?[{")


def os_fault(error: OSError) -> str:
    """As aftertrace words an error of the operating system."""
    return f"{error.strerror} (os error {error.errno})"


class LocalSearch:
    """Finds local files as `aftertrace scan` does: sorted, without what has a dot in front, each once.

    The driver's own eyes rather than Hadoop's: only so links, loops and pipes are what they are for `scan`.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.repeated: list[str] = []
        self.seen: set[str] = set()

    def add(self, text: str) -> None:
        """A path, a glob, or a `file:` URI; of the latter the path is the name."""
        path = text if scheme_of(text) is None else "/" + text.partition(":")[2].lstrip("/")
        found = [path]
        if is_glob(path) and not os.path.lexists(path):
            found = sorted({match for plain in without_braces(path) for match in glob.glob(plain, recursive=True)})
        for one in found or [path]:
            self.visit(one, 0)

    def visit(self, path: str, depth: int) -> None:
        absolute = os.path.abspath(path)
        try:
            self.try_visit(path, absolute, depth)
        except OSError as error:
            self.items.append(Item(path, file_uri(absolute), absolute, fault=os_fault(error)))

    def try_visit(self, path: str, absolute: str, depth: int) -> None:
        status = os.stat(path)
        if os.path.isdir(path):
            if self.is_new(path):
                self.descend(path, depth)
        elif os.path.isfile(path):
            if self.is_new(path):
                item = Item(path, file_uri(absolute), absolute, status.st_size, status.st_mtime_ns // 1000)
                self.items.append(item)
            else:
                self.repeated.append(path)
        elif depth == 0:
            fault = "only regular files can be shared among executors"
            self.items.append(Item(path, file_uri(absolute), absolute, fault=fault))

    def is_new(self, path: str) -> bool:
        real = os.path.realpath(path)
        new = real not in self.seen
        self.seen.add(real)
        return new

    def descend(self, directory: str, depth: int) -> None:
        if depth >= MAX_DEPTH:
            fault = "directories are nested too deeply"
            self.items.append(Item(directory, file_uri(os.path.abspath(directory)), fault=fault))
            return
        for name in sorted(os.listdir(directory), key=os.fsencode):
            if not name.startswith("."):
                self.visit(os.path.join(directory, name), depth + 1)


def file_uri(absolute: str) -> str:
    return f"file://{absolute}"


def without_braces(pattern: str) -> list[str]:
    """`a{b,c}` as `ab` and `ac`: Hadoop's globs have braces, Python's have none."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if not match:
        return [pattern]
    choices = match[1].split(",")
    return [plain for choice in choices for plain in without_braces(pattern[: match.start()] + choice + pattern[match.end() :])]


class HadoopSearch:
    """Finds objects through the driver's Hadoop file systems."""

    def __init__(self, context: SparkContext) -> None:
        self.jvm: Any = context._jvm
        self.configuration: Any = context._jsc.hadoopConfiguration()
        self.items: dict[str, Item] = {}
        self.repeated: list[str] = []

    def is_local(self, text: str) -> bool:
        """Whether a path is of the driver's own disk: by its scheme, or because Spark's default file system is."""
        scheme = scheme_of(text)
        default = self.jvm.org.apache.hadoop.fs.FileSystem.getDefaultUri(self.configuration).getScheme()
        return (scheme or default) == "file"

    def add(self, text: str) -> None:
        """A path, a glob or a directory. What is missing becomes an item with its fault."""
        try:
            path = self.jvm.org.apache.hadoop.fs.Path(text)
            files = path.getFileSystem(self.configuration)
            path = files.makeQualified(path)
            found = self.matches(files, path)
            for status in found:
                self.visit(files, status, 0)
            if not found:
                self.lose(path.toString(), "no such object")
        except Py4JJavaError as error:
            if is_about_class(error):
                raise Failure(f"{text}: {reason_of(error)}; {missing_jar(text)}") from None
            self.lose(text, reason_of(error))

    def matches(self, files: Any, path: Any) -> list[Any]:
        """An object of that very name, or else what the name matches as a glob, without what is hidden."""
        try:
            return [files.getFileStatus(path)]
        except Py4JJavaError as error:
            if class_of(error) != "java.io.FileNotFoundException" or not is_glob(path.toString()):
                raise
        hidden_too = is_hidden(path.getName())
        found = list(files.globStatus(path) or [])
        return [status for status in found if hidden_too or not is_hidden(status.getPath().getName())]

    def visit(self, files: Any, status: Any, depth: int) -> None:
        path = status.getPath()
        if not status.isDirectory():
            self.keep(path.toString(), status)
        elif depth >= MAX_DEPTH:
            self.lose(path.toString(), "directories are nested too deeply")
        else:
            try:
                entries = list(files.listStatus(path))
            except Py4JJavaError as error:
                self.lose(path.toString(), reason_of(error))
                return
            for entry in entries:
                if not is_hidden(entry.getPath().getName()):
                    self.visit(files, entry, depth + 1)

    def keep(self, uri: str, status: Any) -> None:
        if uri in self.items:
            self.repeated.append(uri)
            return
        # Stores that do not know when an object was written say zero.
        modified = status.getModificationTime() * 1000 or None
        self.items[uri] = Item(uri, uri, None, status.getLen(), modified)

    def lose(self, uri: str, fault: str) -> None:
        self.items.setdefault(uri, Item(uri, uri, fault=fault))


def is_hidden(name: str) -> bool:
    """Hadoop's rule, beside that of `scan`: `_SUCCESS` and `_temporary` are marks of jobs and no logs."""
    return name.startswith((".", "_"))


def class_of(error: Py4JJavaError) -> str:
    return error.java_exception.getClass().getName()


def is_about_class(error: Py4JJavaError) -> bool:
    text = reason_of(error)
    return "ClassNotFound" in text or "No FileSystem for scheme" in text


def missing_jar(text: str) -> str:
    """What to do where a file system is not known to Spark."""
    scheme = scheme_of(text)
    if scheme in ("s3", "s3a", "s3n"):
        return "write s3a://, and give spark-submit --packages org.apache.hadoop:hadoop-aws:VERSION, with Spark's version of Hadoop"
    return f"give spark-submit the jar that reads {scheme}: with --packages or --jars"


def reason_of(error: Exception) -> str:
    """Why something failed, in one line, and without the package of Java's class."""
    text = error.java_exception.toString() if isinstance(error, Py4JJavaError) else str(error)
    line = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return re.sub(r"^(?:\w+\.)+(?=[A-Z])", "", line)[:LONGEST_REASON]


def find_items(context: SparkContext, inputs: Iterable[str]) -> tuple[list[Item], list[str]]:
    """Everything that is to be read, in the order of names, and what was named more than once."""
    local, hadoop = LocalSearch(), HadoopSearch(context)
    for text in sorted(inputs):
        (local if hadoop.is_local(text) else hadoop).add(text)
    items = sorted([*local.items, *hadoop.items.values()], key=lambda item: os.fsencode(item.name))
    return items, sorted({*local.repeated, *hadoop.repeated})


# Cutting inputs into pieces, and putting pieces together in tasks.


def looks_plain(start: bytes) -> bool:
    """Whether an object may be cut: its lines stand in it as they are.

    Told by content, as aftertrace does: rotated logs may be packed without saying so in their names. All that this
    program cannot tell is given whole, which is always right: a NUL stands in tar headers and in UTF-16.
    """
    packed = (b"\x1f\x8b", b"BZh", b"PK", b"7z\xbc\xaf", b"Rar!", b"LZIP", b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd")
    skippable = start[1:4] == b"\x2a\x4d\x18"
    return not (start.startswith(packed) or skippable or b"\0" in start)


def first_bytes(context: SparkContext, item: Item) -> bytes:
    """The beginning of an object; NUL where it cannot be read, so that the task finds out why."""
    length = min(SIGNS, item.size)
    try:
        if item.local is not None:
            with open(item.local, "rb") as file:
                return file.read(length)
        jvm: Any = context._jvm
        path = jvm.org.apache.hadoop.fs.Path(item.uri)
        stream = path.getFileSystem(context._jsc.hadoopConfiguration()).open(path)
        try:
            return jvm.org.apache.commons.io.IOUtils.toByteArray(stream, length)
        finally:
            stream.close()
    except (OSError, Py4JError):
        return b"\0"


def default_split(items: Iterable[Item], pieces: int) -> int:
    """The length of so many pieces, where the user says nothing."""
    total = sum(item.size for item in items)
    return max(SMALLEST_SPLIT, min(LARGEST_SPLIT, total // pieces))


def cut(context: SparkContext, items: Sequence[Item], split: int) -> list[Piece]:
    """All items in pieces. What is no longer than a piece is given whole: then nobody needs to know if it is packed."""
    long = [item for item in items if item.size > split]
    with ThreadPoolExecutor(PROBES) as pool:
        starts = pool.map(lambda item: first_bytes(context, item), long)
        plain = {item for item, start in zip(long, starts) if looks_plain(start)}
    return [piece for item in items for piece in pieces_of(item, item in plain, split)]


def pieces_of(item: Item, plain: bool, split: int) -> list[Piece]:
    if not plain:
        return [Piece(item, None, OPEN_COST + PACKED_COST * item.size)]
    starts = range(0, item.size, split)
    ranges = [(start, min(start + split, item.size)) for start in starts]
    return [Piece(item, one, OPEN_COST + one[1] - one[0]) for one in ranges]


def bundles(pieces: Iterable[Piece], cores: int) -> list[list[Piece]]:
    """Pieces by task. The longest come first, so that no core begins a long one when the others are done."""
    ordered = sorted(pieces, key=lambda piece: -piece.cost)
    most = max(SMALLEST_SPLIT, sum(piece.cost for piece in ordered) // (cores * PIECES_PER_CORE))
    tasks: list[list[Piece]] = []
    room = 0
    for piece in ordered:
        if not tasks or piece.cost > room:
            tasks.append([])
            room = most
        tasks[-1].append(piece)
        room -= piece.cost
    return tasks


# What the driver sends to the executors.


@dataclasses.dataclass(frozen=True)
class Job:
    """What every task of a run needs to know."""

    # Names the run's folder on an executor.
    run: str
    # The file's name among those that Spark sent.
    binary: str
    # The words behind `map`, up to the plan.
    stage: tuple[str, ...]
    # The driver's working directory, against which paths are relative.
    directory: str
    # Attempts that Spark gives a task.
    attempts: int
    # Options of each process that maps.
    process: tuple[str, ...]
    # A tar of the files that options name, if there are any.
    luggage: Broadcast[bytes] | None
    # Hadoop's configuration on the driver, as XML.
    hadoop: Broadcast[bytes]
    # Which round of reading; 0 is the survey.
    round: int = 0
    plan: Broadcast[bytes] | None = None


@dataclasses.dataclass
class Outcome:
    """The answer of a task."""

    part: bytes
    # Pieces that were read, or asked for and lost.
    read: int
    lost: int
    # Why the first was lost.
    reason: str | None = None


# On the executors: a folder for files, processes of aftertrace, and a helper for file systems.


class Desk:
    """The folder of a run on an executor, and what is done there.

    Its tree is a mirror of the driver's: a relative path is the same path here, so that a part is the same whoever
    makes it. Spark removes it with the executor.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        local = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0] or tempfile.gettempdir()
        self.root = os.path.join(local, f"{PROGRAM}-{job.run}")
        self.mirror = os.path.join(self.root, "mirror")
        self.directory = self.mirror + job.directory
        os.makedirs(os.path.join(self.root, "tmp"), exist_ok=True)
        if job.luggage is not None:
            self.unpack(job.luggage)
        os.makedirs(self.directory, exist_ok=True)
        self.stage = [*job.stage, *job.process]
        if job.plan is not None:
            self.stage += ["--plan", self.plan(job.plan)]

    def unpack(self, luggage: Broadcast[bytes]) -> None:
        """Another worker may do the same: the first to be ready counts."""
        if os.path.isdir(self.mirror):
            return
        folder = tempfile.mkdtemp(dir=self.root)
        with tarfile.open(fileobj=io.BytesIO(luggage.value)) as archive:
            # Pythons before 3.12 have the filter, or none, by patch level; the archive is the driver's own anyway.
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            archive.extractall(folder)
        os.makedirs(folder + self.job.directory, exist_ok=True)
        try:
            os.rename(folder, self.mirror)
        except OSError:
            shutil.rmtree(folder)

    def plan(self, plan: Broadcast[bytes]) -> str:
        """The plan as a file, one for all workers of the executor; that of the round before may go."""
        path = os.path.join(self.root, f"plan-{self.job.round}")
        if not os.path.exists(path):
            with tempfile.NamedTemporaryFile(dir=self.root, delete=False) as file:
                file.write(plan.value)
            os.replace(file.name, path)
        for old in glob.glob(os.path.join(glob.escape(self.root), "plan-*")):
            if old != path:
                remove_quietly(old)
        return path

    def run(self, words: Sequence[str], stdin: int = subprocess.DEVNULL) -> Process:
        """Starts aftertrace."""
        binary = SparkFiles.get(self.job.binary)
        environment = os.environ | {"TMPDIR": os.path.join(self.root, "tmp")}
        return Process(binary, words, stdin, self.directory, environment)

    def map(self, piece: Piece, part: str) -> str | None:
        """Reads a piece. Where that cannot be done in the last attempt, the part says so, and the reason is returned."""
        try:
            self.try_map(piece, part)
            return None
        except Unreadable as error:
            if not is_last_attempt(self.job):
                raise
            reason = str(error).removeprefix(f"{piece.item.key}: ").removeprefix("cannot read: ")
            # Of a file that cannot be opened aftertrace makes such a part itself.
            if not os.path.exists(part):
                self.lose(piece, part, reason)
            return f"{piece.item.key}: cannot read: {reason}"

    def try_map(self, piece: Piece, part: str) -> None:
        if piece.item.fault:
            raise Unreadable(piece.item.fault)
        if piece.item.local is not None and os.path.exists(piece.item.local):
            self.map_local(piece, part)
        else:
            self.map_stream(piece, part)

    def map_local(self, piece: Piece, part: str) -> None:
        """A file of this machine is mapped by its path. Where it has grown since it was listed, it is read up to there:
        all parts must be of the same file."""
        item = piece.item
        assert item.local is not None
        try:
            status = os.stat(item.local)
            if status.st_size < item.size:
                raise Unreadable(f"it was {item.size} bytes long when it was listed and has {status.st_size} here")
            same = (status.st_size, status.st_mtime_ns // 1000) == (item.size, item.modified)
            if same and self.link(item):
                place = [*range_words(piece), "-o", part, "--", item.name]
                self.run(["map", *self.stage, *place]).expect_success()
                return
            with open(item.local, "rb") as file:
                file.seek(first_needed(piece))
                self.run(self.stream_words(piece, part), file.fileno()).expect_success()
        except OSError as error:
            raise Unreadable(os_fault(error)) from None

    def link(self, item: Item) -> bool:
        """Makes a relative path lead to its file from here. An absolute one does anyway."""
        assert item.local is not None
        if os.path.isabs(item.name):
            return True
        place = os.path.join(self.directory, item.name)
        if not os.path.lexists(place):
            try:
                os.makedirs(os.path.dirname(self.mirror + item.local), exist_ok=True)
                os.symlink(item.local, self.mirror + item.local)
            except FileExistsError:
                pass
        return os.path.exists(place)

    def map_stream(self, piece: Piece, part: str) -> None:
        """The helper writes into a pipe, from which aftertrace reads until it has enough."""
        helper = Helper.get(self.job)
        stream = helper.open(piece.item.uri, first_needed(piece))
        pipe = f"{part}.pipe"
        os.mkfifo(pipe)
        # Opened without waiting for a writer; while a reader is there, those who open it to write need not wait either.
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(pipe, os.O_WRONLY)
        try:
            sink = helper.sink(pipe)
            os.set_blocking(reader, True)
            process = self.run(self.stream_words(piece, part), reader)
            os.close(reader)
            reader = -1
            fault = helper.copy(stream, sink)
            # Who closes the pipe has enough: then it is no fault that the rest could not be written.
            if fault and not is_abandoned(writer):
                process.stop()
                remove_quietly(part)
                raise Unreadable(fault)
        finally:
            os.close(writer)
            if reader >= 0:
                os.close(reader)
            os.unlink(pipe)
        process.expect_success()

    def stream_words(self, piece: Piece, part: str) -> list[str]:
        """The command that reads a piece from standard input."""
        item = piece.item
        modified = [] if item.modified is None else [f"--modified={rfc3339(item.modified)}"]
        place = [*named_words(piece), *modified, "-o", part, "--", "-"]
        return ["map", *self.stage, *place]

    def lose(self, piece: Piece, part: str, reason: str) -> None:
        """Makes the part that says that a piece could not be read."""
        place = [f"--lost={reason}", *named_words(piece), "-o", part]
        process = self.run(["map", *self.stage, *place])
        try:
            process.expect_success()
        except Unreadable as error:
            raise Unusable(f"{PROGRAM} fails: {error}") from None

    def merge(self, parts: Sequence[str], folder: str) -> bytes:
        """One part out of many."""
        if len(parts) == 1:
            return read_file(parts[0])
        whole = os.path.join(folder, "whole")
        try:
            self.run(["merge", "-o", whole, "--", *parts]).expect_success()
        except Unreadable as error:
            raise Unusable(f"parts cannot be merged: {error}") from None
        return read_file(whole)


class Process:
    """A run of aftertrace on an executor."""

    def __init__(self, binary: str, words: Sequence[str], stdin: int, directory: str, environment: dict[str, str]) -> None:
        self.stderr = tempfile.TemporaryFile(dir=environment["TMPDIR"])
        command = [os.fsencode(word) for word in (binary, *words)]
        try:
            self.process = subprocess.Popen(
                command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=self.stderr, cwd=directory, env=environment
            )
        except OSError as error:
            raise Unusable(
                f"{os.path.basename(binary)} cannot be started on {os.uname().nodename}: {os_fault(error)}; "
                "give --binary a static build for the executors' kind of machine"
            ) from None

    def expect_success(self) -> None:
        """Waits for the end."""
        status = self.process.wait()
        self.stderr.seek(0)
        said = self.stderr.read().decode(errors="replace")
        self.stderr.close()
        if status < 0:
            raise Unusable(
                f"{PROGRAM} was ended by signal {-status} on {os.uname().nodename}; where memory was short, raise "
                "spark.executor.memoryOverhead or lower --memory-limit"
            )
        if status != 0:
            raise Unreadable(error_in(said) or f"{PROGRAM} ended with status {status}")

    def stop(self) -> None:
        """Its input is incomplete; nobody wants the answer."""
        self.process.kill()
        self.process.wait()
        self.stderr.close()


def error_in(said: str) -> str | None:
    """The first error among messages of aftertrace, or else the last message."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    found = (errors or lines[-1:] or [None])[0]
    return found and found[:LONGEST_REASON]


def range_words(piece: Piece) -> list[str]:
    return [] if piece.range is None else [f"--range={piece.range[0]}..{piece.range[1]}"]


def named_words(piece: Piece) -> list[str]:
    """What is said of bytes that come without a file."""
    size = [] if piece.range is None else [f"--size={piece.item.size}"]
    return [f"--name={piece.item.name}", *range_words(piece), *size]


def first_needed(piece: Piece) -> int:
    """Where the bytes must begin: one before the range, which tells whether a line begins with it."""
    return max(0, piece.range[0] - 1) if piece.range else 0


def rfc3339(microseconds: int) -> str:
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    time = epoch + datetime.timedelta(microseconds=microseconds)
    return time.isoformat().replace("+00:00", "Z")


def is_abandoned(writer: int) -> bool:
    """Whether nobody reads from a pipe any more."""
    poll = select.poll()
    poll.register(writer, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def is_last_attempt(job: Job) -> bool:
    context = TaskContext.get()
    return context is None or context.attemptNumber() + 1 >= job.attempts


def read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def remove_quietly(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


class Helper:
    """A Java process beside the Python worker that reads objects through Hadoop, as the executor would.

    PySpark has no way of its own to read a range of an object on an executor: text sources decode and lose offsets,
    binary ones hold an object as a whole. Bytes go from here into a pipe and never through Python. It is started with
    the first object, kept as long as Spark keeps the worker, and ends with it.
    """

    current: tuple[str, Helper] | None = None

    def __init__(self, configuration: bytes) -> None:
        java, classpath = executor_java()
        jars = [path for entry in classpath.split(os.pathsep) for path in (glob.glob(entry) if entry.endswith("*") else [entry])]
        jar = next((path for path in jars if re.fullmatch(r"py4j.*\.jar", os.path.basename(path))), None)
        if jar is None:
            raise Unusable(f"there is no py4j*.jar on the class path of the executor on {os.uname().nodename}")
        port, token = launch_gateway(
            jarpath=jar, classpath=classpath, javaopts=[HELPER_HEAP], java_path=java, die_on_exit=True, enable_auth=True
        )
        self.gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token))
        self.jvm: Any = self.gateway.jvm
        self.configuration = self.jvm.org.apache.hadoop.conf.Configuration(False)
        self.configuration.addResource(self.jvm.java.io.ByteArrayInputStream(configuration), "the driver's")

    @classmethod
    def get(cls, job: Job) -> Helper:
        """The helper of this worker; a new one for another run, whose configuration may differ."""
        if cls.current is None or cls.current[0] != job.run:
            cls.drop()
            try:
                cls.current = (job.run, cls(job.hadoop.value))
            except (OSError, ValueError, Py4JError) as error:
                raise Unusable(f"Java cannot be started on {os.uname().nodename}: {reason_of(error)}") from None
        return cls.current[1]

    @classmethod
    def drop(cls) -> None:
        """Ends the helper, if there is one."""
        if cls.current is not None:
            try:
                cls.current[1].gateway.shutdown()
            except Py4JError:
                pass
            cls.current = None

    def open(self, uri: str, start: int) -> Any:
        """An object as a stream that begins at a byte."""
        try:
            path = self.jvm.org.apache.hadoop.fs.Path(uri)
            stream = path.getFileSystem(self.configuration).open(path)
            stream.seek(start)
            return stream
        except Py4JError as error:
            raise Unreadable(self.fault(error)) from None

    def sink(self, pipe: str) -> Any:
        """The end of a pipe that is written to."""
        try:
            return self.jvm.java.io.FileOutputStream(pipe)
        except Py4JError as error:
            raise Unreadable(self.fault(error)) from None

    def copy(self, stream: Any, sink: Any) -> str | None:
        """Writes a stream into a pipe, to its end or until nobody reads; returns what went wrong."""
        try:
            try:
                self.jvm.org.apache.hadoop.io.IOUtils.copyBytes(stream, sink, COPY_BUFFER, False)
            finally:
                sink.close()
                stream.close()
            return None
        except Py4JError as error:
            return self.fault(error)

    def fault(self, error: Py4JError) -> str:
        """What went wrong. A helper that does not answer is not asked again."""
        if not isinstance(error, Py4JJavaError):
            Helper.drop()
        return reason_of(error)


def executor_java() -> tuple[str, str]:
    """The Java program and the class path of the executor: what Spark reads with, the helper reads with."""
    sent = os.path.join(SparkFiles.getRootDirectory(), "*")
    process = os.getppid()
    while process > 1:
        folder = f"/proc/{process}"
        try:
            words = read_file(f"{folder}/cmdline").decode(errors="surrogateescape").split("\0")
            if os.path.basename(words[0]) == "java":
                variables = read_file(f"{folder}/environ").decode(errors="surrogateescape").split("\0")
                given = next((words[at + 1] for at, word in enumerate(words) if word in ("-cp", "-classpath")), None)
                named = next((word.partition("=")[2] for word in variables if word.startswith("CLASSPATH=")), "")
                return os.path.realpath(f"{folder}/exe"), os.pathsep.join((given or named, sent))
            process = int(read_file(f"{folder}/stat").rpartition(b")")[2].split()[1])
        except (OSError, ValueError):
            break
    # Without /proc, as on macOS: what the environment says.
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else "java"
    jars = os.path.join(os.environ.get("SPARK_HOME", ""), "jars", "*")
    return java, os.pathsep.join((os.environ.get("CLASSPATH") or jars, sent))


def map_task(job: Job, pieces: Iterable[Piece]) -> Outcome:
    """What a task of a round does."""
    desk = Desk(job)
    with tempfile.TemporaryDirectory(dir=desk.root) as folder:
        parts, reasons = [], []
        for number, piece in enumerate(pieces):
            part = os.path.join(folder, str(number))
            reasons.append(desk.map(piece, part))
            parts.append(part)
        lost = [reason for reason in reasons if reason is not None]
        return Outcome(desk.merge(parts, folder), len(parts), len(lost), next(iter(lost), None))


def merge_task(job: Job, outcomes: Iterable[Outcome]) -> Outcome:
    """What a task of the tree does. Only one part at a time is held in memory."""
    desk = Desk(job)
    total = Outcome(b"", 0, 0)
    with tempfile.TemporaryDirectory(dir=desk.root) as folder:
        parts = []
        for number, outcome in enumerate(outcomes):
            parts.append(os.path.join(folder, str(number)))
            with open(parts[-1], "wb") as file:
                file.write(outcome.part)
            total.read += outcome.read
            total.lost += outcome.lost
            total.reason = total.reason or outcome.reason
        total.part = desk.merge(parts, folder)
    return total


def merge_tree(parts: RDD[Outcome], count: int, job: Job) -> RDD[Outcome]:
    """Merges parts level by level, until one is left."""
    while count > 1:
        count = -(-count // FAN_IN)
        grouped = parts.mapPartitionsWithIndex(lambda index, some: ((index // FAN_IN, outcome) for outcome in some))
        gathered = grouped.partitionBy(count, lambda group: group)
        parts = gathered.mapPartitions(lambda some: [merge_task(job, (outcome for _, outcome in some))])
    return parts


# The driver.


class Driver:
    """A run, from the command line to the report."""

    def __init__(self, context: SparkContext, settings: Settings, work: str, messages: TextIO) -> None:
        self.context = context
        self.messages = messages
        self.settings = settings
        self.work = work
        self.whole = os.path.join(work, "whole")
        self.binary = executable(find_binary(context, settings.own.get("--binary")), work)
        self.cores = max(1, context.defaultParallelism)
        # A task may use the cores that Spark reserves for it.
        threads = context.getConf().get("spark.task.cpus", "1")
        self.process = words_of(({"--threads": threads} | dict(settings.process)).items())
        survey, files = packable(settings.survey)
        self.options = words_of(survey)
        self.files = files

    def run(self) -> int:
        """Does all of it; returns the exit status."""
        self.check()
        items, repeated = self.items()
        job = self.job()
        try:
            self.round(job, cut(self.context, items, self.split(items, PIECES_PER_CORE)), self.whole)
            self.note(repeated)
            self.focus(job, {item.key: item for item in items}, self.split(items, PLANNED_PER_CORE))
        finally:
            for broadcast in (job.hadoop, job.luggage):
                if broadcast is not None:
                    broadcast.destroy()
        return self.report()

    def split(self, items: list[Item], per_core: int) -> int:
        """Bytes of a plain file for one process."""
        split = self.settings.own.get("--split")
        return size_in_bytes(split) if split else default_split(items, self.cores * per_core)

    def items(self) -> tuple[list[Item], list[str]]:
        """What is to be read, as long as anything can be, and what was named more than once."""
        items, repeated = find_items(self.context, self.settings.inputs)
        if all(item.fault for item in items):
            faults = "; ".join(f"{item.key}: cannot read: {item.fault}" for item in items[:TOLD])
            raise Failure(faults or "the directories named hold no files")
        return items, repeated

    def check(self) -> None:
        """Finds mistakes on the command line in a second rather than after an hour."""
        output = self.settings.output
        if output and scheme_of(output) is None and not os.path.isdir(os.path.dirname(os.path.abspath(output))):
            raise Failure(f"{output}: cannot be written: there is no such directory")
        for name, value in self.settings.report:
            if name in ("--mmdb", "--pseudonym-key") and value is not None and not os.path.isfile(value):
                raise Failure(f"{name}: {value}: there is no such file")
        # With nothing to read, only what the options say is looked at.
        empty, part = os.path.join(self.work, "empty"), os.path.join(self.work, "part")
        with open(empty, "wb"):
            pass
        self.survey("-o", part, "--", empty)
        os.unlink(part)
        os.unlink(empty)

    def survey(self, *words: str) -> None:
        """The first stage, on the driver."""
        self.call("map", "--stage", "survey", *self.options, *self.process, *words)

    def note(self, repeated: list[str]) -> None:
        """Adds to the whole that something was named more than once."""
        parts = [os.path.join(self.work, f"repeated-{number}") for number in range(len(repeated))]
        for name, part in zip(repeated, parts):
            self.survey("--repeated", f"--name={visible(name)}", "-o", part)
        if parts:
            self.unite(*parts)

    def job(self) -> Job:
        """Sends out what all tasks need."""
        context = self.context
        with SENDING:
            send_module(context)
            binary = send_binary(context, self.binary)
        writer = context._jvm.java.io.StringWriter()  # type: ignore[union-attr]
        context._jsc.hadoopConfiguration().writeXml(writer)
        return Job(
            run=uuid.uuid4().hex,
            binary=binary,
            stage=("--stage", "survey", *self.options),
            directory=os.getcwd(),
            attempts=attempts_of(context),
            process=tuple(self.process),
            luggage=context.broadcast(pack(self.files)) if self.files else None,
            hadoop=context.broadcast(writer.toString().encode()),
        )

    def focus(self, job: Job, items: dict[str, Item], split: int) -> None:
        """Reads what aftertrace asks for, round after round, until nothing is left."""
        plan = os.path.join(self.work, "plan")
        before = b""
        for number in itertools.count(1):
            listed = self.plan(split, plan)
            if listed is None:
                return
            content = read_file(plan)
            if content == before:
                raise Failure(f"{PROGRAM} asks for the same bytes again and again; please report this as an error of {PROGRAM}")
            before = content
            self.add(dataclasses.replace(job, round=number), content, pieces_in(listed, items))

    def add(self, job: Job, plan: bytes, pieces: list[Piece]) -> None:
        """Reads what a plan lists, and adds the counts to the whole."""
        broadcast = self.context.broadcast(plan)
        part = os.path.join(self.work, "part")
        self.round(dataclasses.replace(job, stage=("--stage", "focus"), plan=broadcast), pieces, part)
        self.unite(part)
        broadcast.destroy()

    def unite(self, *parts: str) -> None:
        """Adds parts to the whole, and removes them."""
        merged = os.path.join(self.work, "merged")
        self.call("merge", "-o", merged, "--", self.whole, *parts)
        os.replace(merged, self.whole)
        for part in parts:
            os.unlink(part)

    def round(self, job: Job, pieces: list[Piece], target: str) -> None:
        """Maps pieces and writes their merged part to a file."""
        tasks = bundles(pieces, self.cores)
        what = "survey" if job.round == 0 else f"round {job.round}"
        self.say(f"{PROGRAM}: {what}: {len(pieces):,} pieces in {len(tasks):,} tasks")
        parts = self.context.parallelize(tasks, len(tasks)).map(lambda some: map_task(job, some))
        try:
            outcome = merge_tree(parts, len(tasks), job).collect()[0]
        except (Py4JError, PySparkException) as error:
            raise Failure(cause_of(error)) from None
        # One input may vanish on the way. All of them at once are the fault of something else.
        alone = job.round > 0 and len({piece.item for piece in pieces}) == 1
        if outcome.lost == outcome.read and not alone:
            raise Failure(f"nothing could be read: {outcome.reason}")
        with open(target, "wb") as file:
            file.write(outcome.part)

    def plan(self, split: int, plan: str) -> str | None:
        """What has to be read next; `None` if nothing has."""
        done = self.call("plan", f"--split={split}", self.whole, "-o", plan, fine=(0, 1))
        return done.stdout if done.returncode == 0 else None

    def report(self) -> int:
        """Writes the report, which may also go to a file system that only Spark knows."""
        output = self.settings.output
        foreign = output is not None and scheme_of(output) not in (None, "file")
        path = output.removeprefix("file://") if output is not None and not foreign else os.path.join(self.work, "report")
        if output is None or foreign:
            remove_quietly(path)
        command = [self.binary, "report", self.whole, *words_of(self.settings.report), "-o", path]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        written = os.path.exists(path)
        # spark-submit puts both of its streams into one: what is printed for a program must not have more in it. A file that
        # was there before says nothing of this run.
        if output is not None or self.told or not written:
            self.messages.write(done.stderr)
        if written and foreign:
            self.upload(path, output)
        elif written and output is None:
            with open(path, "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.flush()
        return done.returncode if done.returncode >= 0 else ERROR

    def upload(self, report: str, target: str | None) -> None:
        paths: Any = self.context._jvm.org.apache.hadoop.fs  # type: ignore[union-attr]
        path = paths.Path(target)
        try:
            files = path.getFileSystem(self.context._jsc.hadoopConfiguration())
            files.copyFromLocalFile(True, True, paths.Path(file_uri(report)), path)
        except Py4JJavaError as error:
            raise Failure(f"{target}: cannot be written: {reason_of(error)}") from None

    def call(self, *words: str, fine: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Runs aftertrace on the driver."""
        try:
            command = [self.binary, *words]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        except OSError as error:
            raise Failure(f"{self.binary}: cannot be started: {os_fault(error)}; give --binary the program") from None
        if done.returncode not in fine:
            raise Failure(error_in(done.stderr) or f"{self.binary} {words[0]} ended with status {done.returncode}")
        return done

    @property
    def told(self) -> bool:
        """Whether more is told than errors and, without -o, the report: that one table is for people and may have company."""
        alone = self.settings.output is None and dict(self.settings.report).get("--format", "table") != "table"
        return not (self.settings.quiet or alone)

    def say(self, text: str) -> None:
        if self.told:
            tell(text, self.messages)


def tell(text: str, messages: TextIO) -> None:
    """One line for the user. Names of objects may hold what a terminal would obey."""
    print("".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text), file=messages, flush=True)


def find_binary(context: SparkContext, given: str | None) -> str:
    """The program on the driver's machine."""
    if given is not None:
        if not os.path.isfile(given):
            raise Failure(f"{given}: there is no such file; give --binary the program {PROGRAM}")
        return os.path.abspath(given)
    # YARN keeps what --files names for the executors, or puts it into the working directory of a driver of its own.
    named = [context.getConf().get(key, "") or "" for key in ("spark.files", "spark.yarn.dist.files")]
    files = [entry.partition("#")[0].removeprefix("file:") for entry in ",".join(named).split(",")]
    wanted = [SparkFiles.get(PROGRAM), *(file for file in files if os.path.basename(file) == PROGRAM), os.path.abspath(PROGRAM)]
    found = next(filter(os.path.isfile, wanted), None) or shutil.which(PROGRAM)
    if found is None:
        raise Failure(
            f"the program {PROGRAM} is missing: add it with `spark-submit --files /path/to/{PROGRAM}` or --binary /path/to/{PROGRAM}"
        )
    return os.path.abspath(found)


def executable(binary: str, work: str) -> str:
    """The program, or a copy that may be run: some ways of sending files lose that right."""
    if os.access(binary, os.X_OK):
        return binary
    copy = os.path.join(work, PROGRAM)
    shutil.copyfile(binary, copy)
    os.chmod(copy, 0o755)
    return copy


def send_module(context: SparkContext) -> None:
    """Sends this file, so that it is a module on executors, with a state that lives as long as their workers."""
    module = os.path.abspath(__file__)
    if os.path.basename(module) not in map(os.path.basename, context.listFiles):
        context.addPyFile(module)


def send_binary(context: SparkContext, binary: str) -> str:
    """Sends the driver's program to all executors, under a name that tells versions apart: parts of two would not merge."""
    digest = hashlib.sha256(read_file(binary)).hexdigest()[:16]
    name = f"{PROGRAM}-{digest}"
    if name not in map(os.path.basename, context.listFiles):
        # Spark serves the file from there as long as it runs, and removes the folder at its end.
        copy = os.path.join(tempfile.mkdtemp(dir=SparkFiles.getRootDirectory()), name)
        shutil.copy(binary, copy)
        os.chmod(copy, 0o755)
        context.addFile(copy)
    return name


def attempts_of(context: SparkContext) -> int:
    """How often Spark tries a task: in one process only once, unless the master says more (`local[4,2]`)."""
    local = re.fullmatch(r"local(?:\[[^,\]]*(?:,\s*(\d+))?\])?", context.master)
    if local:
        return int(local[1] or 1)
    return int(context.getConf().get("spark.task.maxFailures", "4"))


def packable(options: Iterable[tuple[str, str | None]]) -> tuple[list[tuple[str, str | None]], list[str]]:
    """Options whose files are named so that executors find them, and these files: relative paths, which lead to the same
    files in the mirror on an executor."""
    renamed: list[tuple[str, str | None]] = []
    files: list[str] = []
    for name, value in options:
        kind = SURVEY_OPTIONS[name]
        if kind in (Kind.FILE, Kind.CONFIG) and value is not None:
            if not os.path.exists(value):
                raise Failure(f"{name}: {value}: there is no such file")
            files.extend(included_from(value) if kind is Kind.CONFIG else [value])
            value = os.path.relpath(value) if os.path.isabs(value) else value
        renamed.append((name, value))
    return renamed, files


def included_from(config: str) -> list[str]:
    """A server's configuration and the files below its folder that it includes, however deep.

    aftertrace looks for what is included beside the file that was named, whatever the path in front: so does this.
    """
    folder = os.path.dirname(config)
    found = [config]
    for path in found:
        try:
            text = read_file(path).decode(errors="replace")
        except OSError:
            continue
        for wanted in re.findall(r"^\s*include(?:optional)?\s+[\"']?([^\s\"';]+)", text, re.IGNORECASE | re.MULTILINE):
            steps = [step for step in wanted.split("/") if step]
            for first in range(len(steps)):
                matches = glob.glob(os.path.join(glob.escape(folder), *steps[first:]))
                found.extend(match for match in sorted(matches) if os.path.isfile(match) and match not in found)
    return found


def pack(files: Iterable[str]) -> bytes:
    """Files and folders as a tar, each under its absolute path."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", dereference=True) as archive:
        for path in files:
            archive.add(path, os.path.abspath(path).lstrip("/"))
    return packed.getvalue()


def pieces_in(listed: str, items: dict[str, Item]) -> list[Piece]:
    """The pieces that a plan lists."""
    pieces = []
    for line in listed.splitlines():
        entry = json.loads(line)
        item = items.get(entry["input"])
        if item is None:
            raise Failure(f"{PROGRAM} asks for {entry['input']}, which is no input; please report this as an error of {PROGRAM}")
        if "range" in entry:
            start, end = entry["range"]
            pieces.append(Piece(item, (start, end), OPEN_COST + end - start))
        else:
            pieces.append(Piece(item, None, OPEN_COST + PACKED_COST * item.size))
    return pieces


def cause_of(error: Exception) -> str:
    """What a user needs to know of a job that Spark gave up: the last of a task's own words, not the trace around them."""
    text = str(error)
    own = re.findall(rf"(?:{Unusable.__name__}|{Unreadable.__name__}): (.+)", text)
    if own:
        return own[-1].strip()
    given_up = re.search(r"Job aborted[^\n]*", text)
    return f"Spark gave up: {given_up[0] if given_up else reason_of(error)}; the logs of its executors say more"


def run(spark: Any, arguments: Sequence[str], messages: TextIO = sys.stderr) -> int:
    """Runs with a session that is there, and returns the exit status: that of aftertrace."""
    try:
        settings = parse(arguments)
        if "--help" in settings.own:
            print(HELP, end="")
            return 0
        try:
            context = spark.sparkContext
        except PySparkException:
            raise Failure("Spark Connect gives no access to executors: start this with spark-submit") from None
        return run_in(context, settings, messages)
    except Failure as failure:
        tell(f"error: {failure}", messages)
        return ERROR


def run_in(context: SparkContext, settings: Settings, messages: TextIO) -> int:
    work = settings.own.get("--work")
    if work is not None:
        os.makedirs(work, exist_ok=True)
        return Driver(context, settings, os.path.abspath(work), messages).run()
    with tempfile.TemporaryDirectory(prefix=f"{PROGRAM}-") as folder:
        return Driver(context, settings, folder, messages).run()


def main() -> int:
    """The program. What can be said without Spark is said before it is started."""
    arguments = sys.argv[1:]
    try:
        settings = parse(arguments)
    except Failure as failure:
        tell(f"error: {failure}", sys.stderr)
        return ERROR
    if "--help" in settings.own:
        return run(None, arguments)
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName(PROGRAM).getOrCreate()
    # What Spark tries again is told by its web pages and logs of executors, not by traces on the user's terminal.
    spark.sparkContext.setLogLevel("ERROR")
    try:
        return run(spark, arguments)
    finally:
        spark.stop()


if __name__ == "__main__":
    # As a module of that name the same code is sent to the executors, where it keeps the helper from task to task.
    import aftertrace_spark

    sys.exit(aftertrace_spark.main())
