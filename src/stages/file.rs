//! Partial evidence and plans in files.

use std::io::{Read, Write};

use super::todo::Todo;
use super::{Head, Partial};
use crate::error::Result;
use crate::part;

impl Head {
    /// The head of a part, without what was counted.
    ///
    /// # Errors
    /// As [`part::read`].
    pub fn read(reader: impl Read, name: &str) -> Result<Head> {
        part::read_head(reader, name)
    }
}

impl Partial {
    /// Reads a part or a plan; `name` is what errors name.
    ///
    /// # Errors
    /// As [`part::read`].
    pub fn read(reader: impl Read, name: &str) -> Result<Partial> {
        let (head, partial) = part::read::<Head, Partial>(reader, name)?;
        Ok(Partial { head, ..partial })
    }

    /// Writes a part.
    ///
    /// # Errors
    /// Those of the writer, for which `name` is the file that they name.
    pub fn write(&self, writer: impl Write, name: &str) -> Result<()> {
        part::write(&self.head, self, writer, name)
    }

    /// Writes this plan, with what those who follow it need of the evidence that it was made of: for looks nothing, for passes all
    /// that is counted so far.
    ///
    /// # Errors
    /// Those of both files, which `name` stands for.
    pub fn write_plan(&self, whole: impl Read, writer: impl Write, name: &str) -> Result<()> {
        match &self.head.todo {
            Some(Todo::Passes(_)) => part::write_again(&self.head, whole, writer, name),
            Some(Todo::Looks(_)) | None => self.write(writer, name),
        }
    }
}
