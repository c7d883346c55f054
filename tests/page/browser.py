"""A headless Chromium, driven over its debugging pipe (NUL-terminated JSON on descriptors 3 and 4): nothing but Python's
own library, no port, no network."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def program():
    return next((found for found in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if found), None)


class Browser:
    PATIENCE = 60  # seconds for an answer, on a slow machine

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="tcpaccept-page-")
        to_browser, self.send_to = os.pipe()
        self.read_from, from_browser = os.pipe()

        def arrange():
            # Away from 3 and 4 first: one may be in the place of the other.
            first, second = os.dup(to_browser), os.dup(from_browser)
            spare = os.dup(first), os.dup(second)
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        self.process = subprocess.Popen(
            [program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
             "--hide-scrollbars", "--force-device-scale-factor=1", "--remote-debugging-pipe",
             f"--user-data-dir={self.profile}", "about:blank"],
            close_fds=False, preexec_fn=arrange, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.number = 0
        self.pending = b""
        self.events = []
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        try:
            self.call("Browser.close")
        except (OSError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _message(self, until):
        while b"\0" not in self.pending:
            ready, _, _ = select.select([self.read_from], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise RuntimeError("the browser does not answer")
            more = os.read(self.read_from, 1 << 20)
            if not more:
                raise RuntimeError("the browser is gone")
            self.pending += more
        text, self.pending = self.pending.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if getattr(self, "session", None) and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.send_to, rest):]
        until = time.monotonic() + self.PATIENCE
        while True:
            answer = self._message(until)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def open(self, path, width=1200, height=900, dark=False, phone=False):
        """Loads a file and waits until the page says that it is drawn."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.call("Page.navigate", url="file://" + os.path.realpath(path))
        until = time.monotonic() + self.PATIENCE
        while self.evaluate("location.href") == "about:blank" or self.evaluate("document.readyState") != "complete":
            if time.monotonic() > until:
                raise RuntimeError("the page does not load")
            time.sleep(0.02)
        self.settle()

    def settle(self):
        """Until what was asked for is on the screen."""
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def drag(self, x1, y1, x2, y2):
        for kind, x, y, buttons in (("mouseMoved", x1, y1, 0), ("mousePressed", x1, y1, 1),
                                    ("mouseMoved", (x1 + x2) / 2, (y1 + y2) / 2, 1), ("mouseMoved", x2, y2, 1),
                                    ("mouseReleased", x2, y2, 0)):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left",
                      buttons=buttons, clickCount=0 if kind == "mouseMoved" else 1)
        self.settle()

    def click(self, x, y, count=1):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="none", buttons=0)
        for clicks in range(1, count + 1):
            for kind, buttons in (("mousePressed", 1), ("mouseReleased", 0)):
                self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=clicks)
        self.settle()

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path, full=True):
        self.evaluate("scrollTo(0, 0)")
        result = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        with open(path, "wb") as file:
            file.write(base64.b64decode(result["data"]))

    def console(self):
        """What the page or the browser complained about."""
        texts = []
        for event in self.events:
            if event["method"] == "Log.entryAdded":
                text = event["params"]["entry"]["text"]
                if not text.startswith("Canvas2D: Multiple readback"):  # that is the test looking at the charts
                    texts.append(text)
            elif event["method"] == "Runtime.exceptionThrown":
                details = event["params"]["exceptionDetails"]
                texts.append(details.get("exception", {}).get("description", details["text"]))
            elif event["method"] == "Page.javascriptDialogOpening":
                texts.append("a dialog opened: " + event["params"]["message"])
        return texts

    def requests(self):
        return [event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
