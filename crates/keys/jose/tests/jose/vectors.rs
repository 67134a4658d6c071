//! The examples of RFC 7515 appendix A and RFC 7638 §3.1.

use rolecall_jose::{Algorithm, Compact, JoseError, Jwk, VerifyingKey};

#[test]
fn rfc7515_a2_rs256_verifies() {
    let key = VerifyingKey::from_jwk(&Jwk::parse(A2_KEY.as_bytes()).unwrap()).unwrap();
    let token = Compact::parse(A2_TOKEN).unwrap();
    assert_eq!(token.header().algorithm(), Ok(Algorithm::Rs256));
    assert_eq!(token.verify(&key), Ok(()));
    assert_eq!(token.claims().unwrap()["iss"], "joe");
    assert_eq!(token.claims().unwrap()["exp"], 1_300_819_380);
}

#[test]
fn rfc7515_a3_es256_verifies() {
    let key = VerifyingKey::from_jwk(&Jwk::parse(A3_KEY.as_bytes()).unwrap()).unwrap();
    assert_eq!(Compact::parse(A3_TOKEN).unwrap().verify(&key), Ok(()));
}

#[test]
fn rfc7515_a5_unsecured_is_refused() {
    let token = Compact::parse(A5_TOKEN).unwrap();
    let key = VerifyingKey::from_jwk(&Jwk::parse(A3_KEY.as_bytes()).unwrap()).unwrap();
    assert_eq!(token.verify(&key), Err(JoseError::AlgorithmNone));
}

#[test]
fn rfc7515_a2_does_not_verify_with_the_key_of_a3() {
    let key = VerifyingKey::from_jwk(&Jwk::parse(A3_KEY.as_bytes()).unwrap()).unwrap();
    assert_eq!(
        Compact::parse(A2_TOKEN).unwrap().verify(&key),
        Err(JoseError::KeyMismatch {
            algorithm: Algorithm::Rs256,
            key: "EC P-256"
        })
    );
}

#[test]
fn rfc7638_thumbprint() {
    let key = Jwk::parse(THUMBPRINT_KEY.as_bytes()).unwrap();
    assert_eq!(
        key.thumbprint().unwrap(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

const A2_KEY: &str = r#"{"kty":"RSA",
 "n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
 "e":"AQAB"}"#;

const A2_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

const A3_KEY: &str = r#"{"kty":"EC","crv":"P-256",
 "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
 "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

const A3_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

const A5_TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";

const THUMBPRINT_KEY: &str = r#"{"kty":"RSA","alg":"RS256","kid":"2011-04-29","e":"AQAB",
 "n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#;
