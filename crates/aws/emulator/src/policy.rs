//! Policies by their text: compiled once, asked often.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rolecall_source::SourceText;
use rolecall_trust::{CompiledPolicy, Decision, Grant, Policy, Request, Verdict};

/// Compiled policies by text, so that an exchange does not read its role's policy anew.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    compiled: Mutex<HashMap<String, Option<Arc<CompiledPolicy>>>>,
}

impl Policies {
    /// Decides by one policy. A text that cannot be read allows nothing and denies nothing; the
    /// ways in refuse such a text, so it takes a hand-made state file to get here.
    pub(crate) fn decide(&self, text: &str, request: &Request) -> Decision {
        self.compiled(text)
            .map_or(Decision::ImplicitDeny, |policy| policy.decide(request))
    }

    /// Decides, and tells whether the caller or only its account is named.
    pub(crate) fn grant(&self, text: &str, request: &Request) -> Grant {
        self.compiled(text)
            .map_or(Grant::Nothing, |policy| policy.grant(request))
    }

    /// Decides with the proof.
    pub(crate) fn explain(&self, text: &str, request: &Request) -> Option<Verdict> {
        self.compiled(text).map(|policy| policy.explain(request))
    }

    fn compiled(&self, text: &str) -> Option<Arc<CompiledPolicy>> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(text) {
            return known.clone();
        }
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        let policy = Policy::parse(&SourceText::new("policy", text))
            .ok()
            .map(|policy| Arc::new(CompiledPolicy::compile(&policy)));
        compiled.insert(text.to_owned(), policy.clone());
        policy
    }
}

const KEPT: usize = 4096;
