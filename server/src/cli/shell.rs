//! Commands as one can paste them into a shell.

/// A command line, quoted where a POSIX shell needs it.
pub fn line<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| quoted(word.as_ref())).collect();
    words.join(" ")
}

/// One word for a POSIX shell.
pub fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    // zsh expands a leading '='.
    if !word.is_empty() && word.chars().all(harmless) && !word.starts_with('=') {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_would_change_them() {
        assert_eq!(line(["freshwire", "minimum", "web", "2.4.1"]), "freshwire minimum web 2.4.1");
        assert_eq!(
            line(["--reason", "it's $HOME", "", "a;b", "~x", "=ls"]),
            r"--reason 'it'\''s $HOME' '' 'a;b' '~x' '=ls'"
        );
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words = ["a b", "it's", "$(id)", "`id`", "*", "ü", "\"", "\\", "!x", "#c", "a\nb"];
        let script = format!("printf '%s\\0' {}", line(words));
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().expect("a shell");
        let read = String::from_utf8(output.stdout).unwrap();
        assert_eq!(read.trim_end_matches('\0').split('\0').collect::<Vec<_>>(), words);
    }
}
