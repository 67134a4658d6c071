#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use rolecall_ask::{Asker, Connection};
use rolecall_exchange::StsEnvironment;

use crate::{ChainError, Plan};

mod planning;
#[allow(
    dead_code,
    reason = "shared with the exchange's tests, which use all of it"
)]
#[path = "../../exchange/src/tests/scripted_sts.rs"]
mod scripted_sts;
mod walking;

/// A connection with one hop; `change` alters its form.
fn connection(change: impl FnOnce(&mut serde_json::Value)) -> Connection {
    let mut form = serde_json::json!({
        "token_config": "aws",
        "role": "arn:aws:iam::123456789012:role/cube/First",
        "duration": "4h",
        "session_name": "{workload}-{component}",
        "region": "us-east-1",
        "hops": [{
            "role": "arn:aws:iam::222222222222:role/Second",
            "external_id": "canary-external-id",
            "duration": "15m",
            "tags": {"team": "data", "component": "{component}"},
            "transitive_tag_keys": ["team"],
            "source_identity": "{workload}",
            "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        }],
    });
    change(&mut form);
    Connection::from_form("athena", serde_json::from_value(form).unwrap()).unwrap()
}

fn plan(
    change: impl FnOnce(&mut serde_json::Value),
    environment: &[(&str, &str)],
) -> Result<Plan, ChainError> {
    let attributes = BTreeMap::from([("component".to_owned(), "cube_api".to_owned())]);
    let environment = StsEnvironment::from_lookup(|name| {
        environment
            .iter()
            .find(|(variable, _)| *variable == name)
            .map(|(_, value)| (*value).to_owned())
    });
    Plan::make(
        &connection(change),
        &Asker::new("cube-api", attributes),
        &environment,
    )
}
