//! Requests whose targets cost much to decode and to judge, no two alike.

use super::super::attackers::samples;
use super::super::writers::encode;
use super::{Evil, Pen, Visit, address};

pub const ALL: &[Evil] = &[
    Evil {
        name: "hits",
        what: "every line an attack, each with a number of its own",
        write: |pen| hit(pen, false),
    },
    Evil {
        name: "hits-of-many",
        what: "the same, each from another client",
        write: |pen| hit(pen, true),
    },
    Evil {
        name: "hits-everywhere",
        what: "every line an SQL injection into another page and parameter, some slow and some answered otherwise",
        write: hit_everywhere,
    },
    Evil {
        name: "nested-encodings",
        what: "SQL percent-encoded one to six times over",
        write: nested,
    },
    Evil {
        name: "mixed-encodings",
        what: "`%u`, entities, overlong UTF-8, full width, comments and escapes in turn",
        write: mixed,
    },
    Evil {
        name: "base64",
        what: "values that could be base64 of something",
        write: base64,
    },
    Evil {
        name: "long-targets",
        what: "targets of 8 KB with 700 parameters",
        write: |pen| parameters(pen, 700),
    },
    Evil {
        name: "long-encoded",
        what: "targets of 8 KB in which every byte is percent-encoded twice",
        write: long_encoded,
    },
    Evil {
        name: "long-hits",
        what: "statements of 8 KB with brackets and comments within each other",
        write: long_hit,
    },
    Evil {
        name: "many-quotes",
        what: "700 parameters, each with a quote and a comment",
        write: quoted_parameters,
    },
    Evil {
        name: "many-attacks",
        what: "parameters up to 8 KB, each an attack",
        write: |pen| attacks(pen, '?', '&'),
    },
    Evil {
        name: "path-attacks",
        what: "the same behind `;` in the path",
        write: |pen| attacks(pen, ';', ';'),
    },
    Evil {
        name: "tags-in-tags",
        what: "6 KB of tags with an attribute, none of which ends",
        write: tags_in_tags,
    },
    Evil {
        name: "types",
        what: "6 KB of `list<form>`, which is a tag or a type",
        write: |pen| pen.get(&format!("/{}?q={}", pen.number, "list<form>".repeat(600))),
    },
    Evil {
        name: "near-sql",
        what: "words of SQL that are no SQL",
        write: |pen| near(pen, SQL_WORDS),
    },
    Evil {
        name: "near-markup",
        what: "brackets and words of HTML and scripts that are none",
        write: |pen| near(pen, MARKUP_WORDS),
    },
    Evil {
        name: "near-shell",
        what: "separators and names of commands without a command",
        write: |pen| near(pen, SHELL_WORDS),
    },
    Evil {
        name: "near-code",
        what: "the beginnings of what expressions for code and templates look for",
        write: |pen| near(pen, CODE_WORDS),
    },
    Evil {
        name: "near-all",
        what: "8 KB of all of these in one value",
        write: near_all,
    },
    Evil {
        name: "openings",
        what: "4 KB of the same opening, which nothing closes",
        write: openings,
    },
    Evil {
        name: "mixed-openings",
        what: "8 KB of openings, quotes and encodings in no order, as they are",
        write: mixed_openings,
    },
    Evil {
        name: "slashes",
        what: "paths of 4 KB out of `/`, `.`, `..` and `%2e`",
        write: slashes,
    },
    Evil {
        name: "backslashes",
        what: "quotes and backslashes, escaped, in target, referer and agent",
        write: backslashes,
    },
    Evil {
        name: "hex-escapes",
        what: "`\\x22` and the like in target, referer and agent",
        write: hex_escapes,
    },
];

const SQL_WORDS: &[&str] = &[
    "select",
    "union",
    "from",
    "where",
    "order by",
    "and",
    "or",
    "having",
    "drop",
    "table",
    "it's",
    "\"the",
    "--",
    "/*",
    "1=",
    "'a",
    "sleep",
    "insert into",
    "null,",
    "(",
    "like",
];
const MARKUP_WORDS: &[&str] = &[
    "<",
    "> ",
    "<3",
    "on error =",
    "script",
    "javascript",
    "alert",
    "</",
    "<!",
    "style=",
    "src",
    "&lt;",
    "href =",
    "<a",
    "onclick",
    "expression",
    "data:",
    "svg",
    "\"",
    "'",
];
const SHELL_WORDS: &[&str] = &[
    ";", "|", "&&", "$(", "`", "cat", "wget", "bash", "/bin", "ls -", "curl", "> /", "id", "echo",
    "||", "${", "ping", "nc", "%0a", "\\",
];
const CODE_WORDS: &[&str] = &[
    "{{",
    "}}",
    "${",
    "<%",
    "system",
    "eval",
    "jndi",
    "php:",
    "file:",
    "java.lang",
    "__",
    "import",
    "os.",
    "#{",
    "O:8:",
    "array_",
    "base64_",
    "chr(",
    "..",
    "/etc",
    "!!",
    "%{",
    "require",
    "print",
];

fn hit(pen: &mut Pen, of_many: bool) {
    let samples = samples();
    let sample = pen.rng.pick(&samples);
    let mark = if sample.contains('?') { '&' } else { '?' };
    let request = format!("GET {sample}{mark}_={} HTTP/1.1", pen.number);
    let client = address(if of_many { pen.number } else { pen.number % 50 });
    let visit = Visit {
        client: &client,
        request: &request,
        status: 404,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn hit_everywhere(pen: &mut Pen) {
    let (page, name) = (pen.word(), pen.word());
    let value = match pen.number % 3 {
        0 => format!("{} AND SLEEP({})", pen.number, pen.number % 9),
        1 => format!("{}' OR '1'='1", pen.number),
        _ => format!("-1 UNION SELECT NULL,{},NULL-- -", pen.number),
    };
    let request = format!("GET /{page}.php?{name}={} HTTP/1.1", encode(&value));
    let visit = Visit {
        request: &request,
        status: [200, 500, 302, 404][(pen.number % 4) as usize],
        ..pen.visit()
    };
    pen.put(&visit);
}

fn nested(pen: &mut Pen) {
    let mut value = format!("{}' UNION SELECT password FROM users-- -", pen.number);
    for _ in 0..=pen.number % 6 {
        value = encode(&value);
    }
    pen.get(&format!("/item?id={value}"));
}

fn mixed(pen: &mut Pen) {
    let mut target = format!("/item?n={}&q=", pen.number);
    for letter in "<script>alert(1)</script>' or 1=1-- ".chars() {
        let code = letter as u32;
        match pen.rng.below(7) {
            0 => target.push_str(&format!("%u{code:04x}")),
            1 => target.push_str(&format!("%26%23{code};")),
            2 => target.push_str(&format!("%C0%{:02X}", 0x80 | (code & 0x3f))),
            3 => target.push_str(&format!("%25{code:02x}")),
            4 => target.push_str(&format!("%5cx{code:02x}")),
            5 => target.push_str(&format!("%EF%BC%{:02X}", 0x80 | (code & 0x3f))),
            _ => target.push_str(&format!("%{code:02x}/**/")),
        }
    }
    pen.get(&target);
}

fn base64(pen: &mut Pen) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut target = "/token?".to_owned();
    for name in ["a", "b", "c", "d"] {
        target.push_str(name);
        target.push('=');
        for _ in 0..64 {
            // Mostly what printable text becomes.
            let digit = pen.rng.below(64) as usize;
            target.push(char::from(DIGITS[digit]));
        }
        target.push('&');
    }
    pen.get(&target);
}

fn parameters(pen: &mut Pen, count: u64) {
    let mut target = "/form?".to_owned();
    for number in 0..count {
        target.push_str(&format!("p{number}={}&", pen.rng.below(100_000)));
    }
    pen.get(&target);
}

fn long_encoded(pen: &mut Pen) {
    let mut target = format!("/{}?q=", pen.number);
    while target.len() < 8_000 {
        target.push_str(&format!("%25{:02x}", b'a' as u64 + pen.rng.below(26)));
    }
    pen.get(&target);
}

fn long_hit(pen: &mut Pen) {
    let mut value = format!("{}' OR ", pen.number);
    while value.len() < 3_900 {
        value.push_str("(SELECT/*!50000/**/*/");
    }
    value.push('1');
    while value.len() < 5_500 {
        value.push_str(")/**/=");
    }
    pen.get(&format!("/item?id={}", encode(&value)));
}

fn quoted_parameters(pen: &mut Pen) {
    let mut target = "/form?".to_owned();
    for number in 0..700 {
        target.push_str(&format!("p{number}={}%27--&", pen.rng.below(1_000)));
    }
    pen.get(&target);
}

/// As many parameters as fit, each with the value of an attack.
fn attacks(pen: &mut Pen, first: char, next: char) {
    let samples = samples();
    let mut target = format!("/{}", pen.number);
    let mut mark = first;
    while target.len() < 8_000 {
        let sample = pen.rng.pick(&samples);
        let value = sample.split_once('=').map_or("", |(_, value)| value);
        target.push_str(&format!("{mark}p{}={value}", target.len()));
        mark = next;
    }
    pen.get(&target);
}

fn tags_in_tags(pen: &mut Pen) {
    let attribute = pen.pick(&["style=x", "x=", "href=%22", "onload", "x=y%20"]);
    let tags = format!("<a+{attribute}").repeat(600);
    pen.get(&format!("/{}?q={tags}", pen.number));
}

fn near(pen: &mut Pen, words: &[&str]) {
    let mut value = pen.word();
    for _ in 0..12 {
        value.push(' ');
        value.push_str(pen.pick(words));
        value.push(' ');
        value.push_str(&pen.word());
    }
    pen.get(&format!("/search?q={}", encode(&value)));
}

fn near_all(pen: &mut Pen) {
    let mut value = pen.word();
    while value.len() < 5_000 {
        for words in [SQL_WORDS, MARKUP_WORDS, SHELL_WORDS, CODE_WORDS] {
            value.push_str(pen.pick(words));
            value.push(' ');
            value.push_str(&pen.word());
        }
    }
    pen.get(&format!("/search?q={}", encode(&value)));
}

fn mixed_openings(pen: &mut Pen) {
    const PIECES: &[&str] = &[
        "'",
        "(",
        "<a+",
        "%25",
        "../",
        "&x",
        "${",
        "`",
        "or+1=1+",
        "{{",
        "/*",
        "union+",
        "<",
        "x=",
        "%27",
        "%3c",
        "&#x3c;",
        "cat+/",
        "..;/",
        "%2e%2e/",
        "http://",
        "%22",
        "[",
        "|",
        ";",
        "$(",
        "--+",
        "@@",
        "%u0027",
        "%c0%af",
        "+ADw-",
        "<!--",
        "on=",
        "javascript:",
        "a.b.",
        "//",
        "char(",
        "id=",
        "%00",
    ];
    let mut value = pen.word();
    while value.len() < 8_000 {
        value.push_str(pen.pick(PIECES));
    }
    pen.get(&format!("/search?q={value}"));
}

fn openings(pen: &mut Pen) {
    const OPENINGS: &[&str] = &[
        "(",
        "{{",
        "[",
        "<",
        "<!--",
        "/*",
        "'",
        "\"",
        "${",
        "$(",
        "`",
        "%28",
        "1 or ",
        "a=b&",
        "<a ",
        "select ",
        "case when ",
        "../",
        "\\",
        "((a",
        "a.b.",
        "x;",
        "0x",
    ];
    let opening = OPENINGS[pen.number as usize % OPENINGS.len()];
    let value = opening.repeat(4_096 / opening.len());
    pen.get(&format!("/{}?q={}", pen.number, encode(&value)));
}

fn slashes(pen: &mut Pen) {
    let mut target = format!("/{}", pen.number);
    while target.len() < 4_096 {
        let part = pen.pick(&[
            "/", "/.", "/..", "%2e%2e/", "..%2f", "\\\\..", "%252e", "//",
        ]);
        target.push_str(part);
    }
    pen.get(&target);
}

/// Escapes of which a third each stand in the target, the referer and the agent.
fn escapes(pen: &mut Pen, stock: &[&str]) {
    let mut texts = [(); 3].map(|()| String::new());
    for text in &mut texts {
        for _ in 0..40 {
            text.push_str(pen.pick(stock));
        }
    }
    let request = format!("GET /{}?q={} HTTP/1.1", pen.number, texts[0]);
    let visit = Visit {
        request: &request,
        referer: &texts[1],
        agent: &texts[2],
        ..pen.visit()
    };
    pen.put(&visit);
}

fn backslashes(pen: &mut Pen) {
    escapes(pen, &["\\\"", "\\\\", "\\\\\\\"", "a", "\\n", "\\t"]);
}

fn hex_escapes(pen: &mut Pen) {
    escapes(
        pen,
        &[
            "\\x22",
            "\\x27",
            "\\xE2\\x80\\x8B",
            "\\x00",
            "\\x5C",
            "a",
            "\\x3C",
        ],
    );
}
