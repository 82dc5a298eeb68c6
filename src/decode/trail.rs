//! What decoding did to one text, step by step, for those who ask.
//!
//! Kept only while somebody watches; the steps are the decoder's own intermediate texts, so that an
//! explanation cannot differ from what was judged.

use serde::Serialize;

use super::{Decoded, backslash, entity, octal_run, percent};

/// A layer of encoding that a step removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Escapes that the server added when it wrote the log.
    LogEscapes,
    /// `+` for a blank, as forms write it.
    PlusSigns,
    /// `%HH`.
    Percent,
    /// `%uHHHH`, as IIS and JavaScript's `escape` write it.
    PercentU,
    /// `&lt;`, `&#60;`.
    Entities,
    /// `\xHH`, `\uHHHH` and octal escapes of programming languages.
    Backslashes,
    /// A whole value in base64.
    Base64,
    /// The base64 of a data URL.
    DataUrl,
    /// UTF-7.
    Utf7,
    /// A string of a JSON value.
    Json,
    /// Everything from the first NUL on.
    BehindNul,
    /// Look-alikes of ASCII, overlong UTF-8, NULs and zero-width characters.
    LookAlikes,
}

impl Layer {
    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Layer::LogEscapes => "log escapes",
            Layer::PlusSigns => "plus signs",
            Layer::Percent => "percent",
            Layer::PercentU => "%u",
            Layer::Entities => "entities",
            Layer::Backslashes => "backslashes",
            Layer::Base64 => "base64",
            Layer::DataUrl => "data URL",
            Layer::Utf7 => "UTF-7",
            Layer::Json => "JSON",
            Layer::BehindNul => "up to the NUL",
            Layer::LookAlikes => "look-alikes",
        }
    }
}

/// A text between two layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was removed to get here; nothing for the text as it came in.
    pub layers: Vec<Layer>,
    /// What was left.
    pub text: Vec<u8>,
}

impl Decoded {
    /// The same, keeping every step from now on.
    pub fn with_trail(mut self) -> Decoded {
        self.trail = Some(Vec::new());
        self
    }

    /// The steps of the last text: first how it came in, last how it is judged. Empty unless
    /// [`Decoded::with_trail`] asked for them.
    pub fn trail(&self) -> &[Step] {
        self.trail.as_deref().unwrap_or_default()
    }

    /// A new text begins.
    #[inline]
    pub(super) fn trail_begins(&mut self, input: &[u8]) {
        if let Some(trail) = &mut self.trail {
            trail.clear();
            trail.push(Step {
                layers: Vec::new(),
                text: input.to_vec(),
            });
        }
    }

    /// A round is about to replace the current text by `decoded`.
    #[inline]
    pub(super) fn trail_round(&mut self, decoded: &[u8]) {
        if let Some(trail) = &mut self.trail {
            trail.push(Step {
                layers: layers_of(&self.text),
                text: decoded.to_vec(),
            });
        }
    }

    /// The current text is what `layer` left, if it differs from the step before.
    #[inline]
    pub(super) fn trail_reaches(&mut self, layer: Layer) {
        if let Some(trail) = &mut self.trail
            && trail.last().is_none_or(|step| step.text != self.text)
        {
            trail.push(Step {
                layers: vec![layer],
                text: self.text.clone(),
            });
        }
    }

    /// What was decoded had been taken out of `layer`; of `outer`, if that is worth showing.
    pub fn trail_wrapped(&mut self, outer: Option<&[u8]>, layer: Layer) {
        let Some(trail) = &mut self.trail else {
            return;
        };
        if let Some(first) = trail.first_mut() {
            first.layers = vec![layer];
        }
        if let Some(outer) = outer {
            let step = Step {
                layers: Vec::new(),
                text: outer.to_vec(),
            };
            trail.insert(0, step);
        }
    }
}

/// The layers that one round finds in `input`.
fn layers_of(input: &[u8]) -> Vec<Layer> {
    let mut layers = Vec::new();
    let mut octal = Vec::new();
    let mut at = 0;
    while let Some(next) = memchr::memchr3(b'%', b'&', b'\\', &input[at..]) {
        at += next;
        let rest = &input[at..];
        let taken = octal_run(rest, &mut octal);
        if taken > 0 {
            at += taken;
            layers.push(Layer::Backslashes);
            continue;
        }
        let wide = matches!(rest.get(1), Some(b'u' | b'U'));
        let (found, layer) = match rest[0] {
            b'%' if wide => (percent(rest), Layer::PercentU),
            b'%' => (percent(rest), Layer::Percent),
            b'&' => (entity(rest), Layer::Entities),
            _ => (backslash(rest), Layer::Backslashes),
        };
        at += found.map_or(1, |(_, taken)| taken);
        if found.is_some() {
            layers.push(layer);
        }
    }
    layers.sort_unstable();
    layers.dedup();
    layers
}

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::*;

    /// The steps as `layers: text`.
    fn steps(input: &str, form: Form) -> Vec<String> {
        let mut view = Decoded::default().with_trail();
        view.decode(input.as_bytes(), form, &mut Vec::new());
        assert_eq!(view.trail().last().unwrap().text, view.text, "{input}");
        let shown = |step: &Step| {
            let titles: Vec<&str> = step.layers.iter().map(|layer| layer.title()).collect();
            format!(
                "{}: {}",
                titles.join(", "),
                String::from_utf8_lossy(&step.text)
            )
        };
        view.trail().iter().map(shown).collect()
    }

    #[test]
    fn every_step_is_kept_with_its_layers() {
        assert_eq!(steps("plain", Form::Plain), [": plain"]);
        assert_eq!(
            steps("a+%2527&lt;%u0041", Form::Urlencoded),
            [
                ": a+%2527&lt;%u0041",
                "plus signs: a %2527&lt;%u0041",
                "percent, %u, entities: a %27<A",
                "percent: a '<A",
            ]
        );
        assert_eq!(
            steps(r"\x3c%c0%af", Form::Plain),
            [
                r": \x3c%c0%af",
                "percent, backslashes: <\u{fffd}\u{fffd}",
                "look-alikes: </",
            ]
        );
    }

    #[test]
    fn nothing_is_kept_unless_asked_for() {
        let mut view = Decoded::default();
        view.decode(b"%27", Form::Plain, &mut Vec::new());
        assert!(view.trail().is_empty());
        let mut view = Decoded::default().with_trail();
        view.decode(b"%27", Form::Plain, &mut Vec::new());
        view.set_plain(b"<b>", 1);
        view.trail_wrapped(Some(b"PGI+"), Layer::Base64);
        assert_eq!(view.trail().len(), 2);
        assert_eq!(view.trail()[1].layers, [Layer::Base64]);
    }
}
