//! Whether an input is still the one that was surveyed: logs grow, are rotated and vanish while stages go on.

use super::{Card, Here, Key, Partial, keys};
use crate::bytes::{Answer, GLIMPSE, Want};
use crate::error::{Error, Result};
use crate::text::count;

impl Partial {
    /// What is here of the inputs that were surveyed, as long as they were then. What is another one by now is lost.
    ///
    /// # Errors
    /// When something was not surveyed.
    pub(super) fn surveyed(&mut self, here: Vec<Here>) -> Result<(Vec<Key>, Vec<Here>)> {
        let keys = keys(here.iter().map(|here| &here.source));
        let mut same = (Vec::new(), Vec::new());
        for (key, here) in keys.into_iter().zip(here) {
            let name = here.source.name.clone();
            let Some(card) = self.inputs.get(&key) else {
                return Err(Error::Usage(format!(
                    "{name} is not among the inputs of the plan: was it surveyed, and by this name?"
                )));
            };
            match same_input(card, &here) {
                Ok(()) => {
                    let len = card.len as usize;
                    same.0.push(key);
                    same.1.push(here.first(len));
                }
                Err(other) => self.lose_of(key, &name, here.range, None, &other)?,
            }
        }
        Ok(same)
    }
}

/// That an input is still the one that was surveyed, or begins with it.
fn same_input(card: &Card, here: &Here) -> std::result::Result<(), String> {
    let len = card.len as usize;
    let may_grow = card.plain && here.source.is_plain();
    if here.size < len || here.size > len && !may_grow {
        return Err(format!(
            "it has {} bytes, and had {} when it was surveyed",
            count(here.size as u64),
            count(card.len)
        ));
    }
    match (beginning(here, len), &card.begins) {
        (Some(now), Some(then)) if now != *then => {
            Err("it begins otherwise than when it was surveyed".to_string())
        }
        _ => Ok(()),
    }
}

/// The digest of the first bytes of an input of that length, if they are here. Logs begin with a time, so that this tells
/// whether it is still the same one.
pub(super) fn beginning(here: &Here, len: usize) -> Option<Answer> {
    let first = 0..len.min(GLIMPSE);
    let has = here.offset == 0 && here.source.view().len() >= first.end;
    let bytes = has.then(|| here.source.view().get(first.clone()))?;
    Some(Want::Digest(first.into()).answer(bytes))
}
