use std::collections::BTreeMap;

/// Who asks: the workload's name and the attributes that templates may use, such as
/// `component`, `run_id` or `stack`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    workload: String,
    attributes: BTreeMap<String, String>,
}

impl Asker {
    /// A workload with its attributes.
    pub fn new(workload: impl Into<String>, attributes: BTreeMap<String, String>) -> Self {
        Self {
            workload: workload.into(),
            attributes,
        }
    }

    /// The workload's name.
    pub fn workload(&self) -> &str {
        &self.workload
    }

    /// What `{name}` stands for: the workload's name for `workload`, else the attribute.
    pub fn value(&self, name: &str) -> Option<&str> {
        match name {
            "workload" => Some(&self.workload),
            _ => self.attributes.get(name).map(String::as_str),
        }
    }

    /// What identifies this run of the workload, where its platform says so.
    pub fn run_id(&self) -> Option<&str> {
        RUN_ID_NAMES.iter().find_map(|name| self.value(name))
    }

    /// The names that a template may use, for messages.
    pub(crate) fn known(&self) -> String {
        let names: Vec<String> = std::iter::once("workload")
            .chain(self.attributes.keys().map(String::as_str))
            .map(|name| format!("`{name}`"))
            .collect();
        names.join(", ")
    }
}

/// Rolecall's own name first, then that of platforms that write it in camel case.
const RUN_ID_NAMES: [&str; 2] = ["run_id", "runId"];
