//! A certificate in files is replaced while the server runs: whoever renews it writes the files, and
//! the next look finds them changed. What is wrong is told and changes nothing.

use std::error::Error as _;
use std::time::Duration;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use tokio::sync::Notify;

use crate::identity::Concern;
use crate::tls::Contents;
use crate::{ListeningError, Tls, TlsFiles};

/// Files whose contents a listener shows, looked at again and again.
#[derive(Debug)]
pub struct WatchedFiles {
    tls: Tls,
    files: TlsFiles,
    taken: Digest,
    refused: Option<String>,
    told_of_end: Option<i64>,
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// As before.
    Same,
    /// New files are shown from now on.
    Taken,
    /// New files are not shown, for this reason.
    Refused(String),
}

impl WatchedFiles {
    /// Shows what the files hold.
    ///
    /// # Errors
    /// A file that cannot be read, or does not hold what it should.
    pub fn open(files: TlsFiles) -> Result<Self, ListeningError> {
        let contents = files.read()?;
        let tls = Tls::without_certificate();
        tls.show(contents.shown(&files)?);
        Ok(Self {
            tls,
            taken: contents.digest(),
            files,
            refused: None,
            told_of_end: None,
        })
    }

    /// What a listener needs to show them.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Looks every ten seconds, and at once when `wanted` is notified, for ever. `now` gives seconds
    /// since the epoch.
    pub async fn keep_looking(mut self, wanted: &Notify, now: impl Fn() -> i64) {
        loop {
            let by_order = tokio::select! {
                () = tokio::time::sleep(EVERY) => false,
                () = wanted.notified() => true,
            };
            let mut look = self.look();
            if matches!(look, Look::Refused(_)) {
                // Perhaps one of two files is written and the other is on its way.
                tokio::time::sleep(BETWEEN_TWO_FILES).await;
                look = self.look();
            }
            self.tell(look, by_order);
            self.tell_of_end(now());
        }
    }

    pub(crate) fn look(&mut self) -> Look {
        let contents = match self.files.read() {
            Ok(contents) => contents,
            Err(error) => return refused(&error),
        };
        let digest = contents.digest();
        if digest.as_ref() == self.taken.as_ref() {
            return Look::Same;
        }
        match contents.shown(&self.files) {
            Ok(shown) => {
                self.tls.show(shown);
                self.taken = digest;
                Look::Taken
            }
            Err(error) => refused(&error),
        }
    }

    fn tell(&mut self, look: Look, by_order: bool) {
        let path = self.files.certificate.display();
        match look {
            Look::Same if self.refused.is_none() && !by_order => {}
            Look::Same | Look::Taken => {
                if look == Look::Taken || self.refused.take().is_some() {
                    self.told_of_end = None;
                    tracing::warn!(certificate = %path, "the certificate was read again and is served from now on");
                }
                self.refused = None;
                if let Some(identity) = self.tls.identity() {
                    self.tls.figures().serves(identity.ends());
                }
            }
            Look::Refused(why) => {
                if by_order || self.refused.as_ref() != Some(&why) {
                    self.tls.figures().failed();
                    tracing::error!(certificate = %path, "the certificate was not taken over, the old one is served on: {why}");
                }
                self.refused = Some(why);
            }
        }
    }

    /// Once a day, from when it should have been renewed.
    fn tell_of_end(&mut self, now: i64) {
        let Some(identity) = self.tls.identity() else {
            return;
        };
        let due = self.told_of_end.is_none_or(|told| now - told >= A_DAY);
        for concern in identity.concerns(now, []) {
            if due && matches!(concern, Concern::Ended(_) | Concern::EndsSoon(_)) {
                self.told_of_end = Some(now);
                tracing::warn!(certificate = %self.files.certificate.display(), "{concern}");
            }
        }
    }
}

impl Contents {
    fn digest(&self) -> Digest {
        let mut context = Context::new(&SHA256);
        for part in self.parts() {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        context.finish()
    }
}

fn refused(error: &ListeningError) -> Look {
    Look::Refused(match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}

const EVERY: Duration = Duration::from_secs(10);
const BETWEEN_TWO_FILES: Duration = Duration::from_secs(1);
const A_DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn write(folder: &Path, host: &str) -> CertifiedKey<rcgen::KeyPair> {
        let made = generate_simple_self_signed([host.to_owned()]).unwrap();
        fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
        write_key(folder, &made);
        made
    }

    fn write_key(folder: &Path, made: &CertifiedKey<rcgen::KeyPair>) {
        let key = folder.join("key.pem");
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn files(folder: &Path) -> TlsFiles {
        TlsFiles {
            certificate: folder.join("chain.pem"),
            key: folder.join("key.pem"),
            clients: None,
        }
    }

    #[test]
    fn new_files_are_shown_and_wrong_ones_leave_the_old_ones() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "one.example");
        let mut watched = WatchedFiles::open(files(folder)).unwrap();
        let tls = watched.tls().clone();
        let shows = |host: &str| tls.identity().unwrap().is_for(host);
        assert_eq!(watched.look(), Look::Same);
        assert!(shows("one.example"));
        let two = write(folder, "two.example");
        assert_eq!(watched.look(), Look::Taken);
        assert!(shows("two.example") && !shows("one.example"));

        // Half of a pair.
        let three = generate_simple_self_signed(["three.example".to_owned()]).unwrap();
        fs::write(folder.join("chain.pem"), three.cert.pem()).unwrap();
        let Look::Refused(why) = watched.look() else {
            panic!("half of a pair was taken");
        };
        assert!(why.contains("does not fit the certificate"), "{why}");
        assert!(shows("two.example"));
        write_key(folder, &three);
        assert_eq!(watched.look(), Look::Taken);
        assert!(shows("three.example"));

        fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o604)).unwrap();
        let Look::Refused(why) = watched.look() else {
            panic!("a key for all to read was taken");
        };
        assert!(why.contains("(mode 0604)"), "{why}");
        fs::remove_file(folder.join("key.pem")).unwrap();
        assert!(matches!(watched.look(), Look::Refused(_)));
        fs::write(folder.join("chain.pem"), two.cert.pem()).unwrap();
        write_key(folder, &two);
        assert_eq!(watched.look(), Look::Taken);
    }

    #[test]
    fn a_failure_is_counted_once_and_forgotten_when_all_is_well() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let made = write(folder, "one.example");
        let mut watched = WatchedFiles::open(files(folder)).unwrap();
        let figures = |watched: &WatchedFiles| {
            let mut text = String::new();
            let registry = watched.tls.figures().registry();
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            ["renewal_failing ", "renewal_failures_total "].map(|name| {
                let mut lines = text.lines().filter(|line| !line.starts_with('#'));
                let line = lines.find_map(|line| line.split_once(name));
                line.unwrap().1.to_owned()
            })
        };
        assert_eq!(figures(&watched), ["0", "0"]);
        fs::write(folder.join("chain.pem"), "nothing").unwrap();
        for _ in 0..3 {
            let look = watched.look();
            watched.tell(look, false);
        }
        assert_eq!(figures(&watched), ["1", "1"]);
        fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
        let look = watched.look();
        assert_eq!(look, Look::Same);
        watched.tell(look, false);
        assert_eq!(figures(&watched), ["0", "1"]);
    }
}
