"""What README.md says of Asterisk is what docs/pbx/asterisk.md says, whose text is run by the interoperability tests."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_asterisk_of_the_readme_is_that_of_the_page() -> None:
    page = (ROOT / "docs" / "pbx" / "asterisk.md").read_text("utf-8")
    trunk = re.search(r"^```ini pjsip.conf trunk\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert trunk is not None
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"```ini\n{trunk[1]}```" in readme
    [dial] = re.findall(r"^exten => .*$", readme, re.MULTILINE)
    assert dial in page
