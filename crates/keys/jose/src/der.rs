//! The little DER (X.690) that public keys and ECDSA signatures take.

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

/// The public key of a `SubjectPublicKeyInfo`.
pub(crate) enum Spki<'d> {
    Rsa {
        modulus: &'d [u8],
        exponent: &'d [u8],
    },
    P256 {
        point: &'d [u8],
    },
}

/// Reads a `SubjectPublicKeyInfo` (RFC 5280 §4.1). `None` if it is of another kind, or malformed.
pub(crate) fn read_spki(der: &[u8]) -> Option<Spki<'_>> {
    let (spki, rest) = read_element(der, SEQUENCE)?;
    let (algorithm, after) = read_element(spki, SEQUENCE)?;
    let (bits, end) = read_element(after, BIT_STRING)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    // The first byte counts unused bits, of which a key has none.
    let (0, key) = bits.split_first().map(|(unused, key)| (*unused, key))? else {
        return None;
    };
    let (name, parameters) = read_element(algorithm, OBJECT_IDENTIFIER)?;
    if name == RSA_ENCRYPTION {
        let (modulus, exponent) = read_rsa_public_key(key)?;
        return Some(Spki::Rsa { modulus, exponent });
    }
    let (curve, end) = read_element(parameters, OBJECT_IDENTIFIER)?;
    (name == EC_PUBLIC_KEY && curve == PRIME256V1 && end.is_empty())
        .then_some(Spki::P256 { point: key })
}

/// Reads an `ECDSA-Sig-Value` (RFC 3279 §2.2.3) into `r || s`, each of `half` bytes.
pub(crate) fn read_ecdsa_signature(der: &[u8], half: usize) -> Option<Vec<u8>> {
    let (sequence, rest) = read_element(der, SEQUENCE)?;
    let (r, after) = read_element(sequence, INTEGER)?;
    let (s, end) = read_element(after, INTEGER)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    let mut fixed = vec![0; 2 * half];
    for (at, number) in [(half, r), (2 * half, s)] {
        // A number with its top bit set and no zero before it would be negative.
        if number.first().is_none_or(|&first| first >= 0x80) {
            return None;
        }
        let number = positive(number);
        if number.len() > half {
            return None;
        }
        fixed[at - number.len()..at].copy_from_slice(number);
    }
    Some(fixed)
}

/// Writes an `ECDSA-Sig-Value` from `r || s`.
pub(crate) fn write_ecdsa_signature(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let mut body = Vec::with_capacity(fixed.len() + 6);
    for number in [r, s] {
        let start = number.iter().position(|&byte| byte != 0);
        write_positive(&number[start.unwrap_or(number.len())..], &mut body);
    }
    let mut der = vec![SEQUENCE];
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
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
