//! What to try when a path does not work: the name that was probably meant, or what is there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use aftertrace::text::edit_distance;

/// At most this many names of a directory are listed.
const LISTED: usize = 5;

/// A hint for a path that cannot be read; `None` when it can, or nothing useful is known.
pub fn for_path(path: &Path) -> Option<String> {
    if path == Path::new("-") {
        return None;
    }
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::File::open(path)
            .err()
            .and_then(|error| refused(path, &error)),
        Ok(found) if found.is_dir() => fs::read_dir(path)
            .err()
            .and_then(|error| refused(path, &error)),
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::NotFound => Some(missing(path)),
        Err(error) => refused(path, &error),
    }
}

fn refused(path: &Path, error: &std::io::Error) -> Option<String> {
    (error.kind() == ErrorKind::PermissionDenied).then(|| {
        format!(
            "{}: run as a user who may read it, or analyse a copy",
            path.display()
        )
    })
}

fn missing(path: &Path) -> String {
    let shown = path.display();
    if path.to_string_lossy().contains(['*', '?']) {
        return format!(
            "{shown}: no file has such a name; the shell leaves a pattern as it is when nothing matches"
        );
    }
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = fs::read_dir(directory) else {
        return format!(
            "{shown}: the directory {} cannot be opened either",
            directory.display()
        );
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    match most_similar(&wanted, &names) {
        Some(name) => format!("did you mean {}?", path.with_file_name(name).display()),
        None => contents(directory, &names),
    }
}

fn contents(directory: &Path, names: &[String]) -> String {
    let place = match directory == Path::new(".") {
        true => "this directory".to_string(),
        false => directory.display().to_string(),
    };
    let shown = names
        .iter()
        .take(LISTED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len() {
        0 => format!("{place} is empty"),
        1..=LISTED => format!("{place} holds {shown}"),
        more => format!("{place} holds {shown} and {} more", more - LISTED),
    }
}

/// The nearest name, if it is near: a third of the letters may differ.
fn most_similar<'a>(wanted: &str, names: &'a [String]) -> Option<&'a String> {
    let allowed = wanted.chars().count().div_ceil(3);
    names
        .iter()
        .map(|name| (edit_distance(wanted, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// The names that were probably meant, nearest first: those that hold what was typed or are held by
/// it, and those of which at most a third of the letters differ.
pub fn closest<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let allowed = wanted.chars().count().div_ceil(3);
    let mut near: Vec<(bool, usize, &str)> = names
        .map(|name| {
            let part = !wanted.is_empty() && (name.contains(&wanted) || wanted.contains(name));
            (!part, edit_distance(&wanted, name), name)
        })
        .filter(|(apart, distance, _)| !apart || *distance <= allowed)
        .collect();
    near.sort_unstable_by_key(|&(apart, distance, name)| {
        (distance > allowed, distance, apart, name)
    });
    near.truncate(most);
    near.into_iter().map(|(_, _, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_nearest_first() {
        let names = ["sql-union", "sql-union-all", "sql-boolean", "xss-handler"];
        let near = |wanted| closest(wanted, names.into_iter(), 3);
        assert_eq!(near("sql-unoin"), ["sql-union"]);
        assert_eq!(near("union"), ["sql-union", "sql-union-all"]);
        assert_eq!(near("SQL-UNION"), ["sql-union", "sql-union-all"]);
        assert_eq!(near("zzz"), Vec::<&str>::new());
        assert_eq!(near(""), Vec::<&str>::new());
    }

    #[test]
    fn a_typing_error_gets_the_right_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["access.log", "error.log"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let hint = |name: &str| for_path(&dir.path().join(name));
        assert!(hint("acess.log").unwrap().ends_with("access.log?"));
        assert!(
            hint("completely-different")
                .unwrap()
                .ends_with("holds access.log, error.log")
        );
        assert!(hint("*.gz").unwrap().contains("pattern"));
        assert!(
            hint("no/such.log")
                .unwrap()
                .contains("cannot be opened either")
        );
        assert_eq!(hint("access.log"), None);
        assert_eq!(for_path(Path::new("-")), None);
    }
}
