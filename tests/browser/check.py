"""Shows reports to a browser and checks what it makes of them; see README.md."""

import argparse
import sys
import tempfile
from pathlib import Path

import checks
import reports
from browser import Browser, Failure

# The picture in README.md: what fits on a page, and below 200 kB.
README_SIZE = (1440, 840)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True, help="the aftertrace to be tested")
    parser.add_argument("--screenshots", type=Path, metavar="DIR", help="pictures of all pages, to be looked at")
    return parser.parse_args()


def run_all(browser, pages):
    wrong = 0
    for name, page in pages.items():
        for check in checks.CHECKS[name] + checks.ALWAYS:
            title = f"{name}: {check.__name__.replace('_', ' ')}"
            try:
                said = check(browser, page)
                checks.silent(browser, page)
            except (AssertionError, Failure) as error:
                wrong += 1
                print(f"WRONG {title}: {error}")
            else:
                print(f"ok    {title}" + (f" ({said})" if isinstance(said, str) else ""))
    return wrong


def take_pictures(browser, pages, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        for scheme in ("light", "dark"):
            for kind, size in (("wide", checks.WIDE), ("phone", checks.PHONE)):
                checks.show(browser, page, size, scheme)
                browser.screenshot(folder / f"{name}-{scheme}-{kind}.png")
                browser.screenshot(folder / f"{name}-{scheme}-{kind}-whole.png", whole=True)
    ddos = pages[reports.DDOS]
    (folder / f"{reports.DDOS}.pdf").write_bytes(checks.it_prints(browser, ddos))
    checks.show(browser, ddos, README_SIZE)
    browser.screenshot(folder / "readme.png")


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="aftertrace-pages-") as folder, Browser() as browser:
        pages = reports.write(given.binary.resolve(), Path(folder))
        browser.open("about:blank")
        browser.log("browser"), browser.requests()  # what the browser did before it was shown anything
        wrong = run_all(browser, pages)
        if given.screenshots:
            take_pictures(browser, pages, given.screenshots)
    print(f"tests/browser: {'all is well' if not wrong else f'{wrong} checks failed'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
