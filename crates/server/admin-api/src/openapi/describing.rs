//! One operation after another, until there is a document.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder};

use crate::wire::Problem;

/// The document in the making.
pub(super) struct Description {
    paths: BTreeMap<String, BTreeMap<String, Value>>,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

/// One operation.
pub(super) struct Described {
    method: HttpMethod,
    path: String,
    operation: OperationBuilder,
    open: bool,
    schemas: Vec<(String, RefOr<Schema>)>,
    /// What may go wrong with every request.
    failures: Vec<u16>,
}

impl Description {
    pub(super) fn new() -> Self {
        Self {
            paths: BTreeMap::new(),
            schemas: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, described: Described) {
        let Described {
            method,
            path,
            mut operation,
            open,
            mut schemas,
            mut failures,
        } = described;
        if !open {
            failures.push(401);
        }
        failures.extend([400, 429, 503]);
        failures.sort_unstable();
        failures.dedup();
        for status in failures {
            let content = ContentBuilder::new()
                .schema(Some(schema_of::<Problem>(&mut schemas)))
                .build();
            let said = http::StatusCode::from_u16(status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or_default();
            let response = ResponseBuilder::new()
                .description(said)
                .content("application/problem+json", content);
            operation = operation.response(status.to_string(), response.build());
        }
        for (name, place) in placeholders(&path) {
            operation = operation.parameter(path_parameter(&name, place));
        }
        let mut written = serde_json::to_value(operation.build()).unwrap_or_default();
        if open && let Some(members) = written.as_object_mut() {
            members.insert("security".to_owned(), json!([]));
        }
        let method = match method {
            HttpMethod::Get => "get",
            HttpMethod::Put => "put",
            HttpMethod::Delete => "delete",
            _ => "post",
        };
        let at = self.paths.entry(path).or_default();
        at.insert(method.to_owned(), written);
        self.schemas.extend(schemas);
    }

    /// As it is served: keys in order, so that two documents can be compared line by line.
    pub(super) fn written(self) -> String {
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Rolecall admin API",
                "description": "What an installation declares, read and changed over HTTP. Every object has an ETag; changes honour If-Match, If-None-Match: * and Idempotency-Key. Errors are problem documents (RFC 9457).",
                "version": env!("CARGO_PKG_VERSION"),
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{ "url": "/api/v1" }],
            "security": [{ "bearer": [] }],
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A token of somebody with access (`rca_…`), or of a session (`rcu_…`).",
                    },
                },
            },
        });
        let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl Described {
    pub(super) fn get(path: &str, tag: &str, id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Get, path, tag, id, summary)
    }

    pub(super) fn put(path: &str, tag: &str, id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Put, path, tag, id, summary).marked()
    }

    pub(super) fn post(path: &str, tag: &str, id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Post, path, tag, id, summary).marked()
    }

    pub(super) fn delete(path: &str, tag: &str, id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Delete, path, tag, id, summary).marked()
    }

    fn new(method: HttpMethod, path: &str, tag: &str, id: &str, summary: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            operation: OperationBuilder::new()
                .tag(tag)
                .operation_id(Some(id))
                .summary(Some(summary)),
            open: false,
            schemas: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// More than the summary says.
    pub(super) fn tells(mut self, text: &str) -> Self {
        self.operation = self.operation.description(Some(text));
        self
    }

    /// Anybody may ask.
    pub(super) fn open(mut self) -> Self {
        self.open = true;
        self
    }

    pub(super) fn takes<T: ToSchema>(mut self) -> Self {
        let content = ContentBuilder::new()
            .schema(Some(schema_of::<T>(&mut self.schemas)))
            .build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True));
        self.operation = self.operation.request_body(Some(body.build()));
        self
    }

    pub(super) fn gives<T: ToSchema>(mut self, status: u16) -> Self {
        let content = ContentBuilder::new()
            .schema(Some(schema_of::<T>(&mut self.schemas)))
            .build();
        let response = ResponseBuilder::new()
            .description(said(status))
            .content("application/json", content);
        self.operation = self
            .operation
            .response(status.to_string(), response.build());
        self
    }

    pub(super) fn gives_nothing(mut self, status: u16) -> Self {
        let response = ResponseBuilder::new().description(said(status));
        self.operation = self
            .operation
            .response(status.to_string(), response.build());
        self
    }

    pub(super) fn fails(mut self, statuses: &[u16]) -> Self {
        self.failures.extend(statuses);
        self
    }

    pub(super) fn paged(self) -> Self {
        self.asks("after", text(), "What `next` of the part before said")
            .asks(
                "limit",
                number(),
                "At most so many: 1 to 1000, 100 where nothing is said",
            )
    }

    pub(super) fn rows(self, whole: bool) -> Self {
        let described = self
            .asks("workload", text(), "Only this workload's")
            .asks("after", number(), "Only rows after this one")
            .asks(
                "last",
                number(),
                "The last so many, in place of `after` and `limit`",
            )
            .asks(
                "limit",
                number(),
                "At most so many: 1 to 1000, 100 where nothing is said",
            );
        if whole {
            described.asks("tenant", text(), "Only this tenant's")
        } else {
            described
        }
    }

    /// `If-Match` and `If-None-Match`.
    pub(super) fn conditional(self) -> Self {
        self.header(
            "If-Match",
            "The version that must be there: an `ETag`, or `*`",
        )
        .header("If-None-Match", "`*`: nothing may be there")
    }

    fn marked(self) -> Self {
        let mut described = self.header(
            "Idempotency-Key",
            "Makes it harmless to send the request again: for a day, the same key answers as the first time",
        );
        described.failures.push(422);
        described.asks(
            "force",
            ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::Boolean))
                .build()
                .into(),
            "Whether workloads may be locked out of roles that are subscribed to",
        )
    }

    fn header(mut self, name: &str, tells: &str) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(tells))
            .schema(Some(text()));
        self.operation = self.operation.parameter(parameter.build());
        self
    }

    fn asks(mut self, name: &str, schema: Schema, tells: &str) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(tells))
            .schema(Some(schema));
        self.operation = self.operation.parameter(parameter.build());
        self
    }
}

fn schema_of<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) -> RefOr<Schema> {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

fn placeholders(path: &str) -> Vec<(String, &'static str)> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let tells = match name {
                "tenant" => "The tenant's name",
                "kid" => "The key id",
                _ => "The name",
            };
            (name.to_owned(), tells)
        })
        .collect()
}

fn path_parameter(name: &str, tells: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(tells))
        .schema(Some(text()))
        .build()
}

fn text() -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .build()
        .into()
}

fn number() -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .build()
        .into()
}

fn said(status: u16) -> &'static str {
    match status {
        201 => "Made",
        202 => "Ordered",
        204 => "Done",
        _ => "Here it is",
    }
}
