"""What must hold for a page in a browser. A check is a function of the browser; it raises what it finds wrong."""

import time

import reports

WIDE = (1440, 900)
PHONE = (390, 844)

# Elements of a page that can only be slow: more than these are never there at once, however long the report.
MOST_ELEMENTS = 15_000

ENTER = "\ue007"
ESCAPE = "\ue00c"
RIGHT = "\ue014"

# The smallest contrast of text and its background (WCAG 2.2, 1.4.3, level AA), and that of large text.
CONTRAST = 4.5
CONTRAST_OF_LARGE = 3


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def show(browser, page, size=WIDE, scheme="light"):
    browser.theme(scheme)
    browser.size(*size)
    browser.open(page.as_uri())
    browser.wait("return document.readyState === 'complete'")


def silent(browser, page):
    """Nothing went wrong, nobody was asked for anything, and no dialog stands open."""
    expect(browser.dialog() is None, f"a dialog: {browser.dialog()}")
    complaints = [entry["message"] for entry in browser.log("browser")]
    expect(not complaints, f"the console says {complaints}")
    asked = [url for url in browser.requests() if url != page.as_uri()]
    expect(not asked, f"the page asked for {asked}")


# --- charts


BLANK = """
return [...document.querySelectorAll("#plots canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) { colours.add(data[at] + "," + data[at + 1] + "," + data[at + 2] + "," + data[at + 3]); }
  return colours.size;
});"""

PICTURES = "return [...document.querySelectorAll('#plots canvas')].map((canvas) => canvas.toDataURL())"
VALUES = "return [...document.querySelectorAll('#plots .value')].map((value) => value.textContent)"
READOUT = "return document.getElementById('readout').textContent"
CLOSED_ZOOM = "return document.getElementById('zoom-out').disabled"


def place(browser, selector, across=0.5, at=0):
    """A point of an element, which is scrolled into sight, as a part of its width."""
    return browser.run(
        """
        const element = document.querySelectorAll(arguments[0])[arguments[2]];
        element.scrollIntoView({ block: "center", behavior: "instant" });
        const box = element.getBoundingClientRect();
        return [box.left + box.width * arguments[1], box.top + box.height / 2];
        """,
        selector, across, at,
    )


def away(browser):
    browser.mouse((2, 2))


def charts_are_drawn(browser, page):
    show(browser, page)
    colours = browser.run(BLANK)
    expect(len(colours) >= 4, f"{len(colours)} charts")
    expect(all(number > 3 for number in colours), f"a chart is blank: {colours}")


def hovering_shows_values(browser, page):
    show(browser, page)
    resting = browser.run(VALUES)
    browser.mouse(place(browser, "#plots .u-over", 0.5))
    values = browser.run(VALUES)
    expect(all("at most" in value for value in resting), f"{resting}")
    expect(all("at most" not in value and value for value in values), f"not all charts follow: {values}")
    away(browser)
    expect(browser.run(VALUES) == resting, "the values stay when the mouse has left")


def dragging_zooms(browser, page):
    show(browser, page)
    away(browser)
    whole, pictures = browser.run(READOUT), browser.run(PICTURES)
    expect(browser.run(CLOSED_ZOOM), "there is something to zoom out of")
    start, end = place(browser, "#plots .u-over", 0.4), place(browser, "#plots .u-over", 0.6)
    browser.mouse(start, "down", end, "up")
    away(browser)
    expect(browser.run(READOUT) != whole, "dragging did not zoom")
    changed = [before != after for before, after in zip(pictures, browser.run(PICTURES))]
    expect(all(changed), f"not all charts zoomed: {changed}")
    browser.click(*place(browser, "#zoom-out"))
    away(browser)
    expect(browser.run(READOUT) == whole, f"not zoomed out: {browser.run(READOUT)}, {whole}")
    expect(browser.run(PICTURES) == pictures, "the charts are not as before")


def steps_zoom_and_open(browser, page):
    show(browser, page)
    whole = browser.run(READOUT)
    browser.click(*place(browser, "details.step > summary", 0.3, 2))
    expect(browser.run("return document.querySelectorAll('details.step')[2].open"), "the step did not open")
    away(browser)
    expect(browser.run(READOUT) != whole, "the step did not zoom")
    browser.run("document.querySelector('button.zoom').scrollIntoView({ block: 'center', behavior: 'instant' })")
    zoomed = browser.run(READOUT)
    browser.click(*place(browser, "button.zoom"))
    expect(browser.run(READOUT) != zoomed, "the incident's button did not zoom")


def keys_are_enough(browser, page):
    show(browser, page)
    browser.run("document.querySelector('details.step > summary').focus()")
    browser.keys(ENTER)
    box = browser.run("return document.querySelector('details.step .lines code').getBoundingClientRect().height")
    expect(box > 0, "Enter did not show the evidence")
    browser.run("document.getElementById('plots').focus()")
    browser.keys(RIGHT * 3)
    spoken = browser.run("return document.getElementById('spoken').textContent")
    expect("Requests" in spoken and "UTC" in spoken, f"spoken: {spoken}")
    browser.keys("+")
    expect(not browser.run(CLOSED_ZOOM), "+ did not zoom")
    browser.keys(ESCAPE)
    expect(browser.run(CLOSED_ZOOM), "Esc did not zoom out")


# --- tables


COLUMN = """
const table = document.getElementById(arguments[0]);
return [...table.tBodies[0].rows].map((row) => row.cells[arguments[1]].textContent);"""


def sort_by(browser, table, column):
    return browser.run(
        """
        const head = document.getElementById(arguments[0]).tHead.rows[0].cells[arguments[1]];
        head.querySelector("button").click();
        return head.getAttribute("aria-sort");
        """,
        table, column,
    )


def sorting_sorts(browser, page):
    show(browser, page)
    number = lambda text: int(text.replace(",", ""))
    for expected, reverse in (("descending", True), ("ascending", False)):
        direction = sort_by(browser, "target-list", 3)
        found = [number(text) for text in browser.run(COLUMN, "target-list", 3)]
        expect(direction == expected, f"aria-sort is {direction}")
        expect(len(found) > 1 and found == sorted(found, reverse=reverse), f"{expected}: {found}")
    sort_by(browser, "target-list", 0)
    sorted_heads = browser.run("return document.querySelectorAll('#target-list th[aria-sort]').length")
    expect(sorted_heads == 1, f"{sorted_heads} columns say that they are sorted")


def search(browser, table, words):
    browser.run(
        """
        const field = document.getElementById(arguments[0]).closest(".list").querySelector("input");
        field.value = "";
        field.focus();
        """,
        table,
    )
    browser.keys(words)
    found = "return document.getElementById(arguments[0]).closest('.list').querySelector('.found').textContent"
    return browser.wait(f"const text = (() => {{ {found} }})(); return text.includes('found') && text", table)


def searching_filters(browser, page):
    show(browser, page)
    address = browser.run(COLUMN, "address-list", 0)[7]
    found = search(browser, "address-list", address)
    rows = browser.run(COLUMN, "address-list", 0)
    expect(rows and all(address in row for row in rows), f"{address}: {rows}")
    expect(str(len(rows)) in found, f"{found} for {len(rows)} rows")


# --- text, themes, sizes, paper


def hostile_text_is_text(browser, page):
    show(browser, page)
    expect(browser.run("return window.hit") is None, "a script of the log ran")
    scripts = browser.run("return document.querySelectorAll('script').length")
    strange = browser.run("return document.querySelectorAll('img, iframe, base, link, svg, object, embed').length")
    expect((scripts, strange) == (3, 0), f"{scripts} scripts, {strange} strange elements")
    text = browser.run("return document.body.textContent")
    for attack in reports.ATTACKS[:5]:
        expect(attack in text, f"not shown: {attack}")
    expect("\u202e" not in text, "a control character reached the page")
    for table in ("address-list", "network-list", "actor-list", "target-list"):
        sort_by(browser, table, 0)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    expect(browser.run("return window.hit") is None, "a script of the log ran later")


def fifty_thousand_addresses_are_quick(browser, page):
    began = time.monotonic()
    show(browser, page)
    loaded = time.monotonic() - began
    last = f"2001:db8:{(reports.ADDRESSES - 1) % reports.NETWORKS:x}::{reports.ADDRESSES - 1:x}"
    began = time.monotonic()
    found = search(browser, "address-list", last)
    searched = time.monotonic() - began
    expect(browser.run(COLUMN, "address-list", 0) == [last], f"{last}: {found}")
    browser.run("document.querySelector('[data-list=address-list] input').value = ''")
    began = time.monotonic()
    sort_by(browser, "address-list", 0)
    sort_by(browser, "address-list", 0)
    sorting = (time.monotonic() - began) / 2
    began = time.monotonic()
    browser.mouse(place(browser, "#plots .u-over", 0.4), "down", place(browser, "#plots .u-over", 0.6), "up")
    zoomed = time.monotonic() - began
    elements = browser.run("return document.querySelectorAll('*').length")
    expect(elements < MOST_ELEMENTS, f"{elements} elements at once")
    rows = len(browser.run(COLUMN, "address-list", 0))
    expect(rows <= 100, f"{rows} rows at once")
    size = page.stat().st_size
    return (
        f"{size / 1e6:.1f} MB, {elements} elements; seconds to load {loaded:.1f}, search {searched:.1f} "
        f"(typing included), sort {sorting:.1f}, zoom {zoomed:.1f}"
    )


BACK = "return getComputedStyle(document.body).backgroundColor"

# Text and what stands behind it; colours of style sheets come as rgb() or rgba().
CONTRASTS = """
const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
const part = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
const behind = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const colour = parse(getComputedStyle(one).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) { return colour; }
  }
  return [255, 255, 255];
};
const weak = new Set();
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !element.checkVisibility({ contentVisibilityAuto: true }) || element.closest("script, :disabled")) { continue; }
  const style = getComputedStyle(element);
  const [one, other] = [light(parse(style.color)), light(behind(element))];
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  if (contrast < (large ? arguments[1] : arguments[0])) { weak.add(element.outerHTML.slice(0, 80) + " " + contrast.toFixed(2)); }
}
return [...weak];"""


def both_themes_can_be_read(browser, page):
    backs = {}
    for scheme in ("light", "dark"):
        show(browser, page, scheme=scheme)
        backs[scheme] = browser.run(BACK)
        weak = browser.run(CONTRASTS, CONTRAST, CONTRAST_OF_LARGE)
        expect(not weak, f"{scheme}: too little contrast: {weak[:5]}")
    expect(backs["light"] != backs["dark"], f"{backs}")
    show(browser, page, scheme="light")
    pictures = browser.run(PICTURES)
    browser.click(*place(browser, ".switch label:last-of-type"))
    expect(browser.run(BACK) == backs["dark"], "the switch does not darken")
    expect(browser.run(PICTURES) != pictures, "the charts stay light")
    browser.click(*place(browser, ".switch label:first-of-type"))
    expect(browser.run(BACK) == backs["light"], "the switch does not go back")


def nothing_is_wider_than_the_screen(browser, page):
    for size in (WIDE, (820, 1180), PHONE):
        show(browser, page, size)
        wide = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        expect(wide <= 0, f"{wide} px too wide at {size[0]}")


def all_can_be_read_without_scripts(browser, page):
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        show(browser, page)
        controls = browser.run("return [...document.querySelectorAll('.js-only')].filter((one) => one.checkVisibility()).length")
        rows = browser.run("return document.querySelectorAll('#address-list tbody tr, #numbers tbody tr').length")
        buttons = browser.run("return document.querySelectorAll('th button').length")
        expect((controls, buttons) == (0, 0), f"{controls} controls that do nothing, {buttons} buttons")
        expect(rows > 50, f"{rows} rows")
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


def it_prints(browser, page):
    show(browser, page, scheme="dark")
    paper = browser.pdf()
    expect(paper.startswith(b"%PDF-") and len(paper) > 20_000, f"{len(paper)} bytes of paper")
    opened = browser.run("return document.querySelectorAll('details.step[open]').length")
    expect(opened == 0, f"{opened} steps stay open behind printing")
    charts_are_drawn_still = browser.run(BLANK)
    expect(all(number > 3 for number in charts_are_drawn_still), "the charts are gone behind printing")
    return paper


# Which checks each report is put through; `silent` follows every one.
ALWAYS = [nothing_is_wider_than_the_screen]
CHECKS = {
    reports.DDOS: [
        charts_are_drawn, hovering_shows_values, dragging_zooms, steps_zoom_and_open, keys_are_enough, sorting_sorts,
        searching_filters, both_themes_can_be_read, all_can_be_read_without_scripts, it_prints,
    ],
    reports.INJECTION: [charts_are_drawn, dragging_zooms, steps_zoom_and_open, sorting_sorts, both_themes_can_be_read],
    reports.QUIET: [charts_are_drawn, hovering_shows_values, both_themes_can_be_read],
    "hostile": [hostile_text_is_text, charts_are_drawn, steps_zoom_and_open],
    "crowded": [charts_are_drawn, dragging_zooms, fifty_thousand_addresses_are_quick],
}
