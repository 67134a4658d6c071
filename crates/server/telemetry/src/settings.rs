//! What the environment says about traces. Pure.

use crate::TelemetryError;

/// Whether traces are to be sent: a collector is named, and nothing says that none are.
///
/// OpenTelemetry's default, a collector on this machine, is not taken: who sets nothing wants
/// nothing.
pub fn is_wanted(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name| variable(name).is_some_and(|value| !value.trim().is_empty());
    let says = |name, word: &str| {
        variable(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
    };
    (set(TRACES_ENDPOINT) || set(ENDPOINT))
        && !says("OTEL_SDK_DISABLED", "true")
        && !says("OTEL_TRACES_EXPORTER", "none")
}

/// What the exporter itself would not refuse: it would fall back, and nobody would know.
///
/// # Errors
/// Another exporter or protocol is asked for, or the endpoint is no HTTP URL.
pub(crate) fn check(variable: impl Fn(&str) -> Option<String>) -> Result<(), TelemetryError> {
    let expect = |name: &str, allowed: &[&str]| match variable(name) {
        Some(value) if !value.trim().is_empty() && !allowed.contains(&value.trim()) => {
            Err(TelemetryError::Environment {
                detail: format!(
                    "{name} is `{value}`; Rolecall has {}",
                    allowed.join(" and ")
                ),
            })
        }
        _ => Ok(()),
    };
    expect("OTEL_TRACES_EXPORTER", &["otlp"])?;
    expect("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", &["http/protobuf"])?;
    if variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").is_none() {
        expect("OTEL_EXPORTER_OTLP_PROTOCOL", &["http/protobuf"])?;
    }
    let named = [TRACES_ENDPOINT, ENDPOINT]
        .into_iter()
        .find_map(|name| Some((name, variable(name).filter(|value| !value.is_empty())?)));
    if let Some((name, endpoint)) = named {
        let is_http = endpoint.parse::<http::Uri>().is_ok_and(|uri| {
            uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
        });
        if !is_http {
            return Err(TelemetryError::Environment {
                detail: format!("{name} is `{endpoint}`, which is no http or https URL"),
            });
        }
    }
    Ok(())
}

/// Whether the environment says what this service is called.
pub(crate) fn names_service(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("OTEL_SERVICE_NAME").is_some_and(|name| !name.is_empty())
        || variable("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|attributes| {
            attributes
                .split(',')
                .any(|pair| pair.trim_start().starts_with("service.name="))
        })
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

#[cfg(test)]
mod tests {
    use super::*;

    fn environment<'e>(pairs: &'e [(&str, &str)]) -> impl Fn(&str) -> Option<String> + Copy + 'e {
        |name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn a_collector_must_be_named() {
        assert!(!is_wanted(environment(&[])));
        assert!(!is_wanted(environment(&[(ENDPOINT, " ")])));
        assert!(!is_wanted(environment(&[("OTEL_SERVICE_NAME", "a")])));
        assert!(is_wanted(environment(&[(ENDPOINT, "http://c:4318")])));
        assert!(is_wanted(environment(&[(TRACES_ENDPOINT, "http://c")])));
        for no in [
            ("OTEL_SDK_DISABLED", "True"),
            ("OTEL_TRACES_EXPORTER", "none"),
        ] {
            assert!(!is_wanted(environment(&[(ENDPOINT, "http://c:4318"), no])));
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_name_of_its_variable() {
        let said = |pairs: &[(&str, &str)]| match check(environment(pairs)) {
            Ok(()) => "fine".to_owned(),
            Err(error) => error.to_string(),
        };
        let endpoint = (ENDPOINT, "http://c:4318");
        assert_eq!(said(&[endpoint, ("OTEL_TRACES_EXPORTER", "otlp")]), "fine");
        let specific = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
        let general = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        assert_eq!(said(&[endpoint, specific, general]), "fine");
        insta::assert_snapshot!(said(&[endpoint, general]), @"traces cannot be sent as the environment says: OTEL_EXPORTER_OTLP_PROTOCOL is `grpc`; Rolecall has http/protobuf");
        insta::assert_snapshot!(said(&[endpoint, ("OTEL_TRACES_EXPORTER", "zipkin")]), @"traces cannot be sent as the environment says: OTEL_TRACES_EXPORTER is `zipkin`; Rolecall has otlp");
        insta::assert_snapshot!(said(&[(ENDPOINT, "collector:4318")]), @"traces cannot be sent as the environment says: OTEL_EXPORTER_OTLP_ENDPOINT is `collector:4318`, which is no http or https URL");
        insta::assert_snapshot!(said(&[(TRACES_ENDPOINT, "ftp://c"), endpoint]), @"traces cannot be sent as the environment says: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is `ftp://c`, which is no http or https URL");
    }

    #[test]
    fn a_service_may_have_a_name_of_its_own() {
        assert!(!names_service(environment(&[])));
        assert!(names_service(environment(&[(
            "OTEL_SERVICE_NAME",
            "issuer"
        )])));
        let attributes = "region=eu, service.name=issuer";
        assert!(names_service(environment(&[(
            "OTEL_RESOURCE_ATTRIBUTES",
            attributes
        )])));
    }
}
