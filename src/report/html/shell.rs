//! What stands around the page: the head with its policy, the styles, the data, the scripts, and whose they are.
//!
//! The policy (Content Security Policy Level 3) allows the styles and scripts below by their hashes and nothing else: no network,
//! no other script, no style in an attribute, no text that becomes markup (`require-trusted-types-for`).

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::list::Lists;
use super::markup::text;
use super::{Page, data};
use crate::report::words;

/// The library that draws the charts; unmodified, `tests` holds its checksums.
pub const UPLOT: &str = include_str!("vendor/uPlot.iife.min.js");
pub const UPLOT_STYLE: &str = include_str!("vendor/uPlot.min.css");
pub const UPLOT_LICENCE: &str = include_str!("vendor/uPlot.LICENSE");
const UPLOT_NAME: &str = "uPlot 1.6.32";

pub const STYLE: &str = include_str!("report.css");
pub const SCRIPT: &str = concat!(
    include_str!("page.js"),
    include_str!("charts.js"),
    include_str!("tables.js")
);

/// What may be on the page.
fn policy() -> String {
    let hash = |content: &str| {
        let digest = Sha256::digest(content.as_bytes());
        format!("'sha256-{}'", STANDARD.encode(digest))
    };
    format!(
        "default-src 'none'; script-src {} {}; style-src {} {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(UPLOT),
        hash(SCRIPT),
        hash(UPLOT_STYLE),
        hash(STYLE)
    )
}

/// Writes all before the verdict.
///
/// # Errors
/// Whatever the writer returns.
pub fn begin(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(PreEscaped(policy()));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { (text(&title(page))) }
                style { (PreEscaped(UPLOT_STYLE)) }
                style { (PreEscaped(STYLE)) }
            }
        }
    };
    // the elements stay open: what follows is written piece by piece
    let open = head.0.trim_end_matches("</html>");
    writeln!(out, "{open}\n<body>")
}

fn title(page: &Page<'_>) -> String {
    let verdict = &page.report.verdict;
    let what = words::cause_named(&verdict.cause).unwrap_or("no incident");
    match verdict.start {
        Some(start) => format!("{what} on {} – log report", page.clock.date(start)),
        None => format!("{what} – log report"),
    }
}

/// Writes all behind the last section.
///
/// # Errors
/// Whatever the writer returns.
pub fn end(page: &Page<'_>, lists: &Lists, out: &mut dyn Write) -> io::Result<()> {
    let tool = &page.report.tool;
    let footer = html! {
        footer {
            p {
                "Written by " (text(&tool.name)) " " (text(&tool.version)) " from logs alone. To check a line: "
                code { "sed -n LINEp FILE" } ", or " code { "tail -c +$((OFFSET+1)) FILE | head -1" } " for FILE@OFFSET."
            }
            p { "This page loads nothing and sends nothing. Charts: " (UPLOT_NAME) " (MIT licence, within this file)." }
        }
    };
    write!(
        out,
        "\n{}\n<script id=\"data\" type=\"application/json\">",
        footer.0
    )?;
    data::write(page, lists, out)?;
    writeln!(out, "</script>")?;
    writeln!(out, "<!-- {UPLOT_NAME}\n{UPLOT_LICENCE}\n-->")?;
    writeln!(out, "<script>{UPLOT}</script>")?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}
