//! The arguments of a program that is registered: paths that lead somewhere from where the person stands are written such
//! that they lead there from everywhere, because the handler will run elsewhere.

use std::path::{Component, Path, PathBuf};

use syncmgr_control::Refusal;
use syncmgr_control::registration::AbsolutePath;

use crate::adapt::text;
use crate::register::path_text;

/// Arguments as they are stored, and what people are told of them.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// As they are stored.
    pub(crate) words: Vec<String>,
    /// Which were changed.
    pub(crate) absolute: Vec<AbsolutePath>,
    /// Which may have been meant as paths and are stored as they were written.
    pub(crate) relative: Vec<String>,
}

impl Arguments {
    /// The program at a path, which is told when it was written in another way.
    pub(crate) fn program(&mut self, given: &str, path: &Path) -> Result<(), Refusal> {
        let path = path_text(normal(path))?;
        if given.contains(std::path::is_separator) {
            self.told(given, &path);
        }
        self.words.push(path);
        Ok(())
    }

    /// An argument; the part behind `=` of an option is looked at as well.
    pub(crate) fn add(&mut self, word: String, directory: &Path) -> Result<(), Refusal> {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if word.starts_with('-') => (option, value),
            _ if word.starts_with('-') => {
                self.words.push(word);
                return Ok(());
            }
            _ => ("", word.as_str()),
        };
        if value.is_empty() || Path::new(value).is_absolute() || value.contains("://") {
            self.words.push(word);
            return Ok(());
        }
        let path = directory.join(value);
        let looks_like_one = value.contains(std::path::is_separator) || value.starts_with('.');
        // A bare word that is also a directory here is more often a word.
        if path.is_file() || looks_like_one && path.is_dir() {
            let path = path_text(normal(&path))?;
            self.told(value, &path);
            self.words.push(match option {
                "" => path,
                option => format!("{option}={path}"),
            });
            return Ok(());
        }
        if looks_like_one || path.is_dir() {
            self.relative.push(text::line(value));
        }
        self.words.push(word);
        Ok(())
    }

    fn told(&mut self, given: &str, path: &str) {
        if given != path {
            self.absolute.push(AbsolutePath {
                given: text::line(given),
                path: text::line(path),
            });
        }
    }
}

/// A path without `.` and `..`, where that leads to the same file: behind a link `..` may lead elsewhere.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    let mut climbs = false;
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                climbs = true;
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    let same = || match (std::fs::canonicalize(path), std::fs::canonicalize(&plain)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    if !climbs || same() {
        return plain;
    }
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &[&str], directory: &Path) -> Arguments {
        let mut arguments = Arguments::default();
        for word in words {
            arguments.add((*word).to_owned(), directory).unwrap();
        }
        arguments
    }

    #[test]
    fn what_is_here_becomes_absolute_and_what_is_not_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(root.join("notes.py"), "").unwrap();
        std::fs::write(root.join("sub/a.toml"), "").unwrap();
        let elsewhere = if cfg!(windows) { "C:\\windows" } else { "/etc" };
        let arguments = taken(
            &[
                "./sub/../notes.py",
                "--config=sub/a.toml",
                "./sub",
                "sub",
                "gone/list",
                "-x",
                "https://example.org/a",
                "word",
                elsewhere,
                "--empty=",
            ],
            root,
        );
        let at = |name: &str| root.join(name).display().to_string();
        assert_eq!(
            arguments.words,
            [
                at("notes.py"),
                format!("--config={}", root.join("sub").join("a.toml").display()),
                at("sub"),
                "sub".to_owned(),
                "gone/list".to_owned(),
                "-x".to_owned(),
                "https://example.org/a".to_owned(),
                "word".to_owned(),
                elsewhere.to_owned(),
                "--empty=".to_owned(),
            ]
        );
        let given: Vec<&str> = arguments.absolute.iter().map(|path| &*path.given).collect();
        assert_eq!(given, ["./sub/../notes.py", "sub/a.toml", "./sub"]);
        assert_eq!(arguments.relative, ["sub", "gone/list"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_behind_a_link_is_not_mistaken() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        std::fs::create_dir_all(root.join("far/deep")).unwrap();
        std::fs::write(root.join("far/x"), "").unwrap();
        std::os::unix::fs::symlink(root.join("far/deep"), root.join("link")).unwrap();
        assert_eq!(normal(&root.join("link/../x")), root.join("far/x"));
        assert_eq!(normal(&root.join("./far/./x")), root.join("far/x"));
    }
}
