//! Spacelift: runs of stacks and modules, whose scope changes with their phase.

use super::{PLAIN, Preset, PresetAttribute, PresetClaim, When, attribute, claim};
use crate::declared::Derived;
use crate::form::Form;
use crate::literals::Literals;
use crate::run_scope::{PHASES, RUN_TYPES};

const ATTRIBUTES: &[PresetAttribute] = &[
    attribute(
        "spaceId",
        "the space's ID, its ULID included",
        "legacy-01KJMFZ1J9A2NZBJVJ3BQKS8NT",
    ),
    attribute(
        "spacePath",
        "the space's place in the tree of spaces",
        "/root/production",
    )
    .form(Form::Path),
    attribute("callerType", "what owns the run", "stack").values(&["stack", "module"]),
    attribute("callerId", "the ID of the stack or module", "infra"),
    attribute("runId", "the run's ULID", "01JZ8Q3V7M2N5P8R1T4W6Y9ZAB"),
    attribute("runType", "what the run is for", "TRACKED").values(&RUN_TYPES),
    attribute("autodeploy", "whether the stack applies by itself", "false")
        .values(&["true", "false"]),
    attribute("phase", "what the run is doing", "plan").values(&PHASES),
    attribute(
        "scope",
        "`read` while only looking, `write` while changing",
        "read",
    )
    .derived(Derived::RunScope),
];

const CLAIMS: &[PresetClaim] = &[
    claim("spaceId", "{spaceId}", When::Always),
    claim("callerType", "{callerType}", When::Always),
    claim("callerId", "{callerId}", When::Always),
    claim("runType", "{runType}", When::Always),
    claim("runId", "{runId}", When::Known),
    claim("scope", "{scope}", When::Always),
    claim("spacePath", "{spacePath}", When::InSubject("spacePath")),
];

const SPACELIFT: Preset = Preset {
    issuer: "https://{account}.app.spacelift.io",
    audience: "{account}.app.spacelift.io",
    literals: Literals::Spacelift,
    attributes: ATTRIBUTES,
    claims: CLAIMS,
    source: "https://docs.spacelift.io/integrations/cloud-providers/oidc",
    ..PLAIN
};

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "spacelift",
        about: "Spacelift, runs of a stack or module",
        subject: "space:{spaceId}:{callerType}:{callerId}:run_type:{runType}:scope:{scope}",
        ..SPACELIFT
    },
    Preset {
        name: "spacelift-path",
        about: "Spacelift, runs below a place in the tree of spaces",
        subject: "space:{spaceId}:space_path:{spacePath}:{callerType}:{callerId}:run_type:{runType}:scope:{scope}",
        ..SPACELIFT
    },
];
