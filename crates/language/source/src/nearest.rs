//! "Did you mean": the known word closest to one that is not known.

/// The candidate closest to `word`, when it is close enough to be a slip of the hand: at most a
/// third of the letters away (Damerau-Levenshtein, letter case aside). Earlier candidates win ties.
/// A word beyond any slip of the hand (more than 256 bytes) is near nothing.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        let limit = word.chars().count().max(candidate.chars().count()).max(3) / 3;
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Bytes of a word that is compared, at most: the distance takes time and memory in its length.
const LONGEST: usize = 256;
