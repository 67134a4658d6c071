//! AWS's shared files, read as botocore reads them, with the line of everything and without
//! secrets. <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

/// A file's sections, and what keeps programs from reading it.
#[derive(Debug, Clone, Default)]
pub(crate) struct AwsFile {
    pub(crate) sections: Vec<Section>,
    pub(crate) problems: Vec<Problem>,
}

/// What stands between one header and the next.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// As it stands between the brackets, blanks around it taken away.
    pub(crate) header: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) settings: Vec<Setting>,
}

/// One `name = value`.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// In small letters.
    pub(crate) name: String,
    /// Nothing of a secret but whether it is there.
    pub(crate) value: String,
    /// From 1.
    pub(crate) line: usize,
    /// Whether settings stand below it. They are none of ours, and may be secrets.
    pub(crate) nested: bool,
}

/// Why a program would not read the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl AwsFile {
    /// Any text: what cannot be read is a problem.
    pub(crate) fn read(text: &str) -> Self {
        let mut file = Self::default();
        // Python's reader, which the aws CLI uses, takes the mark for a part of the first line.
        if text.starts_with('\u{feff}') {
            file.problem(1, "the file begins with a byte order mark");
        }
        let text = text.trim_start_matches('\u{feff}');
        for (line, written) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
            file.line(line, written);
        }
        file
    }

    fn line(&mut self, line: usize, written: &str) {
        let content = written.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            return;
        }
        let deeper = written.starts_with([' ', '\t']);
        if deeper && let Some(setting) = self.last_setting() {
            if split(content).is_some() {
                setting.nested = true;
            } else if !setting.nested && !is_secret(&setting.name) {
                setting.value.push_str(content);
            }
            return;
        }
        if let Some(header) = content.strip_prefix('[') {
            let Some((header, _)) = header.split_once(']') else {
                self.problem(line, "a section's `]` is missing");
                return;
            };
            let header = header.trim().to_owned();
            if let Some(first) = self
                .sections
                .iter()
                .find(|section| section.header == header)
            {
                let what = format!(
                    "the section `[{header}]` is there twice, first in line {}",
                    first.line
                );
                self.problem(line, &what);
            }
            self.sections.push(Section {
                header,
                line,
                settings: Vec::new(),
            });
            return;
        }
        let Some((name, value)) = split(content) else {
            self.problem(line, "expected `[section]` or `name = value`");
            return;
        };
        let Some(section) = self.sections.last_mut() else {
            self.problem(line, "a setting stands before the first `[section]`");
            return;
        };
        let twice = section.settings.iter().find(|setting| setting.name == name);
        let twice = twice.map(|first| {
            format!(
                "`{name}` is there twice in `[{}]`, first in line {}",
                section.header, first.line
            )
        });
        let value = match is_secret(&name) && !value.is_empty() {
            true => "(kept back)".to_owned(),
            false => value.to_owned(),
        };
        section.settings.push(Setting {
            name,
            value,
            line,
            nested: false,
        });
        if let Some(what) = twice {
            self.problem(line, &what);
        }
    }

    fn last_setting(&mut self) -> Option<&mut Setting> {
        self.sections.last_mut()?.settings.last_mut()
    }

    fn problem(&mut self, line: usize, what: &str) {
        self.problems.push(Problem {
            line,
            what: what.to_owned(),
        });
    }
}

fn split(content: &str) -> Option<(String, &str)> {
    let at = content.find(['=', ':'])?;
    let name = content[..at].trim().to_ascii_lowercase();
    (!name.is_empty()).then(|| (name, content[at + 1..].trim()))
}

fn is_secret(name: &str) -> bool {
    [
        "aws_secret_access_key",
        "aws_session_token",
        "aws_security_token",
    ]
    .contains(&name)
}
