use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{KnownFormat, Ref, RefOr, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// Something that is declared, with what is known of it. Its `ETag` is its version in quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared<T> {
    /// What is declared.
    pub spec: T,
    /// Who declares it.
    pub origin: Origin,
    /// Grows by one with every change.
    pub version: i64,
    /// When it was made (RFC 3339).
    pub created_at: Timestamp,
    /// When it was changed last (RFC 3339).
    pub updated_at: Timestamp,
}

/// Who declares something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The server's configuration file; only that file changes it.
    File,
    /// Somebody, through this API.
    Api,
}

/// Part of a list, in the order of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// This part.
    pub items: Vec<T>,
    /// What to send as `after` for the next part; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

// By hand: the derived ones have the same name for every `T`.

impl<T: ToSchema> PartialSchema for Declared<T> {
    fn schema() -> RefOr<Schema> {
        let time = || {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        };
        let version = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some("Grows by one with every change"));
        ObjectBuilder::new()
            .property("spec", Ref::from_schema_name(T::name()))
            .property("origin", Ref::from_schema_name(Origin::name()))
            .property("version", version)
            .property("created_at", time())
            .property("updated_at", time())
            .required("spec")
            .required("origin")
            .required("version")
            .required("created_at")
            .required("updated_at")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Declared<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("Declared{}", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
        schemas.push((Origin::name().into_owned(), Origin::schema()));
    }
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let next = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What to send as `after` for the next part"));
        ObjectBuilder::new()
            .property(
                "items",
                ArrayBuilder::new().items(Ref::from_schema_name(T::name())),
            )
            .property("next", next)
            .required("items")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("PageOf{}", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
    }
}
