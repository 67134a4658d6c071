use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::AccessError;

/// A token of the admin API. It names what it belongs to, so that it is found by its name and known
/// by its digest: `rca_` or `rcu_`, the place, a dot, 43 characters of 256 random bits.
///
/// The digest is SHA-256 and needs no salt: there is nothing to guess.
#[derive(Clone, Debug)]
pub struct AccessToken(SecretString);

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Somebody's own token, made once and kept.
    Access,
    /// A session, opened by signing in.
    Session,
}

/// What a token says of itself. Nothing of it is proven before its digest is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it stands for.
    pub kind: TokenKind,
    /// The tenant, or `""`.
    pub tenant: String,
    /// The name of the access or session.
    pub name: String,
}

impl AccessToken {
    /// Makes a token for `name` at `tenant` (`""`: the installation) from 256 random bits.
    #[must_use]
    pub fn make(kind: TokenKind, random: &[u8; 32], tenant: &str, name: &str) -> Self {
        let mut text = String::from(prefix(kind));
        URL_SAFE_NO_PAD.encode_string(format!("{tenant}/{name}"), &mut text);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        Self(SecretString::from(text))
    }

    /// Reads what somebody sent.
    ///
    /// # Errors
    /// [`AccessError::NotAToken`].
    pub fn read(text: SecretString) -> Result<(Self, Named), AccessError> {
        let named = {
            let text = text.expose_secret();
            let (kind, rest) = [TokenKind::Access, TokenKind::Session]
                .into_iter()
                .find_map(|kind| Some((kind, text.strip_prefix(prefix(kind))?)))
                .ok_or(AccessError::NotAToken)?;
            let (place, random) = rest.split_once('.').ok_or(AccessError::NotAToken)?;
            let place = URL_SAFE_NO_PAD
                .decode(place)
                .ok()
                .and_then(|place| String::from_utf8(place).ok())
                .ok_or(AccessError::NotAToken)?;
            let (tenant, name) = place.split_once('/').ok_or(AccessError::NotAToken)?;
            if random.len() != RANDOM_CHARACTERS || name.is_empty() {
                return Err(AccessError::NotAToken);
            }
            Named {
                kind,
                tenant: tenant.to_owned(),
                name: name.to_owned(),
            }
        };
        Ok((Self(text), named))
    }

    /// By what it is known again.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"rolecall admin api token\0");
        context.update(self.0.expose_secret().as_bytes());
        URL_SAFE_NO_PAD.encode(context.finish())
    }

    /// Whether it is the one with that digest.
    #[must_use]
    pub fn is(&self, digest: &str) -> bool {
        constant_time::verify_slices_are_equal(self.digest().as_bytes(), digest.as_bytes()).is_ok()
    }

    /// To be shown once.
    #[must_use]
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

fn prefix(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Access => "rca_",
        TokenKind::Session => "rcu_",
    }
}

const RANDOM_CHARACTERS: usize = 43;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_token_names_its_place_and_is_known_by_its_digest_only() {
        let made = AccessToken::make(TokenKind::Access, &[7; 32], "acme", "ci");
        let digest = made.digest();
        let text = made.into_secret();
        let (read, named) = AccessToken::read(text.clone()).unwrap();
        assert_eq!(
            (named.kind, &*named.tenant, &*named.name),
            (TokenKind::Access, "acme", "ci")
        );
        assert!(read.is(&digest));
        // The same random bits for somebody else are another token.
        let other = AccessToken::make(TokenKind::Access, &[7; 32], "acme", "cj");
        assert!(!other.is(&digest));
        assert!(!format!("{read:?}").contains(text.expose_secret()));
    }

    #[test]
    fn what_is_cut_off_or_foreign_is_not_a_token() {
        let whole = AccessToken::make(TokenKind::Session, &[1; 32], "", "x").into_secret();
        let whole = whole.expose_secret();
        for text in [
            "",
            "rca_",
            "rcj_abc",
            &whole[..whole.len() - 1],
            &whole[1..],
        ] {
            assert_eq!(
                AccessToken::read(text.to_owned().into()).unwrap_err(),
                AccessError::NotAToken,
                "{text}"
            );
        }
    }
}
