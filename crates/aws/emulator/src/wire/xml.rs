//! Answers as XML text: elements in order, text escaped.

use std::fmt::Write as _;

/// An XML document being written. Everything that comes from outside passes through
/// [`Xml::text`], so no value can become markup.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    out: String,
}

impl Xml {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// `<name>text</name>`.
    pub(crate) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        let _ = write!(self.out, "<{name}>");
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\r' => self.out.push_str("&#xD;"),
                '\t' | '\n' => self.out.push(character),
                // XML 1.0 has no way to write these, not even escaped.
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.out.push('\u{fffd}'),
                _ => self.out.push(character),
            }
        }
        let _ = write!(self.out, "</{name}>");
        self
    }

    /// As [`Xml::text`], left out when there is nothing to say.
    pub(crate) fn optional(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    /// `<name>…</name>` around what `inner` writes.
    pub(crate) fn element(&mut self, name: &str, inner: impl FnOnce(&mut Self)) -> &mut Self {
        let _ = write!(self.out, "<{name}>");
        inner(self);
        let _ = write!(self.out, "</{name}>");
        self
    }

    /// `<name><member>…</member>…</name>`, AWS's form of a list.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.element(name, |xml| {
            for item in items {
                xml.element("member", |xml| each(xml, item));
            }
        })
    }

    /// A list of plain texts.
    pub(crate) fn texts<'t>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = &'t str>,
    ) -> &mut Self {
        self.element(name, |xml| {
            for item in items {
                xml.text("member", item);
            }
        })
    }

    pub(crate) fn into_string(self) -> String {
        self.out
    }
}

/// `<OpResponse xmlns=…>` with the result and the request's id.
pub(crate) fn answer(operation: &str, namespace: &str, request_id: &str, result: Xml) -> String {
    let result = result.into_string();
    let result = if result.is_empty() {
        String::new()
    } else {
        format!("<{operation}Result>{result}</{operation}Result>")
    };
    format!(
        "<{operation}Response xmlns=\"{namespace}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
}

/// `<ErrorResponse>`; the request's id is its direct child.
pub(crate) fn error(
    namespace: &str,
    request_id: &str,
    code: &str,
    status: u16,
    message: &str,
) -> String {
    let mut xml = Xml::new();
    xml.element("Error", |xml| {
        xml.text("Type", if status >= 500 { "Receiver" } else { "Sender" })
            .text("Code", code)
            .text("Message", message);
    })
    .text("RequestId", request_id);
    format!(
        "<ErrorResponse xmlns=\"{namespace}\">{}</ErrorResponse>",
        xml.into_string()
    )
}
