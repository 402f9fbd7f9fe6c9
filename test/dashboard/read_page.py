#!/usr/bin/python3
"""Reads a page of ganje.dashboard() and prints what is in it, as JSON.

tags      start tags in order, each "tag attribute=value ..."
text      what a reader sees, white space collapsed
problems  what must not be there: a tag that is not closed or never opened, an
          element or attribute that could run or load something, a URL, an
          <svg> that is not well-formed XML

Of a DOM that a browser has dumped ("--dom") only tags and text matter: it has
mended whatever was wrong.
"""

import html.parser
import json
import re
import sys
import xml.etree.ElementTree

VOID = {"meta", "link", "br", "img", "input", "hr", "base", "embed", "source", "wbr", "area", "col", "track"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "div", "p", "span", "b", "i",
    "bdi", "code", "h1", "h2", "h3", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
    "svg", "g", "path", "rect", "circle", "line", "text", "tspan", "polygon", "polyline"}
NAMESPACE = "http://www.w3.org/2000/svg"


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.problems, self.open = [], [], [], []

    def handle_starttag(self, tag, attributes):
        shown = sorted(f"{name}={value}" for name, value in attributes)
        self.tags.append(" ".join([tag, *shown]))
        if tag not in ALLOWED:
            self.problems.append(f"element <{tag}>")
        for name, value in attributes:
            value = value or ""
            if name.startswith("on") or name in ("src", "href", "xlink:href", "srcset", "action", "srcdoc", "style"):
                self.problems.append(f"attribute {name}={value}")
            if name != "xmlns" and re.search(r"https?:|javascript:|url\(", value, re.I) and tag != "bdi":
                self.problems.append(f"URL in {tag} {name}={value}")
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID or self.get_starttag_text() is None:
            return
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> within {self.open[-3:]}")
        while self.open and self.open.pop() != tag:
            pass

    # <rect/> is closed as it stands
    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            if re.search(r"url\(|@import|https?:", data, re.I):
                self.problems.append("a URL in the style sheet")
        else:
            self.text.append(data)


def main():
    source = sys.stdin.buffer.read().decode("utf-8")
    page = Page()
    page.feed(source)
    page.close()
    if "--dom" not in sys.argv:
        page.problems += [f"<{tag}> is not closed" for tag in page.open]
        for svg in re.findall(r"<svg\b.*?</svg>", source, re.S):
            try:
                xml.etree.ElementTree.fromstring(svg)
            except xml.etree.ElementTree.ParseError as error:
                page.problems.append(f"SVG: {error}")
    print(json.dumps({"tags": page.tags, "problems": page.problems, "text": " ".join("".join(page.text).split())}))


main()
