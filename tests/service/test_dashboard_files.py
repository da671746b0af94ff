"""The dashboard's files as they are served; `test_dashboard.py` looks at them in a browser."""

from __future__ import annotations

import gzip
import hashlib
import re
from importlib.resources import files
from urllib.parse import urljoin

import pytest
from fastapi import FastAPI

from tests.service.asking import ask, assert_problem

WEB = files("service") / "web"
# Of dist/echarts.esm.min.js in the package echarts 6.1.0, as its publisher packed it.
DIGEST = "28515f26aa57f87eb1e4ed4eb446927eaf329b5f5e02b4bfd4b0264fea40d1da"

SCRIPTS = sorted(one.name for one in (WEB / "dashboard").iterdir() if one.name.endswith(".js"))


def test_the_page(app: FastAPI) -> None:
    page = ask(app, "/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"<style|style=|<script>|\son\w+=", page.text)
    links = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert len(links) == 8
    for link in links:
        assert not link.startswith(("/", "http")), link
        assert ask(app, f"/{link}").status_code == 200, link


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_finds_what_it_imports(app: FastAPI, name: str) -> None:
    script = ask(app, f"/web/any/{name}")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["x-content-type-options"] == "nosniff"
    for other in re.findall(r'(?:from|import\(?|LIBRARY =) "(\.\.?/[^"]+)"', script.text):
        assert ask(app, urljoin(f"/web/any/{name}", other)).status_code == 200, other
    assert not re.search(r"https?://(?!www\.w3\.org/)", script.text)
    assert "innerHTML" not in script.text


def test_a_browser_that_has_a_file_is_told_so(app: FastAPI) -> None:
    address = re.search(r"web/\w+/app.js", ask(app, "/").text)
    assert address is not None
    first = ask(app, f"/{address[0]}")
    assert first.headers["content-encoding"] == "gzip"
    assert "immutable" in first.headers["cache-control"]
    assert first.headers["vary"] == "Accept-Encoding"
    again = ask(app, f"/{address[0]}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = ask(app, f"/{address[0]}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content == (WEB / "dashboard" / "app.js").read_bytes()
    assert plain.headers["etag"] != first.headers["etag"]
    # The page itself, and scripts of another release's page, are asked for each time.
    assert ask(app, "/").headers["cache-control"] == "no-cache"
    assert ask(app, "/web/0123456789abcdef/app.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["index.html", "LICENSE", "..%2fdocs.html", "%2e%2e", "words", "echarts-6.1.0", ""])
def test_no_other_file_is_served(app: FastAPI, name: str) -> None:
    assert_problem(ask(app, f"/web/any/{name}"), 404, "not-found")


def test_the_chart_library_is_the_release_with_its_license(app: FastAPI) -> None:
    served = ask(app, "/web/echarts-6.1.0/echarts.esm.min.js")
    assert "immutable" in served.headers["cache-control"]
    assert served.headers["content-type"] == "text/javascript; charset=utf-8"
    assert hashlib.sha256(served.content).hexdigest() == DIGEST
    assert gzip.decompress((WEB / "echarts" / "echarts.esm.min.js.gz").read_bytes()) == served.content
    assert "Apache License" in (WEB / "echarts" / "LICENSE").read_text()
    assert "Apache ECharts" in (WEB / "echarts" / "NOTICE").read_text()
    assert "Mike Bostock" in (WEB / "echarts" / "LICENSE-d3").read_text()


def test_both_languages_have_the_same_words() -> None:
    english, chinese = (dict(_words(f"words-{language}.js")) for language in ("en", "zh"))
    assert list(english) == list(chinese)
    for name, words in english.items():
        # The same facts are filled in.
        assert sorted(re.findall(r"\{\w+\}", words)) == sorted(re.findall(r"\{\w+\}", chinese[name])), name


def _words(name: str) -> list[tuple[str, str]]:
    return re.findall(r'^  (\w+): "(.*)",$', (WEB / "dashboard" / name).read_text(encoding="utf-8"), re.MULTILINE)
