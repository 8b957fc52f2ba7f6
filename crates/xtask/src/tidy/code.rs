//! Reads Rust text just well enough to tell code from comments and literals.

/// Answers the text with every comment and every literal blanked out; lines keep their numbers.
pub(crate) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_or_comment_end(bytes, at);
        match end {
            Some(end) => {
                out.extend(
                    bytes[at..end]
                        .iter()
                        .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }),
                );
                at = end;
            }
            None => {
                // A word is taken whole, so that the `r` of `for"` is never read as the start of a raw string.
                let mut end = at + 1;
                if is_word(bytes[at]) {
                    while end < bytes.len() && is_word(bytes[end]) {
                        end += 1;
                    }
                }
                out.extend_from_slice(&bytes[at..end]);
                at = end;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Answers the words of the code with their line numbers, counted from one.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(line, text)| {
        text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
            .map(move |word| (line + 1, word))
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn literal_or_comment_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return Some(
            at + rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len()),
        );
    }
    if rest.starts_with(b"/*") {
        return Some(at + block_comment(rest));
    }
    if rest[0] == b'"' {
        return Some(at + quoted(rest, b'"'));
    }
    if rest[0] == b'\'' {
        return char_literal(rest).map(|len| at + len);
    }
    for prefix in [&b"br"[..], b"cr", b"r"] {
        if let Some(tail) = rest.strip_prefix(prefix) {
            let hashes = tail.iter().take_while(|byte| **byte == b'#').count();
            if tail.get(hashes) == Some(&b'"') {
                return Some(at + prefix.len() + raw(tail, hashes));
            }
        }
    }
    if rest.len() > 1 && matches!(rest[0], b'b' | b'c') && rest[1] == b'"' {
        return Some(at + 1 + quoted(&rest[1..], b'"'));
    }
    if rest.len() > 1 && rest[0] == b'b' && rest[1] == b'\'' {
        return Some(at + 1 + quoted(&rest[1..], b'\''));
    }
    None
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw(tail: &[u8], hashes: usize) -> usize {
    let mut at = hashes + 1;
    while at < tail.len() {
        let closing = tail.get(at + 1..at + 1 + hashes);
        if tail[at] == b'"' && closing.is_some_and(|marks| marks.iter().all(|byte| *byte == b'#')) {
            return at + 1 + hashes;
        }
        at += 1;
    }
    tail.len()
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn char_literal(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(quoted(rest, b'\''));
    }
    let text = std::str::from_utf8(rest.get(1..rest.len().min(6))?)
        .or_else(|error| std::str::from_utf8(&rest[1..=error.valid_up_to()]))
        .ok()?;
    let first = text.chars().next()?;
    let close = 1 + first.len_utf8();
    (rest.get(close) == Some(&b'\'')).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str) {
        let kept: Vec<_> = code_only(text)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(kept.join(" "), code, "{text}");
    }

    #[test]
    fn only_code_is_left() {
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check(r#"f("x \" y") g"#, "f( ) g");
        check("f(r#\"x \" y\"#) g", "f( ) g");
        check("f(br\"x\", b\"y\", c\"z\", b'q') g", "f( , , , ) g");
        check(
            "fn f<'a>(x: &'a str) -> char { 'a' }",
            "fn f<'a>(x: &'a str) -> char { }",
        );
        check("['\\'', '\"', 'é', '→'] g", "[ , , , ] g");
        check("for\"x\"", "for");
        check("\"never closed", "");
        check("'", "'");
    }

    #[test]
    fn lines_keep_their_numbers() {
        let code = code_only("/* a\nb */ word\n\"x\ny\" other");
        assert_eq!(
            words(&code).collect::<Vec<_>>(),
            [(2, "word"), (4, "other")]
        );
    }
}
