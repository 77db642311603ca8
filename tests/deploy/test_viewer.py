"""The page of the viewer shows what happens in the cell, and its controls act on it."""

import shutil
import threading
import urllib.request

import numpy as np
import pytest

from mjxdex import objects
from mjxdex.deploy.scripted_policy import ScriptedPolicy
from mjxdex.deploy.state_machine import Mode

pytest.importorskip("viser")
from mjxdex.deploy.viewer import Viewer  # noqa: E402

PRIMITIVES = objects.load("primitives")


@pytest.fixture
def viewer():
    viewer = Viewer(ScriptedPolicy(PRIMITIVES.names[0]), PRIMITIVES, port=0)
    yield viewer
    viewer.close()


def steps(viewer: Viewer, count: int) -> None:
    left = iter(range(count))
    viewer.run(lambda step: next(left, None) is None)


def frame(viewer: Viewer, name: str):
    return viewer._bodies[viewer.robot.model.body(name).id]


def test_page_is_served_and_shows_robot_object_and_pictures(viewer):
    with urllib.request.urlopen(f"http://127.0.0.1:{viewer.server.get_port()}", timeout=10) as page:
        assert page.status == 200 and b"<html" in page.read().lower()
    assert viewer.picture.image.shape[0] == 240 and viewer.picture.image.std() > 20
    before = frame(viewer, "iiwa7_link_7").position.copy()
    steps(viewer, 90)
    assert np.linalg.norm(frame(viewer, "iiwa7_link_7").position - before) > 0.02
    np.testing.assert_allclose(frame(viewer, "object").position, viewer.robot.object_pos, atol=2e-3)
    assert "policy" in viewer.status.content


def test_pause_reset_and_push(viewer):
    steps(viewer, 70)
    viewer.pause(True)
    now = viewer.robot.now
    steps(viewer, 5)
    assert viewer.robot.now == now
    viewer.pause(False)
    rest = viewer.robot.object_pos
    viewer.push()
    steps(viewer, 12)
    assert np.linalg.norm((viewer.robot.object_pos - rest)[:2]) > 0.01
    viewer.reset()
    assert np.linalg.norm((viewer.robot.object_pos - rest)[:2]) < 0.01
    assert viewer.loop.machine.mode is Mode.HOME


def test_another_object_takes_the_place_of_the_first(viewer):
    viewer.choose("small_8_cyl")
    steps(viewer, 5)
    assert viewer.robot.model.body("object").mass[0] == pytest.approx(0.025, abs=1e-3)
    assert "small_8_cyl" in viewer.status.content


def test_controls_work_in_a_browser(viewer):
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium")
    over = threading.Event()
    thread = threading.Thread(target=viewer.run, args=(lambda step: over.is_set(),))
    thread.start()
    try:
        with playwright.sync_playwright() as running:
            browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{viewer.server.get_port()}")
            page.get_by_role("button", name="Push the object").wait_for(timeout=60_000)
            page.get_by_text("large_12_cuboid,").wait_for(timeout=60_000)
            page.get_by_text("Pause").click()
            page.wait_for_timeout(1000)
            assert viewer.paused
            before = len(viewer.loop.machine.events)
            page.get_by_role("button", name="Reset").click()
            page.wait_for_timeout(1000)
            assert len(viewer.loop.machine.events) > before
            browser.close()
    finally:
        over.set()
        thread.join()
