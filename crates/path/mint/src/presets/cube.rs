//! Cube Cloud: deployments, their components, and people.

use super::{PLAIN, Preset, PresetAttribute, attribute};
use crate::form::Form;
use crate::literals::Literals;

const ATTRIBUTES: &[PresetAttribute] = &[
    attribute("deployment_id", "the deployment's number", "42")
        .form(Form::Digits)
        .stand_in("global"),
    attribute("component", "which part of the deployment asks", "cube_api")
        .values(&["cube_api", "cube_store", "ai_engineer", "global"])
        .stand_in("global"),
    attribute("region", "where it runs", "aws-eu-central-1").stand_in("control-plane"),
];

const CUBE: Preset = Preset {
    issuer: "https://{tenant}.cubecloud.dev",
    literals: Literals::Cube,
    attributes: ATTRIBUTES,
    reserved_claims: &["cube:"],
    source: "https://cube.dev/docs (OIDC workload identity)",
    ..PLAIN
};

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "cube",
        about: "Cube Cloud, a component of a deployment",
        subject: "cube:deployment:{deployment_id}:component:{component}",
        ..CUBE
    },
    Preset {
        name: "cube-default",
        about: "Cube Cloud, the subject format as it comes",
        subject: "cube:deployment:{deployment_id}",
        ..CUBE
    },
    Preset {
        name: "cube-region",
        about: "Cube Cloud, a component of a deployment in a region",
        subject: "cube:deployment:{deployment_id}:component:{component}:region:{region}",
        ..CUBE
    },
];
