//! Placeholders of templates and guides that were not filled in.

/// The first placeholder in a text: `<account-id>`, `[ACCOUNT_ID]`, `{deployment_id}`, `YOUR_…`.
/// So are the marks that chat programs and web pages leave in what is copied from them.
/// Policy variables (`${…}`) and UUIDs in braces, as Bitbucket has them, are none.
pub(crate) fn placeholder(text: &str) -> Option<&str> {
    let angled = between(text, '<', '>', |inside| !inside.is_empty());
    let squared = between(text, '[', ']', |inside| {
        inside.len() > 2
            && inside.chars().all(|char| {
                char.is_ascii_uppercase() || char.is_ascii_digit() || "_- ".contains(char)
            })
    });
    let braced = between(text, '{', '}', |inside| {
        !inside.is_empty()
            && inside
                .chars()
                .all(|char| char.is_ascii_alphabetic() || char == '_')
    });
    let yours = ["YOUR_", "YOUR-"].iter().find_map(|mark| {
        let start = text.find(mark)?;
        let rest = &text[start..];
        let end = rest
            .find(|char: char| !char.is_ascii_alphanumeric() && !"_-".contains(char))
            .unwrap_or(rest.len());
        Some(&rest[..end])
    });
    let pasted = PASTED.iter().find_map(|mark| {
        let start = text.find(mark)?;
        Some(&text[start..start + mark.len()])
    });
    // In a text of capitals such a word is only shouted.
    let word = text
        .split([':', '/'])
        .find(|part| WORDS.contains(part) && text.contains(|c: char| c.is_ascii_lowercase()));
    angled.or(squared).or(braced).or(yours).or(word).or(pasted)
}

fn between(text: &str, open: char, close: char, fits: impl Fn(&str) -> bool) -> Option<&str> {
    let mut from = 0;
    while let Some(found) = text[from..].find(open) {
        let start = from + found;
        let inside = &text[start + open.len_utf8()..];
        let variable = open == '{' && text[..start].ends_with('$');
        if let Some(end) = inside.find(close)
            && !variable
            && fits(&inside[..end])
        {
            let end = start + open.len_utf8() + end + close.len_utf8();
            return Some(&text[start..end]);
        }
        from = start + open.len_utf8();
    }
    None
}

/// What guides write where a name belongs.
const WORDS: &[&str] = &[
    "OWNER",
    "REPO",
    "REPOSITORY",
    "ORG",
    "ORGANIZATION",
    "TENANT",
    "ACCOUNT",
    "ACCOUNT_ID",
    "WORKSPACE",
    "PROJECT",
    "BRANCH",
    "DEPLOYMENT_ID",
];
/// HTML entities, typographic quotes, and the emoji that `:cloud:` turns into.
const PASTED: &[&str] = &[
    "&lt;", "&gt;", "&amp;", "&quot;", "\u{201c}", "\u{201d}", "\u{2018}", "\u{2019}", "\u{2601}",
];
