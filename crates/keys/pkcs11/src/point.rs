//! The public point of an EC key as tokens give it.

/// The uncompressed point (SEC 1 §2.3.3) in a `CKA_EC_POINT`: the standard wraps it into a DER
/// octet string, and some tokens give it bare.
pub(crate) fn uncompressed(attribute: &[u8]) -> Option<&[u8]> {
    match attribute {
        [OCTET_STRING, POINT, point @ ..] if point.len() == POINT as usize => Some(point),
        point if point.len() == POINT as usize => Some(point),
        _ => None,
    }
}

const OCTET_STRING: u8 = 0x04;

/// Bytes of an uncompressed point of P-256.
const POINT: u8 = 65;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_point_are_read() {
        let mut point = [4; 65];
        point[64] = 9;
        assert_eq!(uncompressed(&point), Some(&point[..]));
        let wrapped = [&[4, 65], &point[..]].concat();
        assert_eq!(uncompressed(&wrapped), Some(&point[..]));
        assert_eq!(uncompressed(&wrapped[..66]), None);
        assert_eq!(uncompressed(&[]), None);
    }
}
