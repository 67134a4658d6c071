//! One word for a shell, whatever is in it.

/// For a POSIX shell: within single quotes nothing is special but the quote itself.
pub(crate) fn posix(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// For fish: within single quotes a backslash stands before a quote and before another backslash.
/// <https://fishshell.com/docs/current/language.html#quotes>
pub(crate) fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// For PowerShell: within single quotes a quote is written twice, and it takes typographic quotes
/// for quotes too.
/// <https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules>
pub(crate) fn powershell(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('\'');
    for character in value.chars() {
        if POWERSHELL_QUOTES.contains(&character) {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

/// What PowerShell's grammar calls `single-quote-character`.
pub(crate) const POWERSHELL_QUOTES: [char; 5] =
    ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
