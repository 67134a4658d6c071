//! The last look before anything is told: access keys and tokens that slipped into a value or a
//! line are blotted out.

use super::Diagnosis;

/// Blots out what looks like a secret, wherever a diagnosis repeats what was given.
pub(crate) fn scrub(diagnosis: &mut Diagnosis) {
    let lists = [
        &mut diagnosis.read,
        &mut diagnosis.kept,
        &mut diagnosis.assumptions,
        &mut diagnosis.supply,
    ];
    for list in lists {
        list.iter_mut().for_each(blot);
    }
    for error in &mut diagnosis.errors {
        blot(&mut error.text);
    }
    if let Some(presented) = &mut diagnosis.presented {
        let parts = [
            &mut presented.issuer,
            &mut presented.audience,
            &mut presented.authorized_party,
            &mut presented.subject,
        ];
        parts.into_iter().flatten().for_each(blot);
    }
    for finding in &mut diagnosis.findings {
        blot(&mut finding.message);
        blot(&mut finding.mend);
        finding.evidence.iter_mut().for_each(blot);
        if let Some(place) = &mut finding.place {
            blot(&mut place.text);
            blot(&mut place.part);
        }
        if let Some(alignment) = &mut finding.alignment {
            blot(&mut alignment.policy);
            blot(&mut alignment.token);
        }
        if let Some(patch) = &mut finding.patch {
            patch.besides.iter_mut().for_each(blot);
            patch.diff.iter_mut().for_each(blot);
        }
    }
}

fn blot(text: &mut String) {
    for (mark, length) in MARKS {
        let mut from = 0;
        while let Some(found) = text[from..].find(mark) {
            let start = from + found;
            let run = text[start..]
                .find(|c: char| !c.is_ascii_alphanumeric() && !"_-.".contains(c))
                .unwrap_or(text.len() - start);
            if run >= *length {
                text.replace_range(start..start + run, "…");
                from = start + "…".len();
            } else {
                from = start + mark.len();
            }
        }
    }
}

/// How secrets begin, and how long they are at least.
const MARKS: &[(&str, usize)] = &[("AKIA", 16), ("ASIA", 16), ("eyJ", 24)];
