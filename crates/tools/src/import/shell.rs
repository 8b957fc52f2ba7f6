//! A line of a shell: whether it is one plain command, and which words that has.
//!
//! What a shell would do with a line is not guessed. A line is plain when it is one command whose words need nothing of a
//! shell but quotes and variables that are known here; everything else stays a line that a shell is given.

use std::collections::BTreeMap;

/// Most characters of a line that are looked at; a longer one is left to the shell.
const MAX_LINE: usize = 64 * 1024;

/// Words that mean something else to a shell than a program of that name.
const OWN_WORDS: &[&str] = &[
    ".", ":", "alias", "bg", "break", "case", "cd", "continue", "do", "done", "elif", "else",
    "esac", "eval", "exit", "export", "fg", "fi", "for", "function", "getopts", "hash", "if", "in",
    "local", "read", "readonly", "return", "select", "set", "shift", "source", "then", "time",
    "times", "trap", "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while", "{",
    "}", "!", "[[",
];

/// A line that is one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// Variables that are set for it alone.
    pub assignments: Vec<(String, String)>,
    /// The directory that it changes to first (`cd DIR && …`).
    pub directory: Option<String>,
    /// Its words, the program first; never empty.
    pub words: Vec<String>,
    /// Where its output goes to, where that is a log or nothing.
    pub output: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A word; `bare` when no part of it was quoted.
    Word { text: String, bare: bool },
    /// `&&`
    And,
    /// `>`, `2>>`, `&>`, …: of which streams (1, 2, 3 for both), and whether to another stream.
    Output { streams: u8, to_stream: bool },
}

/// Reads a line with the variables that are known. Absent when it needs a shell.
#[must_use]
pub fn plain(line: &str, variables: &BTreeMap<String, String>) -> Option<Plain> {
    if line.len() > MAX_LINE {
        return None;
    }
    let tokens = tokens(line.trim(), variables)?;
    let mut rest = tokens.as_slice();
    let mut directory = None;
    if let [
        Token::Word {
            text: cd,
            bare: true,
        },
        Token::Word { text, .. },
        Token::And,
        after @ ..,
    ] = rest
        && cd == "cd"
        && !text.starts_with('-')
    {
        directory = Some(text.clone());
        rest = after;
    }
    let mut plain = Plain {
        assignments: Vec::new(),
        directory,
        words: Vec::new(),
        output: None,
    };
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token {
            Token::And => return None,
            Token::Word { text, bare } => {
                if plain.words.is_empty()
                    && let Some((name, value)) = assignment(text)
                {
                    plain.assignments.push((name, value));
                    continue;
                }
                if plain.words.is_empty() && *bare && OWN_WORDS.contains(&text.as_str()) {
                    return None;
                }
                plain.words.push(text.clone());
            }
            Token::Output { streams, to_stream } => {
                let Some((Token::Word { text, .. }, after)) = rest.split_first() else {
                    return None;
                };
                rest = after;
                if *to_stream {
                    // `2>&1` alone changes nothing for us; `>&3` is somebody else's business.
                    if !matches!(text.as_str(), "1" | "2") {
                        return None;
                    }
                } else if text == "/dev/null" || is_log(text) || *streams == 2 {
                    if plain
                        .output
                        .as_ref()
                        .is_none_or(|known| known == "/dev/null")
                    {
                        plain.output = Some(text.clone());
                    }
                } else {
                    // What is written there may be what the command is for.
                    return None;
                }
            }
        }
    }
    (!plain.words.is_empty()).then_some(plain)
}

/// Whether a file is where somebody keeps what programs say.
fn is_log(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let of_logs = |part: &str| matches!(part.to_ascii_lowercase().as_str(), "log" | "logs");
    name.ends_with(".log")
        || name.ends_with(".err")
        || name.contains(".log.")
        || of_logs(&name)
        || parts.any(of_logs)
}

/// Takes `NAME=value` apart.
pub(crate) fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    is_variable(name).then(|| (name.to_owned(), value.to_owned()))
}

pub(crate) fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Where a word is being read.
struct Word {
    text: String,
    /// Something of it was seen, if only quotes.
    begun: bool,
    bare: bool,
}

impl Word {
    fn new() -> Self {
        Self {
            text: String::new(),
            begun: false,
            bare: true,
        }
    }

    fn push(&mut self, letter: char) {
        self.text.push(letter);
        self.begun = true;
    }

    fn end(&mut self, tokens: &mut Vec<Token>) {
        let word = std::mem::replace(self, Self::new());
        if word.begun {
            tokens.push(Token::Word {
                text: word.text,
                bare: word.bare,
            });
        }
    }
}

fn tokens(line: &str, variables: &BTreeMap<String, String>) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut word = Word::new();
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => word.end(&mut tokens),
            '\'' => {
                (word.begun, word.bare) = (true, false);
                loop {
                    match letters.next()? {
                        '\'' => break,
                        letter => word.push(letter),
                    }
                }
            }
            '"' => {
                (word.begun, word.bare) = (true, false);
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => match letters.next()? {
                            escaped @ ('$' | '`' | '"' | '\\') => word.push(escaped),
                            '\n' => {}
                            other => {
                                word.push('\\');
                                word.push(other);
                            }
                        },
                        '$' => variable(&mut letters, variables)?
                            .chars()
                            .for_each(|c| word.push(c)),
                        '`' => return None,
                        letter => word.push(letter),
                    }
                }
            }
            '\\' => {
                word.bare = false;
                match letters.next()? {
                    '\n' => {}
                    letter => word.push(letter),
                }
            }
            '$' => {
                let value = variable(&mut letters, variables)?;
                // A shell would make several words of it, or names of files.
                if value.is_empty()
                    || value.contains(|c: char| c.is_whitespace() || "*?[".contains(c))
                {
                    return None;
                }
                word.bare = false;
                value.chars().for_each(|c| word.push(c));
            }
            '~' if !word.begun => {
                // Somebody else's home is not known here.
                if !matches!(letters.peek(), None | Some('/' | ' ' | '\t')) {
                    return None;
                }
                word.bare = false;
                variables.get("HOME")?.chars().for_each(|c| word.push(c));
            }
            '#' if !word.begun => break,
            '&' => match letters.peek() {
                Some('&') => {
                    letters.next();
                    word.end(&mut tokens);
                    tokens.push(Token::And);
                }
                Some('>') => {
                    letters.next();
                    word.end(&mut tokens);
                    output(&mut letters, 3, &mut tokens)?;
                }
                _ => return None,
            },
            '>' => {
                let streams = match (word.bare, word.text.as_str()) {
                    (true, "1") => 1,
                    (true, "2") => 2,
                    (true, number)
                        if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
                    {
                        return None;
                    }
                    _ => 0,
                };
                if streams == 0 {
                    word.end(&mut tokens);
                } else {
                    word = Word::new();
                }
                output(&mut letters, streams.max(1), &mut tokens)?;
            }
            '|' | ';' | '<' | '(' | ')' | '`' | '*' | '?' | '[' | '\n' | '\r' => {
                // `[` alone is a program, yet what follows it is there for `&&`.
                return None;
            }
            // Braces are words of some shells; `{}` is not.
            '{' if letters.peek() != Some(&'}') => return None,
            letter => word.push(letter),
        }
    }
    word.end(&mut tokens);
    Some(tokens)
}

/// What follows the first `>`.
fn output(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    streams: u8,
    tokens: &mut Vec<Token>,
) -> Option<()> {
    if matches!(letters.peek(), Some('>' | '|')) {
        letters.next();
    }
    let to_stream = letters.peek() == Some(&'&');
    if to_stream {
        letters.next();
        if streams == 3 {
            return None;
        }
    }
    tokens.push(Token::Output { streams, to_stream });
    Some(())
}

/// The value of a variable whose `$` was read; absent when it is not known, or is more than a variable.
fn variable(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    variables: &BTreeMap<String, String>,
) -> Option<String> {
    let braced = letters.peek() == Some(&'{');
    if braced {
        letters.next();
    }
    let mut name = String::new();
    while let Some(letter) = letters
        .peek()
        .copied()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
    {
        name.push(letter);
        letters.next();
    }
    if braced && letters.next() != Some('}') {
        return None;
    }
    is_variable(&name)
        .then(|| variables.get(&name).cloned())
        .flatten()
}

/// Words as a person types them to a shell.
#[must_use]
pub fn typed(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// One word as a person types it to a shell.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@+,=%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Plain> {
        let variables = [("HOME", "/home/ada"), ("REPO", "/srv/my repo")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        plain(line, &variables.into())
    }

    fn words(line: &str) -> Vec<String> {
        read(line)
            .unwrap_or_else(|| panic!("{line} is plain"))
            .words
    }

    #[test]
    fn a_plain_line_has_the_words_that_a_shell_would_make() {
        for (line, wanted) in [
            ("rsync -a src/ dst/", &["rsync", "-a", "src/", "dst/"][..]),
            ("a 'b c' \"d e\"f \\ g", &["a", "b c", "d ef", " g"]),
            ("a '' \"\"", &["a", "", ""]),
            ("a \"\\$x \\n\" '$y'", &["a", "$x \\n", "$y"]),
            (
                "a ~/x $HOME/y \"${REPO}\" b~",
                &["a", "/home/ada/x", "/home/ada/y", "/srv/my repo", "b~"],
            ),
            ("a b#c # d", &["a", "b#c"]),
            ("find -exec x {} +", &["find", "-exec", "x", "{}", "+"]),
            ("a 2", &["a", "2"]),
        ] {
            assert_eq!(words(line), wanted, "{line}");
        }
    }

    #[test]
    fn what_needs_a_shell_is_left_to_it() {
        for line in [
            "",
            "a | b",
            "a; b",
            "a && b",
            "a & b",
            "a &",
            "a > data",
            "a >> data.txt",
            "a < x",
            "a $(b)",
            "a `b`",
            "a *.txt",
            "a x?",
            "[ -e x ] && a",
            "if a",
            "cd x",
            "a $UNKNOWN",
            "a \"$UNKNOWN\"",
            "a ${REPO%x}",
            "a $REPO",
            "a $1",
            "a 'x",
            "a \\",
            "~bob/x",
            "a >&3",
            "a 3> x.log",
            "{ a; }",
            "a {b,c}",
            "(a)",
            "a\nb",
            "a > x.log > data",
            ". x",
            "X=1",
            "a >",
            "a <<X",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn logs_and_nothing_are_no_reason_for_a_shell() {
        for (line, output) in [
            ("a b >/dev/null", "/dev/null"),
            ("a b > /dev/null 2>&1", "/dev/null"),
            ("a b >> /x/b.log 2>&1", "/x/b.log"),
            ("a b &>> ~/log/x", "/home/ada/log/x"),
            ("a b >/dev/null 2>err", "err"),
            ("a b 2>/dev/null >>/var/log/x", "/var/log/x"),
        ] {
            let plain = read(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(plain.words, ["a", "b"], "{line}");
            assert_eq!(plain.output.as_deref(), Some(output), "{line}");
        }
        assert_eq!(words("a b2>/dev/null"), ["a", "b2"]);
        assert_eq!(read("a 2>&1").unwrap().output, None);
    }

    #[test]
    fn assignments_and_a_directory_stand_in_front() {
        let line = read("cd ~/x && A=1 B='2 3' make C=4").unwrap();
        assert_eq!(line.directory.as_deref(), Some("/home/ada/x"));
        assert_eq!(line.words, ["make", "C=4"]);
        let wanted = [("A", "1"), ("B", "2 3")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(line.assignments, wanted);
    }

    proptest::proptest! {
        #[test]
        fn typed_words_are_read_as_the_same_words(mut words in proptest::collection::vec("[^\0\r]{0,12}", 1..6)) {
            words.insert(0, "program".to_owned());
            let read = plain(&typed(&words), &BTreeMap::new());
            proptest::prop_assert_eq!(read.map(|plain| plain.words), Some(words));
        }
    }
}
