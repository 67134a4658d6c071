//! Credentials for the later steps of a GitHub Actions job.
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>

use secrecy::{ExposeSecret, SecretString};

use super::Printed;

/// What a step tells its runner. The masks must reach it before anything else does: what is not
/// masked yet is shown in the log.
#[derive(Debug)]
pub struct GithubStep {
    /// `::add-mask::` commands for standard output, one a line.
    pub masks: SecretString,
    /// Lines to append to the file that `GITHUB_ENV` names.
    pub environment: SecretString,
}

impl GithubStep {
    /// Writes both. `delimiter` ends a value of several lines; it must not be guessable, or the
    /// value could end itself and go on with variables of its own.
    pub fn render(printed: &Printed<'_>, delimiter: &str) -> Self {
        let credentials = printed.credentials;
        let hidden = [
            credentials.access_key_id.as_str(),
            credentials.secret_access_key.expose_secret(),
            credentials.session_token.expose_secret(),
        ];
        let masks: String = hidden
            .iter()
            .map(|value| format!("::add-mask::{}\n", escaped(value)))
            .collect();
        let mut environment = String::new();
        for (name, value) in printed.variables() {
            let value = value.expose_secret();
            // A carriage return may be taken for a part of the line's end.
            environment.push_str(&if value.contains(['\n', '\r']) {
                format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
            } else {
                format!("{name}={value}\n")
            });
        }
        Self {
            masks: masks.into(),
            environment: environment.into(),
        }
    }
}

/// The value of a workflow command: one line.
fn escaped(value: &str) -> String {
    value
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
