"""Runs contrib/spark/aftertrace_spark.py on a cluster of worker processes, and holds its reports against those of `aftertrace scan`.

One SparkContext serves all cases but the last, which goes through spark-submit as users do.
"""

import argparse
import bz2
import contextlib
import gzip
import io
import itertools
import json
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyspark

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "contrib" / "spark" / "aftertrace_spark.py"
SCENARIOS = Path("testdata/scenarios")
sys.path.insert(0, str(SCRIPT.parent))
import aftertrace_spark  # noqa: E402

MASTER = "local-cluster[2,1,1024]"
EXECUTOR = b"CoarseGrainedExecutorBackend"
SECONDS = 300
# Runs at the same time in one SparkContext: while one waits for its driver, others have tasks.
AT_ONCE = 4
# A day with an injection and a surge, which makes aftertrace look at bytes again and again.
RICH = SCENARIOS / "sqli-surge-2021-09-05" / "logs"
# When files were last written, in seconds since 1970: 2021-09-06T00:00:00Z, the day after the logs of RICH.
WRITTEN = 1_630_886_400


class Failure(Exception):
    """What is not as it must be."""


class Checker:
    """A session, the program, and a folder for logs and reports."""

    def __init__(self, spark: pyspark.sql.SparkSession, binary: str, folder: Path) -> None:
        self.spark = spark
        self.binary = binary
        self.folder = folder
        self.numbers = itertools.count()

    def path(self, name: str) -> Path:
        return self.folder / f"{next(self.numbers)}-{name}"

    def scan(self, *words: str, status: int = 0) -> bytes:
        """The report of one machine."""
        report = self.path("scan.json")
        command = [self.binary, "scan", *words, "--format", "json", "-o", str(report)]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        expect_status(command, done.returncode, status, done.stderr.decode(errors="replace"))
        return report.read_bytes()

    def run(self, *words: str, status: int = 0) -> tuple[bytes, str]:
        """The report of the cluster, and what was said."""
        report = self.path("spark.json")
        arguments = ["--binary", self.binary, "--format", "json", "-o", str(report), *words]
        said = io.StringIO()
        ended = aftertrace_spark.run(self.spark, arguments, said)
        expect_status(arguments, ended, status, said.getvalue())
        return (report.read_bytes() if report.exists() else b""), said.getvalue()

    def equal(self, *words: str, spark: tuple[str, ...] = (), status: int = 0) -> str:
        """Both must write the same; returns what the cluster said."""
        expected = self.scan(*words, status=status)
        found, said = self.run(*spark, *words, status=status)
        expect_equal(" ".join(words), expected, found)
        return said

    def refused(self, wanted: str, *words: str) -> None:
        """A mistake ends in one line that says what to do."""
        _, said = self.run(*words, status=2)
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        others = [line for line in said.splitlines() if not line.startswith(("error: ", "aftertrace: "))]
        if len(errors) != 1 or others or not re.search(wanted, errors[0]):
            raise Failure(f"{words}: {wanted!r} was expected as the only error, not\n{said}")


def expect_status(command: list[str], ended: int, status: int, said: str) -> None:
    if ended != status:
        raise Failure(f"{' '.join(command)} ended with {ended} and not {status}: {said}")


def expect_equal(what: str, expected: bytes, found: bytes) -> None:
    if expected == found:
        return
    pairs = zip(expected.splitlines(), found.splitlines())
    first = next(((one, other) for one, other in pairs if one != other), ("the end", "the end"))
    raise Failure(f"{what}: the report of the cluster differs:\n  scan  {first[0]!r}\n  spark {first[1]!r}")


def unpacked(log: Path) -> bytes:
    packed = log.read_bytes()
    return gzip.decompress(packed) if log.suffix == ".gz" else packed


def rich_log() -> bytes:
    return b"".join(unpacked(log) for log in sorted(RICH.glob("access.log*")))


def lines_in(log: bytes, count: int) -> list[bytes]:
    """A log in so many pieces that end at lines."""
    lines = log.splitlines(keepends=True)
    length = -(-len(lines) // count)
    return [b"".join(lines[at : at + length]) for at in range(0, len(lines), length)]


# The cases.


def scenarios(checker: Checker) -> None:
    """Every scenario of the tree, as its folder is."""
    names = sorted(path.parent for path in SCENARIOS.glob("*/logs"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        faults = [fault for fault in pool.map(lambda name: scenario_fault(checker, name), names) if fault]
    if faults:
        raise Failure("\n".join(faults))


def scenario_fault(checker: Checker, scenario: Path) -> str | None:
    try:
        checker.equal(f"{scenario}/logs", *scenario_arguments(scenario))
    except Failure as failure:
        return str(failure)
    return None


def scenario_arguments(scenario: Path) -> list[str]:
    arguments = scenario / "args"
    return arguments.read_text().split("\n")[:-1] if arguments.exists() else []


def rotated(checker: Checker) -> None:
    """Rotated and packed in every way, one of them without saying so in its name, one named twice; links and hidden files
    beside them."""
    folder = checker.path("rotated")
    folder.mkdir()
    packers: list[tuple[str, Callable[[bytes], bytes]]] = [
        ("access.log.5.xz", lzma.compress),
        ("access.log.4.bz2", bz2.compress),
        ("access.log.3.gz", gzip.compress),
        ("access.log.2", gzip.compress),
        ("access.log.1", bytes),
        ("access.log", bytes),
    ]
    for (name, pack), piece in zip(packers, lines_in(rich_log(), len(packers)), strict=True):
        (folder / name).write_bytes(pack(piece))
    shutil.copy(folder / "access.log", folder / ".access.log.swp")
    (folder / "loop").symlink_to(folder)
    # Shorter than the packed files, so that it must be seen which of them may be cut.
    checker.equal(str(folder), str(folder / "access.log"), spark=("--split", "4k"))


def many_files(checker: Checker) -> None:
    """A hundred small files, named by a glob, which a shell gives to `scan`."""
    folder = checker.path("many")
    folder.mkdir()
    for number, piece in enumerate(lines_in(rich_log(), 100)):
        (folder / f"access.{number:03}.log").write_bytes(piece)
    expected = checker.scan(*(str(log) for log in folder.iterdir()))
    found, _ = checker.run(f"{folder}/acc*.{{log,none}}")
    expect_equal("a hundred files", expected, found)


def many_ranges(checker: Checker) -> None:
    """One file in many ranges, named by a path and by a URI."""
    log = checker.path("long.log")
    log.write_bytes(rich_log())
    said = checker.equal(str(log), spark=("--split", "8k"))
    pieces = int(re.search(r"survey: ([\d,]+) pieces", said)[1].replace(",", ""))
    if pieces != -(-log.stat().st_size // 8192):
        raise Failure(f"{log.stat().st_size} bytes were cut into {pieces} pieces")
    found, _ = checker.run("--split", "100k", f"file://{log}")
    expect_equal("file://", checker.scan(str(log)), found)


def other_file_system(checker: Checker) -> None:
    """viewfs leads to a local folder, and to Spark it is as foreign as s3a: everything is streamed by the helper."""
    folder = checker.folder / "viewed"
    plain, packed = folder / "access.log", folder / "error.log.gz"
    plain.write_bytes(rich_log())
    packed.write_bytes(gzip.compress((RICH / "error.log").read_bytes()))
    for log in (plain, packed):
        # Hadoop tells times to the millisecond, and `scan` to the microsecond.
        os.utime(log, (WRITTEN, WRITTEN))
    for name in ("_SUCCESS", ".part.crc"):
        (folder / name).write_bytes(b"")
    expected = json.loads(checker.scan(str(plain), str(packed)))
    for words in (["viewfs://logs/data"], ["viewfs://logs/data/*.log", "viewfs://logs/data/*.gz"]):
        found, _ = checker.run("--split", "50k", *words)
        renamed = found.replace(b"viewfs://logs/data", str(folder).encode())
        if json.loads(renamed) != expected:
            raise Failure(f"{words}: the report differs from that of the same files on the disk")
    for log in (plain, packed):
        log.unlink()


def unreadable(checker: Checker) -> None:
    """What can be read is reported, and what cannot is named: missing, and torn, so that reading fails at its end."""
    folder = checker.folder / "viewed"
    good, bad = folder / "good.log", folder / "bad.log"
    good.write_bytes(rich_log())
    bad.write_bytes(rich_log())
    (folder / ".bad.log.crc").write_bytes(checksums(bad.read_bytes()[:-1]))
    names = ["viewfs://logs/data/good.log", "viewfs://logs/data/bad.log", "viewfs://logs/data/missing.log"]
    report, said = checker.run(*names, status=2)
    report = json.loads(report)
    named = {warning["input"] for warning in report["warnings"] if warning["code"] == "unreadable"}
    if named != set(names[1:]):
        raise Failure(f"bad.log and missing.log are unreadable, and the report names {named}; {said}")
    alone = json.loads(checker.scan(str(good)))
    if report["totals"] != alone["totals"]:
        raise Failure("what could be read was not counted as if it stood alone")
    checker.refused("missing.log", names[2])
    # A missing one beside several files on the disk: all rounds have more than one piece.
    rich = sorted(str(log) for log in RICH.glob("*.log*"))
    checker.equal(*rich, str(checker.folder / "gone.log"), spark=("--split", "200k"), status=2)


def checksums(content: bytes) -> bytes:
    """The file of checksums that Hadoop's local file system believes: it refuses to read what differs."""
    length = 512
    sums = [zlib.crc32(content[at : at + length]).to_bytes(4, "big") for at in range(0, len(content), length)]
    return b"crc\0" + length.to_bytes(4, "big") + b"".join(sums)


def lost_executor(checker: Checker) -> None:
    """An executor is killed while it works. Its tasks are done again, and nothing is counted twice."""
    log = checker.path("long.log")
    log.write_bytes(rich_log())
    expected = checker.scan(str(log))
    before = set(executors())
    ended = threading.Event()
    killer = threading.Thread(target=kill_one, args=(checker.spark.sparkContext, before, ended))
    killer.start()
    try:
        found, _ = checker.run("--split", "8k", str(log))
    finally:
        ended.set()
        killer.join()
    expect_equal("with an executor lost", expected, found)
    if before <= set(executors()):
        raise Failure("no executor was killed: the run was too short")


def executors() -> list[int]:
    """The processes of executors that descend from this one."""
    parents, found = {}, []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if EXECUTOR in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return [process for process in found if os.getpid() in ancestors(process, parents)]


def ancestors(process: int, parents: dict[int, int]) -> Iterator[int]:
    while process in parents:
        process = parents[process]
        yield process


def kill_one(context: pyspark.SparkContext, choice: set[int], ended: threading.Event) -> None:
    """Kills an executor as soon as a part of the tasks of a stage is done."""
    tracker = context.statusTracker()
    while not ended.wait(0.01):
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info and 0 < info.numCompletedTasks < info.numTasks - 1 and info.numActiveTasks:
                os.kill(min(choice), signal.SIGKILL)
                return


def options_with_files(checker: Checker) -> None:
    """Files that options name are sent along, by relative and by absolute paths; values may begin with a hyphen."""
    known = checker.path("offices.txt")
    known.write_text("203.0.113.0/24 an office\n198.51.100.7 a monitor\n")
    logs = str(RICH)
    checker.equal(logs, "--known", str(known), "--exclude", "192.0.2.0/24")
    checker.equal(logs, "--patterns", "testdata/words", "--since", "-3h", "--no-context")
    checker.equal(logs, "--mmdb", str(next(Path("testdata/mmdb").glob("*.mmdb"))), "--memory-limit=256M")
    checker.equal(logs, "--fail-on", "low", status=1)


def mistakes(checker: Checker) -> None:
    """What users do wrong, and programs that do not work."""
    folder = checker.folder
    logs = str(RICH)
    broken, foreign, fails = folder / "broken", folder / "foreign", folder / "fails"
    broken.write_text("#!/bin/sh\nexit 3\n")
    foreign.write_bytes(b"\x7fELF of another machine")
    # Works on the driver: only tasks have a folder of their own for temporary files.
    fails.write_text(f'#!/bin/sh\ncase "$1:${{TMPDIR-}}" in map:*/aftertrace-*/tmp) kill -9 $$;; esac\nexec {checker.binary} "$@"\n')
    for program in (broken, foreign, fails):
        program.chmod(0o755)
    checker.refused("there is no such file; give --binary", "--binary", str(folder / "nowhere"), logs)
    checker.refused("broken map ended with status 3", "--binary", str(broken), logs)
    checker.refused("foreign: cannot be started: Exec format error", "--binary", str(foreign), logs)
    checker.refused("ended by signal 9", "--binary", str(fails), logs)
    checker.refused("there is no option --formt", logs, "--formt=json")
    checker.refused("nonsense", logs, "--since", "nonsense")
    checker.refused("--format is one of", logs, "--format", "pdf")
    checker.refused("no such directory", logs, "-o", str(folder / "nowhere" / "report"))
    checker.refused("No such file or directory", str(folder / "nowhere.log"))
    checker.refused("standard input cannot be shared", "-")
    checker.refused("nosuch://.*give spark-submit the jar", "nosuch://bucket/logs")


def options_are_known(checker: Checker) -> None:
    """An option that `scan` has is one that the script hands on, and what it takes is what the script thinks."""
    text = subprocess.run([checker.binary, "scan", "--help"], capture_output=True, text=True, check=True).stdout
    listed = dict(re.findall(r"^  (?:-\w, |    )(--[\w-]+)( <)?", text, re.MULTILINE))
    aliases = re.findall(r"\[alias: (--[\w-]+)\]", text)
    kinds = aftertrace_spark.ALL_OPTIONS
    for name, value in [*listed.items(), *((alias, " <") for alias in aliases)]:
        if name not in kinds or (kinds[name] is aftertrace_spark.Kind.FLAG) == bool(value):
            raise Failure(f"`scan` has {name}{value}, and {SCRIPT.name} does not know it so")


CASES: list[Callable[[Checker], None]] = [
    options_are_known,
    scenarios,
    rotated,
    many_files,
    many_ranges,
    other_file_system,
    unreadable,
    options_with_files,
    mistakes,
    lost_executor,
]


def submitted(binary: str, folder: Path) -> None:
    """As a user runs it."""
    reports = [folder / name for name in ("one.md", "spark.md")]
    words = [str(RICH), "--format", "markdown", "-o"]
    subprocess.run([binary, "scan", *words, str(reports[0])], capture_output=True, timeout=SECONDS, check=True)
    program = folder / "aftertrace"
    shutil.copy(binary, program)
    command = ["spark-submit", "--master", "local[2]", "--files", str(program), str(SCRIPT), *words, str(reports[1])]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, cwd=ROOT)
    expect_status(command, done.returncode, 0, done.stderr.decode(errors="replace")[-2000:])
    expect_equal("spark-submit", *(report.read_bytes() for report in reports))


def session(folder: Path) -> pyspark.sql.SparkSession:
    """A cluster of two worker processes with an executor each. Executors see the folder `viewed` as viewfs://logs/data."""
    (folder / "viewed").mkdir()
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder / "spark"),
        "spark.hadoop.fs.viewfs.mounttable.logs.link./data": f"file://{folder / 'viewed'}",
    }
    builder = pyspark.sql.SparkSession.builder.master(MASTER).appName("tests/spark")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    # Executors that die are what is tested.
    spark.sparkContext.setLogLevel("OFF")
    return spark


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the program aftertrace")
    parser.add_argument("cases", nargs="*", help="names of cases [default: all]")
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.binary)
    os.chdir(ROOT)
    os.environ["SPARK_HOME"] = os.path.dirname(pyspark.__file__)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    fine = True
    with tempfile.TemporaryDirectory(prefix="aftertrace-spark-") as name:
        folder = Path(name)
        spark = session(folder)
        try:
            for case in CASES:
                if not arguments.cases or case.__name__ in arguments.cases:
                    fine &= passes(case.__name__, lambda case=case: case(Checker(spark, binary, folder)))
        finally:
            spark.stop()
        if not arguments.cases or "submitted" in arguments.cases:
            fine &= passes("submitted", lambda: submitted(binary, folder))
    return 0 if fine else 1


def passes(name: str, case: Callable[[], None]) -> bool:
    """Runs a case, and says how it ended."""
    begun = time.monotonic()
    try:
        case()
    except Failure as failure:
        print(f"tests/spark: {name}: failed: {failure}", flush=True)
        return False
    print(f"tests/spark: {name}: {time.monotonic() - begun:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
