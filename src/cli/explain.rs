//! `aftertrace explain`: why a line is a hit, or none, step by step.

use std::io::{self, BufRead, Read, Write};

use aftertrace::chunk::MAX_LINE;
use aftertrace::error::Result;
use aftertrace::explain::{Explanation, Given, explain};
use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::readers::Readers;
use aftertrace::report::{explanation, json};

use super::{ExplainArguments, Format, Outcome, messages, output};

/// Stands for the lines of standard input.
const STDIN: &str = "-";

/// Runs the command.
pub fn run(arguments: &ExplainArguments) -> Result<Outcome> {
    let patterns = load::load(&arguments.pattern_dirs)?;
    let (readers, warnings) = Readers::new(&arguments.formats.options())?;
    messages::warnings(&warnings, false, false);
    output::write_to(None, |out| {
        let mut sheet = Sheet {
            arguments,
            patterns: &patterns,
            readers: &readers,
            out,
            first: true,
        };
        arguments.inputs.iter().try_for_each(|input| {
            if input == STDIN {
                each_line(&mut io::stdin().lock(), &mut |line| sheet.line(line))
            } else {
                sheet.line(input.as_encoded_bytes())
            }
        })
    })?;
    Ok(Outcome::Finished)
}

/// Where explanations go, one after the other.
struct Sheet<'a> {
    arguments: &'a ExplainArguments,
    patterns: &'a PatternSet,
    readers: &'a Readers,
    out: &'a mut dyn Write,
    first: bool,
}

impl Sheet<'_> {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let bytes = |text: &'_ Option<std::ffi::OsString>| {
            text.as_ref().map(|text| text.as_encoded_bytes().to_vec())
        };
        let agent = bytes(&self.arguments.user_agent);
        let referer = bytes(&self.arguments.referer);
        let given = Given {
            user_agent: agent.as_deref(),
            referer: referer.as_deref(),
            status: self.arguments.status,
            readers: Some(self.readers),
        };
        self.show(&explain(self.patterns, line, &given))
    }

    fn show(&mut self, explained: &Explanation) -> io::Result<()> {
        match self.arguments.format {
            Format::Json => json::write_line(explained, self.out),
            Format::Table => {
                if !std::mem::take(&mut self.first) {
                    writeln!(self.out)?;
                }
                explanation::render(explained, &output::page(self.arguments.color), self.out)
            }
        }
    }
}

/// Hands on every line that is not blank; of one that is longer than a line may be, its beginning.
fn each_line(
    input: &mut dyn BufRead,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.take(MAX_LINE as u64).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
        }
        let text = line.trim_ascii_end();
        if !text.is_empty() {
            sink(text)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_handed_on_one_by_one() {
        let long = [b"/a".repeat(MAX_LINE), b"\n/b\r\n\n \n/c".to_vec()].concat();
        let mut lengths = Vec::new();
        each_line(&mut &long[..], &mut |line| {
            lengths.push(line.len());
            Ok(())
        })
        .unwrap();
        assert_eq!(lengths, [MAX_LINE, 2, 2]);
    }
}
