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
    output::write_to(None, |out| {
        clap_mangen::Man::new(command.clone()).render(out)?;
        commands(&command, "COMMAND", out)
    })?;
    Ok(Outcome::Finished)
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
        commands(inner, &title, out)?;
    }
    Ok(())
}
