//! `aftertrace completions` and `aftertrace man`: what shells and `man` know of the command line, made from its definition.

use std::io::Write;

use aftertrace::error::Result;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Outcome, output};

/// Prints a script that completes commands, options and their values.
pub fn completions(shell: Shell) -> Result<Outcome> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    output::write_to(None, |out| out.write_all(&script))?;
    Ok(Outcome::Finished)
}

/// Prints the manual page, in roff: the program, and behind it each of its commands.
pub fn man() -> Result<Outcome> {
    let mut command = Arguments::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    output::write_to(None, |out| {
        page.render_title(out)?;
        page.render_name_section(out)?;
        page.render_synopsis_section(out)?;
        page.render_options_section(out)?;
        examples(&command, out)?;
        commands(&command, "COMMAND", out)
    })?;
    Ok(Outcome::Finished)
}

/// What stands behind the help of a command, as it stands there.
fn examples(command: &Command, out: &mut dyn Write) -> std::io::Result<()> {
    let Some(text) = command.get_after_help() else {
        return Ok(());
    };
    writeln!(out, ".PP\n.nf")?;
    for line in text.to_string().lines() {
        // A dot or an apostrophe at the beginning of a line is a command of roff's.
        let guard = if line.starts_with(['.', '\'']) {
            "\\&"
        } else {
            ""
        };
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        writeln!(out, "{guard}{line}")?;
    }
    writeln!(out, ".fi")
}

/// A section for each command and those within it.
fn commands(command: &Command, title: &str, out: &mut dyn Write) -> std::io::Result<()> {
    for inner in command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
    {
        let name = inner.get_name().to_uppercase();
        let title = format!("{title} {name}");
        writeln!(out, ".SH \"{title}\"")?;
        let page = clap_mangen::Man::new(inner.clone());
        page.render_description_section(out)?;
        page.render_synopsis_section(out)?;
        if inner.get_arguments().next().is_some() {
            page.render_options_section(out)?;
        }
        examples(inner, out)?;
        commands(inner, &title, out)?;
    }
    Ok(())
}
