//! The little DER (X.690) that an RSA public key takes: a sequence of two positive integers.

/// Reads an `RSAPublicKey` (RFC 8017 §A.1.1) into modulus and exponent, big-endian without leading
/// zeros. `None` if it is anything else.
pub(crate) fn read_rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = read_element(der, SEQUENCE)?;
    let (modulus, after) = read_element(sequence, INTEGER)?;
    let (exponent, end) = read_element(after, INTEGER)?;
    (rest.is_empty() && end.is_empty()).then(|| (positive(modulus), positive(exponent)))
}

/// Writes an `RSAPublicKey` from modulus and exponent, big-endian without leading zeros.
pub(crate) fn write_rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(modulus.len() + exponent.len() + 12);
    write_positive(modulus, &mut body);
    write_positive(exponent, &mut body);
    let mut der = Vec::with_capacity(body.len() + 4);
    der.push(SEQUENCE);
    write_length(body.len(), &mut der);
    der.extend_from_slice(&body);
    der
}

fn read_element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0usize, |sum, &byte| (sum << 8) | usize::from(byte));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn positive(integer: &[u8]) -> &[u8] {
    match integer.split_first() {
        Some((0, rest)) if !rest.is_empty() => rest,
        _ => integer,
    }
}

fn write_positive(integer: &[u8], out: &mut Vec<u8>) {
    let sign = integer.first().is_none_or(|&first| first >= 0x80);
    out.push(INTEGER);
    write_length(integer.len() + usize::from(sign), out);
    if sign {
        out.push(0);
    }
    out.extend_from_slice(integer);
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    let bytes = length.to_be_bytes();
    let used = &bytes[bytes.len() - (usize::BITS - length.leading_zeros()).div_ceil(8) as usize..];
    if length > 0x7f {
        // invariant: a usize has at most 8 bytes, so the count fits.
        out.push(0x80 | used.len() as u8);
        out.extend_from_slice(used);
    } else {
        out.push(length as u8);
    }
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
