//! Damage that chat programs, word processors and web pages do to what is copied through them.

/// The text with the damage undone as far as that is certain, and what was found, in words.
pub(crate) fn repaired(text: &str) -> (String, Vec<String>) {
    let (mut text, mut damage) = (text.to_owned(), Vec::new());
    for (marks, right, what) in REPAIRS {
        if marks.iter().any(|mark| text.contains(mark)) {
            for mark in *marks {
                text = text.replace(mark, right);
            }
            damage.push((*what).to_owned());
        }
    }
    (text, damage)
}

/// The first damage in a value, in words with the value as it probably was.
pub(crate) fn damaged(value: &str) -> Option<(String, Option<String>)> {
    if let Some(rest) = value.strip_prefix("arnaws") {
        let what = "the colons of its ARN were eaten".to_owned();
        return Some((what, eaten(rest)));
    }
    if value.starts_with("arn:") && !value.contains(":iam::") && value.contains("oidc-provider/") {
        return Some(("the colons of its ARN were eaten".to_owned(), None));
    }
    let invisible = value.chars().find(|c| {
        matches!(
            c,
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{a0}' | '\u{2060}' | '\u{ad}'
        )
    });
    if let Some(mark) = invisible {
        let clean: String = value.chars().filter(|c| *c != mark).collect();
        return Some((
            format!(
                "it holds an invisible character (U+{:04X})",
                u32::from(mark)
            ),
            Some(clean),
        ));
    }
    let odd = value
        .chars()
        .find(|c| matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}' | '\u{fe0f}'));
    if let Some(mark) = odd {
        return Some((
            format!(
                "it holds the emoji `{mark}`, which a chat program put in the place of text between colons"
            ),
            None,
        ));
    }
    if let Some((before, rest)) = value.split_once("<http")
        && let Some((link, after)) = rest.split_once('>')
    {
        let label = link.rsplit_once('|').map_or(link, |(_, label)| label);
        return Some((
            "it holds a link that a chat program made of text".to_owned(),
            Some(format!("{before}{label}{after}")),
        ));
    }
    let dash = value
        .chars()
        .find(|c| matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}'));
    if let Some(mark) = dash {
        return Some((
            format!("it holds a typographic dash (U+{:04X})", u32::from(mark)),
            Some(value.replace(mark, "-")),
        ));
    }
    let quote = value
        .chars()
        .find(|c| matches!(c, '\u{2018}'..='\u{201f}' | '\u{2026}'));
    quote.map(|mark| (format!("it holds the typographic character `{mark}`"), None))
}

/// `iam::123456789012:oidc-provider/x` and its damaged forms as an ARN.
fn eaten(rest: &str) -> Option<String> {
    let rest = rest.trim_start_matches(':').strip_prefix("iam")?;
    let rest = rest.trim_start_matches(':');
    let (account, rest) = rest.split_at_checked(12)?;
    let provider = rest.trim_start_matches(':');
    let digits = account.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| format!("arn:aws:iam::{account}:{provider}"))
}

const REPAIRS: &[(&[&str], &str, &str)] = &[
    (
        &[
            "\u{201c}", "\u{201d}", "\u{201e}", "\u{201f}", "&quot;", "&#34;",
        ],
        "\"",
        "typographic quotes in the place of `\"`",
    ),
    (
        &["\u{a0}", "&nbsp;"],
        " ",
        "spaces that are not spaces (U+00A0)",
    ),
    (
        &["\u{200b}", "\u{feff}", "\u{2060}"],
        "",
        "invisible characters",
    ),
    (&["\u{2018}", "\u{2019}"], "'", "typographic apostrophes"),
];
