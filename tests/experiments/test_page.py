"""In a browser: curves are switched, and a click on a point shows its cell. Needs Chromium and its driver."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
import time
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
import sweeps
import yaml
from sweeps import folder

from lossweep.experiments.cli import main
from lossweep.experiments.report import report
from lossweep.experiments.serve import server
from lossweep.experiments.status import NOTED, status
from lossweep.experiments.store import Store

SCENARIO = {
    "name": "clicks",
    "seed": 5,
    "repetitions": 2,
    "clip": {"source": "portrait", "seconds": 1.2},
    "endpoint": {
        "name": "system",
        "video": {"name": "h264", "quantizer": 40, "gop": 8},
        "speech": {"name": "opus", "bitrate": 16000},
        "words": "text",
    },
    "code": ["none", {"name": "rs", "code_rate": 0.5}],
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.3]},
    "metrics": ["ssim"],
    "plot": {"x": "loss_rate", "y": ["ssim"]},
    "report": {"loss_rate": 0.3},
}
POINT = """
const [place, name, number] = arguments, frame = place.getBoundingClientRect();
const trace = place._fullData.find(one => one.name === name && one.customdata);
const axes = place._fullLayout;
return [frame.left + axes.xaxis._offset + axes.xaxis.l2p(trace.x[number]),
        frame.top + axes.yaxis._offset + axes.yaxis.l2p(trace.y[number]), trace.customdata[number]];
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "clicks.yaml").write_text(yaml.safe_dump(SCENARIO))
    made = folder / "out"
    assert main(["run", str(folder / "clicks.yaml"), "--out", str(made), "--workers", "1"]) == 0
    return made


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium or chromedriver is not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1300,1000"):
        options.add_argument(argument)
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


def _wait(browser, script):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 120).until(lambda one: one.execute_script(f"return {script}"))


def _click_point(browser, name, number):
    """Clicks a point of the first figure with the mouse; returns the ids of its cells."""
    from selenium.webdriver.common.action_chains import ActionBuilder

    place = browser.find_element("css selector", ".figure")
    browser.execute_script("arguments[0].scrollIntoView()", place)
    x, y, cells = browser.execute_script(POINT, place, name, number)
    mouse = ActionBuilder(browser)
    mouse.pointer_action.move_to_location(int(x) + 40, int(y) + 40)
    mouse.pointer_action.move_to_location(round(x), round(y)).pause(0.3).click()
    mouse.perform()
    return cells.split(" ")


@pytest.fixture(scope="module")
def table(out):
    return pd.read_parquet(out / "table.parquet").set_index("cell")


def _system(table, code):
    rows = table[(table["code"] == code) & (table["loss_rate"] == 0.3)].sort_values("repetition")
    return list(rows.index)


def test_a_click_shows_the_cell_of_the_file(out, browser, table):
    assert main(["report", str(out)]) == 0
    browser.get((out / "report.html").as_uri())
    _wait(browser, "document.body.dataset.ready")
    name = next(
        n
        for n in browser.execute_script(
            "return document.querySelector('.figure').data.filter(t => t.customdata).map(t => t.name)"
        )
        if "RS" not in n
    )
    cells = _click_point(browser, name, 1)
    assert cells == _system(table, "none")
    assert _wait(browser, "document.getElementById('cell').dataset.cell") == cells[0]
    panel = browser.find_element("id", "cell")
    assert panel.is_displayed()
    assert "30 % loss, loss pattern 1" in panel.find_element("css selector", "h3").text
    row = table.loc[cells[0]]
    view = browser.execute_script(f"return data.cells['{cells[0]}']")
    states = view["packets"]["state"]
    assert len(states) == row["packets_sent"]
    assert states.count(3) + states.count(2) + states.count(1) == row["packets_lost"] + row["packets_late"]
    assert set(view["packets"]["lanes"]) == {"video", "speech", "words"}
    assert len(panel.find_elements("css selector", ".frames img")) == 12
    words = view["words"]
    assert len(panel.find_elements("css selector", ".words del")) == sum(
        sent != shown for sent, shown in words
    )
    assert sum(sent != shown for sent, shown in words) > 0
    _wait(browser, "document.querySelector('#cell video').readyState >= 1")
    drawn = browser.execute_script("return document.querySelector('.timeline').data.map(t => t.name)")
    assert {f"lost ({states.count(3)})", "sound heard", "original sound"} <= set(drawn)
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_name_in_the_legend_switches_its_curve(out, browser):
    browser.get((out / "report.html").as_uri())
    _wait(browser, "document.body.dataset.ready")
    visible = "document.querySelector('.figure')._fullData.map(t => t.visible)"
    assert set(browser.execute_script(f"return {visible}")) == {True}
    browser.execute_script("document.querySelector('.figure').scrollIntoView()")
    browser.find_element("css selector", ".figure .legendtoggle").click()
    _wait(browser, f"{visible}.includes('legendonly')")


@pytest.fixture(scope="module")
def address(out):
    made = server(out, 0)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made.server_address
    made.shutdown()
    made.server_close()


def _get(address, path, host=None):
    connection = http.client.HTTPConnection(*address, timeout=120)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{address[1]}")
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_server_shows_cells_that_are_not_in_the_page(out, address, browser, table):
    browser.get(f"http://127.0.0.1:{address[1]}/")
    _wait(browser, "document.body.dataset.ready")
    assert browser.find_element("id", "status").text == status(out).text() == "clicks: 8 of 8 cells, complete"
    cells = _system(table, "rs")
    browser.execute_script("showCell(arguments[0])", cells[1])
    assert _wait(browser, "document.getElementById('cell').dataset.cell") == cells[1]
    assert "loss pattern 2" in browser.find_element("css selector", "#cell h3").text
    assert len(browser.find_elements("css selector", "#cell .frames img")) == 12


def test_an_open_page_follows_a_sweep_that_runs(out, address, browser):
    browser.get(f"http://127.0.0.1:{address[1]}/")
    _wait(browser, "document.body.dataset.ready")
    browser.execute_script(
        "data.figures = []; document.querySelectorAll('[data-part]').forEach(part => part.replaceChildren())"
    )
    with closing(Store(out)) as store:
        noted = store.noted(NOTED)
        store.note(NOTED, {**noted, "done": 6, "kept": 2, "started": time.time() - 10})
        _wait(browser, "document.getElementById('status').textContent.includes('6 of 8 cells, about')")
        _wait(browser, "data.figures.length > 0")
        _wait(browser, "document.querySelector('[data-part=cells]').textContent.startsWith('8 cells')")
        _wait(browser, "document.querySelectorAll('[data-part=summary] tr').length > 2")
        _wait(browser, "document.querySelectorAll('[data-part=tables] table').length > 0")
        store.note(NOTED, noted)


def test_the_server_is_bound_to_the_loopback_address(address):
    assert address[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", ""])
def test_other_host_names_are_refused(address, host):
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.putrequest("GET", "/status.json", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/table.csv",
        "/figures.json",
        "/../out/table.csv",
        "/cell/../../table.csv",
        "/cell/%2e%2e%2fmanifest.json",
        "//etc/passwd",
        "/cell/0123456789ab.json/..",
        "/cells.sqlite",
        "/cell/0123456789ab.json",
    ],
)
def test_nothing_but_its_three_kinds_of_pages_is_served(address, path):
    assert _get(address, path)[0] == 404


def test_the_served_cell_is_that_of_the_table(address, table):
    (cell, *_) = _system(table, "rs")
    code, text = _get(address, f"/cell/{cell}.json")
    assert code == 200
    packets = json.loads(text)["view"]["packets"]
    row = table.loc[cell]
    assert packets["state"].count(1) == row["packets_repaired"] > 0
    assert "video, repair" in packets["lanes"]


def test_long_tables_scroll_in_boxes_and_the_page_stays_short(tmp_path, browser):
    losses = tuple(np.linspace(0, 0.5, 200))
    path = report(folder(tmp_path / "out", sweeps.table(losses=losses), sweeps.manifest()), strip=False)
    browser.get(path.as_uri())
    _wait(browser, "document.body.dataset.ready")
    tables = browser.execute_script(
        "return [...document.querySelectorAll('.long')].reduce((sum, box) => sum + box.clientHeight, 0)"
    )
    assert tables < 4 * 600
    box = "[...document.querySelectorAll('.long')].find(one => one.querySelectorAll('tr').length === 1201)"
    top = f"{box}.querySelector('th').getBoundingClientRect().top - {box}.getBoundingClientRect().top"
    assert browser.execute_script(f"return {box}.scrollHeight") > 20_000
    browser.execute_script(f"{box}.scrollTop = 5000")
    assert browser.execute_script(f"return {box}.scrollTop") == 5000
    assert abs(browser.execute_script(f"return {top}")) < 1


def test_a_renewed_page_keeps_the_place_in_a_box(tmp_path, browser):
    losses = tuple(np.linspace(0, 0.5, 200))
    path = report(folder(tmp_path / "out", sweeps.table(losses=losses), sweeps.manifest()), strip=False)
    browser.get(path.as_uri())
    _wait(browser, "document.body.dataset.ready")
    box = "[...document.querySelectorAll('.long')].find(one => one.querySelectorAll('tr').length === 1201)"
    browser.execute_script(f"{box}.scrollTop = 5000; window.before = {box}")
    browser.execute_async_script(
        "const done = arguments[0], page = new DOMParser().parseFromString(document.documentElement.outerHTML,"
        " 'text/html'); renew(page).then(done)"
    )
    assert browser.execute_script(f"return {box} !== window.before && {box}.scrollTop") == 5000
