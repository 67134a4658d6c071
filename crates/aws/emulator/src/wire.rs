//! AWS's query protocol: parameters in, XML out, errors by code, status and message.

pub(crate) mod catalogue;
pub(crate) mod fault;
pub(crate) mod parameters;
pub(crate) mod shape;
pub(crate) mod xml;

pub(crate) use catalogue::Saying;
pub(crate) use fault::{Code, Fault};
pub(crate) use parameters::Parameters;
pub(crate) use shape::Shape;
pub(crate) use xml::Xml;

#[cfg(test)]
mod tests;
