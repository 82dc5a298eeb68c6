"""A headless Chromium, driven by chromedriver with the W3C WebDriver protocol and Chromium's own commands behind it."""

import base64
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

START_SECONDS = 30
COMMAND_SECONDS = 120

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
]


class Failure(Exception):
    """What the browser answered instead of doing what it was told."""


class Browser:
    """One browser with an empty profile; both are gone when the block ends."""

    def __init__(self, driver="chromedriver", binary=None):
        self.profile = tempfile.mkdtemp(prefix="aftertrace-browser-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.driver = subprocess.Popen(
            [driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.session = None
        try:
            self._wait()
            self._open(binary)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.session:
            try:
                self._send("DELETE", "")
            except (Failure, OSError):
                pass
        self.driver.terminate()
        self.driver.wait(START_SECONDS)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.base}/status", timeout=1) as answer:
                    if json.load(answer)["value"]["ready"]:
                        return
            except OSError:
                time.sleep(0.1)
        raise Failure("chromedriver did not start")

    def _open(self, binary):
        options = {"args": [*ARGUMENTS, f"--user-data-dir={self.profile}"]}
        if binary:
            options["binary"] = binary
        logging = {"browser": "ALL", "performance": "ALL"}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": logging, "unhandledPromptBehavior": "ignore"}
        answer = self._request("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = answer["sessionId"]

    def _request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=COMMAND_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise Failure(f"{method} {path}: {value['error']}: {value['message'].splitlines()[0]}") from None

    def _send(self, method, path, body=None):
        return self._request(method, f"/session/{self.session}{path}", body)

    def command(self, name, **parameters):
        """A command of Chromium's own protocol."""
        return self._send("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def open(self, url):
        self._send("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What a piece of JavaScript returns; it is no part of the page's own scripts, so its policy does not matter."""
        return self._send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments, seconds=10):
        """Waits until JavaScript returns something true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.run(script, *arguments):
                return value
            time.sleep(0.05)
        raise Failure(f"never came true: {script}")

    def log(self, kind):
        return self._send("POST", "/se/log", {"type": kind})

    def requests(self):
        """Addresses of everything that the browser asked for since the last call."""
        messages = (json.loads(entry["message"])["message"] for entry in self.log("performance"))
        sent = (one["params"] for one in messages if one["method"] == "Network.requestWillBeSent")
        return [one["request"]["url"] for one in sent]

    def dialog(self):
        """The text of an open dialog, or None."""
        try:
            return self._send("GET", "/alert/text")
        except Failure:
            return None

    def size(self, width, height):
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def theme(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)

    def keys(self, text):
        """Types into whatever has the focus; WebDriver has characters for keys without one (W3C WebDriver, 17.4.2)."""
        steps = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._send("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": steps}]})

    def mouse(self, *steps):
        """Moves ((x, y)), presses ("down") and lets go ("up")."""
        actions = []
        for step in steps:
            match step:
                case "down":
                    actions.append({"type": "pointerDown", "button": 0})
                case "up":
                    actions.append({"type": "pointerUp", "button": 0})
                case (x, y):
                    actions.append({"type": "pointerMove", "duration": 30, "x": round(x), "y": round(y)})
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self._send("POST", "/actions", {"actions": [mouse]})

    def click(self, x, y):
        self.mouse((x, y), "down", "up")

    def screenshot(self, path, whole=False):
        picture = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(picture["data"]))

    def _clip(self, whole):
        if not whole:
            return {}
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12000), "scale": 1}}

    def pdf(self):
        return base64.b64decode(self._send("POST", "/print", {"background": True}))
