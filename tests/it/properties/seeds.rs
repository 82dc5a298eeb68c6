//! Inputs to begin with: the samples of every format, and what holds them.

use std::io::{Read, Write};

use aftertrace::attempts::{Measure, count_hits};
use aftertrace::context::Context;
use aftertrace::counts::AccessCounts;
use aftertrace::evidence::caps::Caps;
use aftertrace::format::ALL;
use aftertrace::format::combined::COMBINED;
use aftertrace::part;
use aftertrace::pass::{Limits, Log, Run};
use aftertrace::pattern::load;
use aftertrace::survey::{Survey, survey_access};
use flate2::bufread::GzDecoder;

/// Every sample behind the byte that chooses its format; a sample a line, as a log of one line has nothing before it.
pub fn of_formats() -> Vec<Vec<u8>> {
    let formats = ALL.iter().zip(0u8..);
    formats
        .flat_map(|(format, index)| {
            let all = format.samples.join("\n");
            let each = format.samples.iter().map(|sample| sample.to_string());
            each.chain([all])
                .map(move |text| [&[index], text.as_bytes()].concat())
        })
        .collect()
}

/// Every sample, and the samples of a format as one log.
pub fn samples() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = of_formats()
        .into_iter()
        .map(|mut seed| seed.split_off(1))
        .collect();
    all.push(logs().into_bytes());
    all
}

/// Lines of requests and messages among each other, with blank ones.
fn logs() -> String {
    let lines = ALL.iter().map(|format| format.samples[0]);
    lines.collect::<Vec<_>>().join("\r\n\n")
}

/// Samples behind the byte that chooses an envelope.
pub fn in_envelopes() -> Vec<Vec<u8>> {
    let samples = samples().into_iter().zip((0u8..6).cycle());
    samples
        .map(|(sample, choice)| [&[choice], &sample[..]].concat())
        .collect()
}

/// JSON as loggers and templates write it.
pub fn objects() -> Vec<Vec<u8>> {
    let samples = samples()
        .into_iter()
        .filter(|sample| sample.first() == Some(&b'{'));
    let own = [
        r#"{"a":{"b":[1,{"c":"d"},[]],"e":null},"f":true,"g":-1.5e3,"h":"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"}"#,
        r#"{"status":,"request":"GET /\x22 HTTP/1.1","time":"-"}"#,
        r#"[{"a":1},"#,
        "{}",
    ];
    samples
        .chain(own.map(|text| text.as_bytes().to_vec()))
        .collect()
}

/// A format and a line in it.
const CUSTOM: &[(&str, &str)] = &[
    (
        r#"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\""#,
        r#"192.0.2.1 - ana [19/May/2026:14:02:11 +0000] "GET /a\"b HTTP/1.1" 200 5 "-" "probe/1.0""#,
    ),
    (
        "%{%Y-%m-%dT%H:%M:%S%z}t.%{msec_frac}t|%!200,304s|%B|%m|%U%q|%h|%{X-Forwarded-For}i|%D",
        "2026-05-19T14:02:11+0200.123|500|512|GET|/item?id=1|203.0.113.9|198.51.100.4|77",
    ),
    (
        r#"log_format main escape=json '{"t":"$time_iso8601","c":"$remote_addr","r":"$request",' '"s":$status}';"#,
        r#"{"t":"2026-05-19T14:02:11+00:00","c":"192.0.2.1","r":"GET /\u0022 HTTP/1.1","s":200}"#,
    ),
    (
        "$remote_addr - $remote_user [$time_local] \"$request\" $status ${body_bytes_sent} $request_time $upstream_addr",
        "192.0.2.1 - - [19/May/2026:14:02:11 +0000] \"GET /\\x22 HTTP/1.1\" 200 5 0.003 10.0.0.1:80, 10.0.0.2:80",
    ),
    ("$msec $uri$is_args$args", "1779199331.520 /a?b"),
    (
        "combined",
        "192.0.2.1 - - [19/May/2026:14:02:11 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"",
    ),
    ("%h \"%r\" %Z", ""),
    ("$status$bytes_sent", ""),
];

/// Each of them, a line behind the format.
pub fn custom_formats() -> Vec<Vec<u8>> {
    let pair = |(format, line): &(&str, &str)| format!("{format}\n{line}\n{line}").into_bytes();
    CUSTOM.iter().map(pair).collect()
}

/// Configurations of both servers.
pub fn server_configs() -> Vec<Vec<u8>> {
    let texts = [
        "ServerRoot \"/etc/httpd\"\nDefine LOGS /var/log\nLogFormat \"%h %t \\\"%r\\\" %>s\" own\n\
         <VirtualHost *:80>\n  CustomLog \\\n  ${LOGS}/shop/access.log own env=!static\n  TransferLog x.log\n\
         </VirtualHost>\nIncludeOptional sites/*.conf\nCustomLog \"|/usr/bin/rotatelogs /var/log/a.%Y 86400\" combined\n\
         ErrorLogFormat \"[%t] %M\"\n# a comment\n",
        "user www;\nhttp {\n  log_format main escape=none '$remote_addr [$time_local] '\n    \"\\\"$request\\\" $status\";\n\
         access_log /var/log/nginx/access.log main buffer=32k;\n  server { access_log off; location / {\n\
         access_log syslog:server=192.0.2.1 main; include mime.types; } }\n  # a comment\n}\n\
         stream { access_log /var/log/s.log main; }\n",
        "access_log 'x",
        "<VirtualHost",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// A log in every packing, in two, in two members, and torn.
pub fn packed() -> Vec<Vec<u8>> {
    let text = logs();
    let text = text.as_bytes();
    let mut all = vec![gzip(text), zstd(text), bzip2(text), xz(text)];
    all.push(xz(&gzip(b"one\n")));
    all.push([gzip(b"one\n"), vec![0; 3], gzip(b"two\n")].concat());
    all.push(
        [
            b"\x50\x2a\x4d\x18\x01\x00\x00\x00x".to_vec(),
            zstd(b"one\n"),
        ]
        .concat(),
    );
    let torn: Vec<_> = all
        .iter()
        .map(|whole| whole[..whole.len() / 2].to_vec())
        .collect();
    all.extend(torn);
    all.extend(archives().first().map(|archive| gzip(archive)));
    all.extend([b"PK\x03\x04".to_vec(), b"one\n".to_vec()]);
    all
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("memory takes all");
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// Archives of the formats that `tar` writes: long names, folders, pax headers.
pub fn archives() -> Vec<Vec<u8>> {
    let long = "folder/".repeat(20) + "access.log";
    let mut plain = tar::Builder::new(Vec::new());
    for (name, text) in [
        ("var/log/access.log", "one\n"),
        (long.as_str(), "two\n"),
        ("c", ""),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mtime(1_779_199_331);
        plain
            .append_data(&mut header, name, text.as_bytes())
            .expect("memory takes all");
    }
    let mut pax = tar::Builder::new(Vec::new());
    let records = [
        ("path", "other.log".as_bytes()),
        ("size", b"4"),
        ("mtime", b"1779199331.5"),
    ];
    pax.append_pax_extensions(records)
        .expect("memory takes all");
    let mut header = tar::Header::new_ustar();
    header.set_size(4);
    header.set_cksum();
    pax.append(&header, &b"one\n"[..])
        .expect("memory takes all");
    [plain, pax]
        .map(|archive| archive.into_inner().expect("memory takes all"))
        .to_vec()
}

/// Targets and headers with attacks in several encodings.
pub fn requests() -> Vec<Vec<u8>> {
    let texts = [
        "/item?id=1%27%20UNION%20SELECT%20login,password%20FROM%20users--%20-",
        "/item?id=1%2527%2520or%2520sleep(5)--+-&x=/**/&x=*/",
        "/a/..%252f..%c0%af../etc/passwd%00.html",
        "/?q=%3Cscript%3Ealert(1)%3C/script%3E&#x3c;svg onload=alert`1`&gt;",
        "/?x=${jndi:${lower:l}dap://x.example/a}",
        "/?c=;cat+/etc/hosts|base64;$(id)`id`",
        "/?d=PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==&u=+ADw-script+AD4-",
        "/?x=data:text/html;base64,PHNjcmlwdD4=&y=%u003cimg\\x20src=x\\u0020onerror=1",
        "{\"name\":\"<b>\",\"where\":{\"$ne\":null}}",
        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hosts\">]><a>&b;</a>",
        "\u{ff1c}script\u{ff1e}\u{200b}",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// Databases in the MaxMind DB format, of every layout and with the fields of every vendor.
pub fn databases() -> Vec<Vec<u8>> {
    let all: [&[u8]; 4] = [
        include_bytes!("../../../testdata/mmdb/asn.mmdb"),
        include_bytes!("../../../testdata/mmdb/country.mmdb"),
        include_bytes!("../../../testdata/mmdb/lite.mmdb"),
        include_bytes!("../../../testdata/mmdb/places.mmdb"),
    ];
    all.map(<[u8]>::to_vec).to_vec()
}

/// The counts of a small log with an attack in it: as a part, and as what a part holds.
pub fn parts() -> Vec<Vec<u8>> {
    let line = |n: u32| {
        let (second, status) = (n % 60, [200, 302, 404, 500][n as usize % 4]);
        let value = ["", "%27%20OR%201=1--%20", "../../etc/passwd"][n as usize % 3];
        let method = ["GET", "POST"][n as usize % 2];
        format!(
            "192.0.2.{n} - - [19/May/2026:14:{second:02}:11 +0000] \"{method} /page/{}?id={value} HTTP/1.1\" {status} 52 \"-\" \"test/1\"\n",
            n % 5
        )
    };
    let text: String = (1..40).map(line).collect();
    let part = |counts: &AccessCounts| {
        let mut file = Vec::new();
        part::write(&(), counts, &mut file, "part").expect("room");
        file
    };
    let surveyed = survey_of(text.as_bytes());
    let parts = surveyed.iter().map(part);
    let both = parts.flat_map(|file| {
        let mut body = Vec::new();
        let mut packed = file
            .windows(2)
            .enumerate()
            .filter(|(_, two)| two == b"\x1f\x8b");
        let (packed, _) = packed.nth(1).expect("a compressed body behind the head");
        let packed = &file[packed..];
        GzDecoder::new(packed)
            .read_to_end(&mut body)
            .expect("a whole body");
        [file, body]
    });
    both.collect()
}

/// The counts of a log, before and after its suspicious lines were counted.
fn survey_of(text: &[u8]) -> [AccessCounts; 2] {
    let patterns = load::embedded().expect("patterns");
    let logs = [Log::of(&COMBINED, text).expect("a log")];
    let limits = Limits {
        since: i64::MIN,
        until: i64::MAX,
    };
    let run = Run {
        chunk_bytes: 1 << 10,
        caps: Caps::default(),
        advance: &|_| (),
        ledger: None,
    };
    let survey = Survey {
        patterns: &patterns,
        limits,
        bucket_s: 60,
    };
    let count = || survey_access(&logs, survey, &run);
    let mut after = count();
    let context = Context::of(&after);
    let measure = Measure {
        patterns: &patterns,
        context: &context,
        limits,
    };
    count_hits(&logs, &mut after, measure, survey.bucket_s, &run);
    [count(), after]
}
