"""Draws digits on the page of digits-serve in a real browser, with mouse, pen and finger, and reads
there what a network made of them.

usage: serve_browser.py DIGITS-SERVE WEIGHTS [PICTURE.png]

With PICTURE.png a picture of the page is written there. Exit 77: there is no browser to drive.
"""
import re
import shutil
import socket
import subprocess
import sys
import time

from strokes import HANDS

MIN_CORRECT = 28  # of 30
MAX_TIME = 1000  # milliseconds from the pen to the fastest answer, beside whatever else runs
MAX_WAIT = 30  # seconds
SKIPPED = 77
TOKEN = "correct-horse-battery"

READ = """const status = document.getElementById('status').dataset;
const card = document.querySelector('.network');
return {finished: status.finished === 'true', took: Number(status.took),
        label: card.querySelector('.label').textContent,
        bars: [...card.querySelectorAll('.fill')].map((fill) => parseFloat(fill.style.height)),
        seen: document.querySelectorAll('#seen canvas').length,
        wide: document.documentElement.scrollWidth > innerWidth};"""


def open_browser():
    """A headless Chromium; exits where there is none."""
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        sys.exit(skip("no selenium: install python3-selenium"))
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        sys.exit(skip("no Chromium to drive: install chromium and chromium-driver"))
    try:
        socket.getaddrinfo("localhost", None)
    except OSError:
        sys.exit(skip("localhost has no address, by which Selenium reaches chromedriver: "
                      "write 127.0.0.1 localhost to /etc/hosts"))
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1100,800"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(driver), options=options)


def skip(why):
    print(f"skipped: {why}")
    return SKIPPED


def serve(program, weights):
    """Starts the server; returns it and its address."""
    server = subprocess.Popen([program, "--backend", "cpu", "--port", "0", "--token", TOKEN, weights],
                              stdout=subprocess.PIPE, text=True)
    for line in server.stdout:
        page = re.search(r"http://127\.0\.0\.1:\d+/\S*", line)
        if page:
            return server, page[0]
    sys.exit(f"digits-serve ended with {server.wait()}")


class Page:
    def __init__(self, browser, address):
        self.browser = browser
        browser.get(address)
        self.wait(lambda: browser.find_elements("class name", "network"))
        box = browser.execute_script(
            "const box = document.getElementById('pad').getBoundingClientRect();"
            "return [box.left, box.top, box.width];")
        self.left, self.top, self.size = box

    def wait(self, condition):
        end = time.monotonic() + MAX_WAIT
        while not (result := condition()):
            if time.monotonic() > end:
                sys.exit(f"the page does not get on: {self.read()}")
            time.sleep(0.01)
        return result

    def read(self):
        return self.browser.execute_script(READ)

    def clear(self):
        self.browser.find_element("id", "clear").click()
        self.wait(lambda: self.read()["label"] == "–")

    def place(self, point):
        return {"x": self.left + point[0] * self.size, "y": self.top + point[1] * self.size}

    def draw(self, strokes, tool):
        """Draws with "mouse", "pen" or "touch"; returns what the page shows then."""
        for stroke in strokes:
            self.send(tool, "down", stroke[0])
            for point in stroke[1:]:
                self.send(tool, "move", point)
            self.send(tool, "up", stroke[-1])
        return self.wait(lambda: (read := self.read())["finished"] and read)

    def send(self, tool, what, point):
        if tool == "touch":
            kind = {"down": "touchStart", "move": "touchMove", "up": "touchEnd"}[what]
            points = [] if what == "up" else [self.place(point)]
            self.browser.execute_cdp_cmd("Input.dispatchTouchEvent",
                                         {"type": kind, "touchPoints": points})
            return
        kind = {"down": "mousePressed", "move": "mouseMoved", "up": "mouseReleased"}[what]
        self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", {
            "type": kind, "button": "left", "buttons": int(what != "up"), "clickCount": 1,
            "pointerType": tool, **self.place(point)})


def check(ok, message):
    if not ok:
        sys.exit(message)


def draw_all(page):
    """Every digit by every hand; returns how many were read right and the times of the answers."""
    correct, times = 0, []
    for (hand, digits), tool in zip(HANDS.items(), ("mouse", "pen", "touch")):
        for digit, strokes in enumerate(digits):
            read = page.draw(strokes, tool)
            times.append(read["took"])
            correct += read["label"] == str(digit)
            if read["label"] != str(digit):
                print(f"{hand} {digit}: read as {read['label']}")
            check(read["seen"] >= 1, f"{hand} {digit}: the page shows no image of it")
            check(abs(sum(read["bars"]) - 100) < 0.1, f"{hand} {digit}: bars of {read['bars']}")
            page.clear()
    return correct, sorted(times)


def beside(strokes, right):
    """Strokes on the left or the right half of the paper."""
    return [[(x * 0.5 + (0.45 if right else 0.02), y * 0.6 + 0.2) for x, y in s] for s in strokes]


def check_the_rest(page, picture):
    """Two digits, undo, the keyboard, a narrow window."""
    from selenium.webdriver.common.keys import Keys
    four, two = beside(HANDS["round"][4], False), beside(HANDS["round"][2], True)
    read = page.draw(four + two, "mouse")
    check(read["label"] == "42" and read["seen"] == 2, f"42 is shown as {read}")
    if picture:
        page.browser.save_screenshot(picture)
    page.browser.find_element("id", "undo").click()
    page.wait(lambda: page.read()["label"] == "4")
    page.clear()
    page.browser.find_element("id", "pad").send_keys(" ", *[Keys.ARROW_DOWN] * 25, " ")
    page.wait(lambda: (read := page.read())["finished"] and read["label"] == "1")
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True})
    check(not page.read()["wide"], "the page is wider than a phone")


def check_token(page, address):
    """The printed address is enough: the browser keeps the token and does not show it."""
    check(address.endswith("?token=" + TOKEN), f"the printed address is {address}")
    check(TOKEN not in page.browser.current_url, f"the address bar shows {page.browser.current_url}")
    page.browser.refresh()
    page.wait(lambda: page.browser.find_elements("class name", "network"))


def check_without_server(page, server):
    server.terminate()
    check(server.wait(MAX_WAIT) == 0, f"digits-serve ended with {server.returncode}")
    page.browser.find_element("id", "clear").click()
    page.draw(HANDS["round"][1], "mouse")
    status = page.browser.find_element("id", "status").text
    check("does not answer" in status, f"without the server the page says: {status}")


def main():
    program, weights = sys.argv[1:3]
    browser = open_browser()
    server, address = serve(program, weights)
    try:
        page = Page(browser, address)
        correct, times = draw_all(page)
        check_the_rest(page, sys.argv[3] if len(sys.argv) > 3 else None)
        faults = browser.get_log("browser")
        check(not faults, f"the browser complains: {faults}")
        check_without_server(page, server)
    finally:
        server.kill()
        browser.quit()
    print(f"{correct} of 30 digits read right; from the pen to the answer on the page: "
          f"median {times[15]:.0f} ms, fastest {times[0]:.0f}, slowest {times[-1]:.0f}")
    check(correct >= MIN_CORRECT, f"fewer than {MIN_CORRECT}")
    check(times[0] < MAX_TIME, f"no answer within {MAX_TIME} ms")


if __name__ == "__main__":
    main()
