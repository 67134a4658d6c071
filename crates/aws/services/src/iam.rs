//! What IAM answers, read.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>

use percent_encoding::percent_decode_str;

use crate::xml::Element;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its path, with slashes on both ends.
    pub path: String,
    /// `AROA…`.
    pub id: String,
    /// The trust policy as it is kept, decoded.
    pub trust_policy: String,
    /// Seconds that a session of it may last; lists leave it out at times.
    pub max_session_duration: Option<u32>,
    /// Tags; lists leave them out.
    pub tags: Vec<(String, String)>,
    /// The ARN of the policy that bounds it; lists leave it out.
    pub permissions_boundary: Option<String>,
}

/// An OIDC provider.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOpenIDConnectProvider.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its ARN.
    pub arn: String,
    /// Its URL as IAM keeps it: without `https://`.
    pub url: String,
    /// The audiences that it takes.
    pub client_ids: Vec<String>,
    /// Thumbprints of certificates.
    pub thumbprints: Vec<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// What asks for the next page.
    pub(crate) marker: Option<String>,
}

/// `GetRoleResponse`.
pub(crate) fn role(text: &str) -> Result<Role, String> {
    let root = result(text, "GetRole")?;
    let role = root.child("Role").ok_or_else(|| missing("Role"))?;
    read_role(role)
}

/// `ListRolesResponse`.
pub(crate) fn roles(text: &str) -> Result<Page<Role>, String> {
    let root = result(text, "ListRoles")?;
    let items = root
        .members("Roles")
        .map(read_role)
        .collect::<Result<_, _>>()?;
    Ok(Page {
        items,
        marker: marker(&root)?,
    })
}

/// `GetOpenIDConnectProviderResponse`. The answer does not repeat the ARN that was asked for.
pub(crate) fn provider(arn: &str, text: &str) -> Result<Provider, String> {
    let root = result(text, "GetOpenIDConnectProvider")?;
    Ok(Provider {
        arn: arn.to_owned(),
        url: required(&root, "Url")?,
        client_ids: root.texts("ClientIDList"),
        thumbprints: root.texts("ThumbprintList"),
    })
}

/// `ListOpenIDConnectProvidersResponse`.
pub(crate) fn provider_arns(text: &str) -> Result<Vec<String>, String> {
    let root = result(text, "ListOpenIDConnectProviders")?;
    root.members("OpenIDConnectProviderList")
        .map(|member| required(member, "Arn"))
        .collect()
}

/// `GetCallerIdentityResponse`: user id, account, ARN.
pub(crate) fn caller_identity(text: &str) -> Result<(String, String, String), String> {
    let root = result(text, "GetCallerIdentity")?;
    Ok((
        required(&root, "UserId")?,
        required(&root, "Account")?,
        required(&root, "Arn")?,
    ))
}

/// Code, message and request id of an error of the query protocol.
pub(crate) fn error(text: &str) -> Option<(String, String, Option<String>)> {
    let root = Element::parse(text).ok()?;
    let error = root.child("Error")?;
    let code = error.text_of("Code").filter(|code| !code.is_empty())?;
    Some((
        code.to_owned(),
        error
            .text_of("Message")
            .unwrap_or("(no message)")
            .to_owned(),
        root.text_of("RequestId").map(str::to_owned),
    ))
}

fn read_role(role: &Element) -> Result<Role, String> {
    let document = required(role, "AssumeRolePolicyDocument")?;
    let trust_policy = percent_decode_str(&document)
        .decode_utf8()
        .map_err(|_| "the trust policy is not UTF-8 text".to_owned())?
        .into_owned();
    Ok(Role {
        arn: required(role, "Arn")?,
        name: required(role, "RoleName")?,
        path: role.text_of("Path").unwrap_or("/").to_owned(),
        id: role.text_of("RoleId").unwrap_or_default().to_owned(),
        trust_policy,
        max_session_duration: role
            .text_of("MaxSessionDuration")
            .and_then(|text| text.parse().ok()),
        tags: role
            .members("Tags")
            .map(|tag| Ok((required(tag, "Key")?, required(tag, "Value")?)))
            .collect::<Result<_, String>>()?,
        permissions_boundary: role
            .at(&["PermissionsBoundary", "PermissionsBoundaryArn"])
            .map(|element| element.text().to_owned()),
    })
}

/// The `…Result` element of a response.
fn result(text: &str, operation: &str) -> Result<Element, String> {
    let root = Element::parse(text).map_err(|why| format!("not XML: {why}"))?;
    if root.name() != format!("{operation}Response") {
        return Err(format!("its root is `{}`", shortened(root.name())));
    }
    root.child(&format!("{operation}Result"))
        .cloned()
        .ok_or_else(|| missing(&format!("{operation}Result")))
}

fn marker(root: &Element) -> Result<Option<String>, String> {
    match root.text_of("IsTruncated") {
        Some("true") => required(root, "Marker").map(Some),
        _ => Ok(None),
    }
}

fn required(element: &Element, name: &str) -> Result<String, String> {
    element
        .text_of(name)
        .map(str::to_owned)
        .ok_or_else(|| missing(name))
}

fn missing(name: &str) -> String {
    format!("it has no `{name}`")
}

fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}
