"""The recipes in docs/: what can be read by a machine is read by one."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.req("C21")
DOCS = Path(__file__).parents[2] / "docs"


def test_the_tag_managers_container_adds_the_script_once_on_all_pages():
    """A tag, its trigger, and the address as a constant that the tag uses."""
    version = json.loads((DOCS / "recipes" / "gtm.json").read_text())["containerVersion"]
    (tag,), (variable,) = version["tag"], version["variable"]
    html = {one["key"]: one["value"] for one in tag["parameter"]}["html"]
    assert f"{{{{{variable['name']}}}}}" in html
    assert html.count("<script>") == html.count("</script>") == 1
    assert tag["firingTriggerId"] == ["2147479553"], "the trigger that every container has: all pages"
    assert variable["type"] == "c"


def test_the_wordpress_plugin_is_valid_php():
    """By PHP itself where there is one."""
    text = (DOCS / "recipes" / "footfall.php").read_text()
    assert len(text.splitlines()) <= 25
    assert text.count("{") == text.count("}")
    if not shutil.which("php"):
        pytest.skip("php is missing (Debian: apt-get install php-cli)")
    done = subprocess.run(["php", "-l", str(DOCS / "recipes" / "footfall.php")], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_recipe_names_the_address_and_nothing_of_the_script_element_matters():
    """No recipe needs an attribute that the snippet would read."""
    text = (DOCS / "recipes.md").read_text()
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    embedding = [block for block in blocks if "SRC" in block]
    assert len(embedding) >= 5
    assert not re.search(r"data-(site|domain|key)", text)
