"""The reports that the browser is shown: those of the scenarios, a hostile one, and one with fifty thousand addresses."""

import copy
import json
import subprocess
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
SCENARIOS = TREE / "testdata" / "scenarios"

DDOS = "ddos-2023-05-07"
INJECTION = "sqli-surge-2021-09-05"
QUIET = "quiet-day"

ADDRESSES = 50_000
NETWORKS = 3_000
# Half a month in steps of five seconds.
BUCKETS = 260_000
BUCKET_S = 5

# Each would do something that the checks see, if it were more than text.
ATTACKS = [
    "</script><script>window.hit = 1; alert(1)</script>",
    "<img src=x onerror='window.hit = 2; alert(2)'>",
    "\" autofocus onfocus=\"window.hit = 3\" x=\"",
    "--><svg onload=window.hit=4><iframe src=http://evil.example/>",
    "</title></style><base href=http://evil.example/><link rel=stylesheet href=http://evil.example/a.css>",
    "\u202egnp.exe\u2028\x1b[2J",
]

# Fields whose values are of a closed vocabulary, or times: whatever else is text may come from a log.
CLOSED = {
    "schema_version", "time", "start", "end", "first", "last", "peak_at", "from", "cause", "severity", "phase", "role",
    "category", "outcome", "dimension", "kind", "relation", "utc_offset", "classification", "code",
}


def saved(name):
    return json.loads((SCENARIOS / name / "expected.json").read_text())


def hostile():
    """A report in which all text is an attack."""
    turn = iter(range(1 << 30))

    def spoiled(value, key=None):
        if isinstance(value, dict):
            return {name: spoiled(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [spoiled(inner, key) for inner in value]
        if isinstance(value, str) and key not in CLOSED:
            return value + ATTACKS[next(turn) % len(ATTACKS)]
        return value

    return spoiled(saved(INJECTION))


def crowded():
    """A flood from many addresses, in a long series."""
    report = copy.deepcopy(saved(DDOS))
    actor = report["incidents"][0]["actors"][0]
    actor["clients"] = [f"2001:db8:{at % NETWORKS:x}::{at:x}" for at in range(ADDRESSES)]
    actor["client_count"] = ADDRESSES
    actor["networks"] = [f"2001:db8:{at:x}::/48" for at in range(NETWORKS)]
    series = report["series"]
    for name in ("requests", "errors_5xx", "hits", "clients"):
        values = series[name]
        series[name] = [values[at * len(values) // BUCKETS] + at % 7 for at in range(BUCKETS)]
    series["bucket_s"] = BUCKET_S
    return report


def write(binary, folder):
    """Renders all; returns the pages by name."""
    reports = {name: saved(name) for name in (DDOS, INJECTION, QUIET)}
    reports |= {"hostile": hostile(), "crowded": crowded()}
    pages = {}
    for name, report in reports.items():
        source, page = folder / f"{name}.json", folder / f"{name}.html"
        source.write_text(json.dumps(report))
        subprocess.run([binary, "report", source, "--format", "html", "-o", page], check=True)
        pages[name] = page
    return pages
