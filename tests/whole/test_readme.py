"""The README's lines, run as they are printed. Only ports, data directory and the program's path are replaced."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.product import Product, running

pytestmark = pytest.mark.req("O1", "O8", "D7", "C23")

README = Path(__file__).parents[2] / "README.md"
PROGRAM = Path(sys.executable).with_name("footfall")
ACCESS_LOG = "/var/log/nginx/access.log"

if shutil.which("curl") is None or shutil.which("bash") is None:
    pytest.skip("the README's lines need curl and bash", allow_module_level=True)


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A fresh installation, as `make run` starts one."""
    with running(tmp_path_factory.mktemp("readme") / "data") as one:
        yield one


def _blocks(language: str) -> list[str]:
    """The README's code blocks in that language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


def _tested() -> str:
    """The block that says that it is tested."""
    found = re.findall(r"<!-- tested: [^\n]* -->\n```sh\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def _rewrite(lines: str, product: Product) -> str:
    """The same lines for this installation; every replacement must have something to replace."""
    for old, new in {
        ".venv/bin/footfall": str(PROGRAM),
        "FOOTFALL_DATA=data": f"FOOTFALL_DATA={product.data}",
        "127.0.0.1:8420": f"127.0.0.1:{product.collector}",
        "127.0.0.1:8421": f"127.0.0.1:{product.console}",
    }.items():
        assert old in lines, f"the README no longer says {old}"
        lines = lines.replace(old, new)
    return lines


def _bash(lines: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """As typed into a terminal: aliases hold, and no line may fail."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    script = "shopt -s expand_aliases\nset -euo pipefail\n" + lines
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, cwd=directory, env=environ, check=False
    )


@pytest.fixture(scope="module")
def printed(product, tmp_path_factory):
    """What the tested block prints."""
    done = _bash(_rewrite(_tested(), product), tmp_path_factory.mktemp("terminal"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_minute_of_the_readme_works_as_printed(printed):
    """The beacon is answered with 202, and three seconds later the page is in the answer that the README shows."""
    assert "HTTP/1.1 202 Accepted" in printed
    shown = next(block for block in _blocks("json") if "results" in block)
    answer = json.loads(printed[printed.index('{"results"') :])
    expected = json.loads(shown.replace("{…}", "{}"))
    assert answer["results"] == expected["results"]
    assert list(answer) == list(expected)


def test_the_addresses_of_the_readme_are_the_defaults():
    """What the README calls is what `footfall serve` listens on when nothing else is said."""
    from footfall.environment import SETTINGS

    default = {setting.name: setting.default for setting in SETTINGS}
    assert {f"http://{default['collector']}/e", f"http://{default['console']}/api/v1/query"} <= set(
        re.findall(r"http://[\d.:]+/[\w/]+", _tested())
    )


@pytest.mark.usefixtures("printed")
def test_the_history_of_the_readme_is_imported_once(product, tmp_path):
    """The lines about an access log import it, change nothing the second time, and `status` accounts for all of it."""
    block = next(block for block in _blocks("sh") if "import accesslog" in block)
    log = tmp_path / "access.log"
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
    log.write_text(f'203.0.113.9 - - [{stamp}] "GET /history HTTP/1.1" 200 5 "-" "{agent}"\n' * 3)
    assert ACCESS_LOG in block
    lines = block.replace(ACCESS_LOG, str(log))
    before = f'alias footfall="{PROGRAM}"; export FOOTFALL_DATA={product.data}\n'
    done = _bash(before + lines + lines.splitlines()[0], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 lines, 3 events" in done.stdout
    assert "imported before, nothing changed" in done.stdout
    assert "to the unit" in done.stdout


def test_every_command_of_the_readme_exists():
    """`make` targets and `footfall` commands that the README names are there."""
    makefile = (README.parent / "Makefile").read_text()
    named = set(re.findall(r"`?make (\w+)", "\n".join(_blocks("sh") + re.findall(r"`make [^`]*`", README.read_text()))))
    assert named
    assert not {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)}
    help_text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    commands = set(re.findall(r"footfall (\w+)", "\n".join(_blocks("sh")))) - {"run"}
    assert commands
    assert not {word for word in commands if f"  {word} " not in help_text and f"  {word}\n" not in help_text}


def test_every_link_of_the_readme_leads_somewhere():
    """Links to files of the repository are not broken."""
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", README.read_text())
    missing = [link for link in links if "://" not in link and not (README.parent / link).exists()]
    assert missing == []
