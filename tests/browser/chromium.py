"""The system's own Chromium, driven by Playwright: how it is started, and what a page may not do.

Owns the browser's flags and the watch over a page: an error in its scripts, something its policy
blocked and a request to elsewhere each fail the test.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Not a "potentially trustworthy" origin, as any name without TLS but localhost.
    "--host-resolver-rules=MAP plain.example 127.0.0.1",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*QUIET, *_as_root()]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def with_port(port: int) -> Iterator[None]:
    """Run a browser that listens to other tools on `port` of 127.0.0.1."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[*QUIET, *_as_root(), f"--remote-debugging-port={port}"],
        )
        try:
            yield
        finally:
            browser.close()


@contextmanager
def profile(folder: Path, *, downloads: Path) -> Iterator[BrowserContext]:
    """Run a browser with a profile of its own, which has the browser's pages as well."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder,
            executable_path=shutil.which("chromium"),
            args=[*QUIET, *_as_root()],
            downloads_path=downloads,
        )
        context.set_default_timeout(60_000)
        try:
            yield context
        finally:
            context.close()


def _as_root() -> list[str]:
    return ["--no-sandbox"] if os.geteuid() == 0 else []


class Watch:
    """What went wrong in a page, in the order it did."""

    def __init__(self, page: Page, home: str) -> None:
        self.faults: list[str] = []
        self._home = home
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._said)
        page.on("request", lambda request: self._asked(request.url))

    def _said(self, message: ConsoleMessage) -> None:
        # An answer that is an error is told by the browser as well; the page has to expect it.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.faults.append(f"{message.type}: {message.text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self._home, "data:", "blob:")):
            self.faults.append(f"asked {url}")
