"""What every page has: one self-contained document, light and dark, that loads nothing and runs nothing.

A content security policy lets the browser load nothing, should text from outside ever get through unescaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
$style</style>
</head>
<body>
$header
<main>
$main
</main>
$footer
</body>
</html>
""")


def document(title: str, header: str, main: Sequence[str], footer: str, *, styles: Sequence[str] = ()) -> str:
    """A whole page.

    Args:
        title: plain text.
        header, main, footer: HTML.
        styles: style sheets of this package beyond `report.css`.
    """
    sheets = [files("forecaster.report").joinpath(name).read_text("utf-8") for name in ("report.css", *styles)]
    return _PAGE.substitute(
        title=escape(title), style="".join(sheets), header=header, main="\n".join(main), footer=footer
    )


def figure(css: str, title: str, drawings: Sequence[str], caption: str) -> str:
    """A picture with its title and how to read it. `caption` is HTML."""
    return (
        f"<figure class='{css}'>\n<h3>{escape(title)}</h3>\n{''.join(drawings)}\n"
        f"<figcaption>{caption}</figcaption>\n</figure>\n"
    )
