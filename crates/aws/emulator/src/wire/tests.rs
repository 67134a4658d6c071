#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::Messages;

fn parameters(text: &str) -> Parameters {
    Parameters::parse(text.as_bytes())
}

#[test]
fn lists_are_read_in_the_order_of_their_indices() {
    let sent = parameters("T.member.02=b&T.member.1=a&T.member.10=c&Other=x");
    assert_eq!(sent.list("T").unwrap(), ["a", "b", "c"]);
    assert!(parameters("T=").list("T").unwrap().is_empty());
}

#[test]
fn bad_indices_are_malformed() {
    for text in [
        "T.member.0=a",
        "T.member.-1=a",
        "T.member.x=a",
        "T.member.12=a",
    ] {
        let fault = parameters(text).list("T").unwrap_err();
        assert_eq!(fault.code(), Code::MalformedInput, "{text}");
    }
}

#[test]
fn integers_take_signs_and_zeros_only() {
    for text in ["900", "0900", "%2B900"] {
        let sent = parameters(&format!("D={text}"));
        assert_eq!(sent.integer("D").unwrap(), Some(900), "{text}");
    }
    for text in ["9e2", "900.0", "%20900", "2147483648", "x"] {
        let sent = parameters(&format!("D={text}"));
        assert_eq!(sent.integer("D").unwrap_err().code(), Code::MalformedInput);
    }
}

#[test]
fn booleans_have_four_spellings() {
    assert_eq!(parameters("B=1").boolean("B").unwrap(), Some(true));
    assert_eq!(parameters("B=false").boolean("B").unwrap(), Some(false));
    assert!(parameters("B=True").boolean("B").is_err());
}

#[test]
fn violations_are_counted_and_joined() {
    let sent = parameters("RoleSessionName=a%20&DurationSeconds=899");
    let mut shape = Shape::new(&sent);
    shape.required("RoleArn", 20..=2048, None);
    shape.required("RoleSessionName", 2..=64, Some(shape::NAME));
    shape.integer("DurationSeconds", 900..=43200).unwrap();
    insta::assert_snapshot!(shape.finish().unwrap_err().message(Messages::Newer), @r"3 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; Value 'a ' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*; Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900");
}

#[test]
fn a_secret_is_not_repeated() {
    let sent = parameters("WebIdentityToken=abc");
    let mut shape = Shape::new(&sent);
    shape.required_secret("WebIdentityToken", 4..=20_000);
    let message = shape.finish().unwrap_err().message(Messages::Newer);
    assert!(!message.contains("abc"), "{message}");
}

#[test]
fn both_generations_of_messages() {
    let fault = Fault::new(&catalogue::NO_PROVIDER).with("issuer", "https://a");
    assert!(
        fault
            .message(Messages::Newer)
            .starts_with("The web identity token")
    );
    assert_eq!(
        fault.message(Messages::Older),
        "No OpenIDConnect provider found in your account for https://a"
    );
}

proptest! {
    #[test]
    fn xml_text_reads_back(text in "\\PC*") {
        let mut xml = Xml::new();
        xml.text("A", &text);
        let written = xml.into_string();
        let inner = written.strip_prefix("<A>").unwrap().strip_suffix("</A>").unwrap();
        prop_assert!(!inner.contains('<'));
        prop_assert_eq!(quick_xml::escape::unescape(inner).unwrap(), text);
    }

    #[test]
    fn any_form_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let sent = Parameters::parse(&bytes);
        let _ = sent.list("Tags");
        let _ = sent.integer("DurationSeconds");
    }
}
