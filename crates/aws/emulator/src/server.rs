//! HTTP in front of the operations.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderValue, Method, StatusCode, header};

use crate::call::Call;
use crate::clock::iso;
use crate::core::Core;
use crate::decision::{Decision, Proof};
use crate::sts::Journal;
use crate::trail::Event;
use crate::wire::{Code, Fault, Parameters, catalogue, xml};
use crate::{cloudtrail, iam, sts};

/// The router: AWS's query and JSON protocols on every path, and the emulator's own answers under
/// `/_rolecall`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/_rolecall/decisions/{request_id}", get(decision))
        .route("/_rolecall/denials/{request_id}", get(denial))
        .route("/_rolecall/trail", get(trail))
        .fallback(aws)
        .with_state(core)
}

async fn decision(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Response {
    json_or_404(core.decisions.of(&id))
}

async fn denial(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Response {
    json_or_404(core.decisions.of(&id).filter(|decision| !decision.allowed))
}

async fn trail(State(core): State<Arc<Core>>) -> Response {
    axum::Json(core.trail.latest()).into_response()
}

fn json_or_404(decision: Option<Decision>) -> Response {
    match decision {
        Some(decision) => axum::Json(decision).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn aws(State(core): State<Arc<Core>>, request: Request) -> Response {
    let request_id = uuid::Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        let fault = Fault::new(&catalogue::MALFORMED_INPUT)
            .with("message", "the request body is too long or was cut off");
        return failure(&core, &request_id, Service::Sts, &fault);
    };
    let target = parts
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let parameters = if target.is_some() {
        // The JSON protocol has its parameters in a document.
        Parameters::default()
    } else if parts.method == Method::GET {
        Parameters::parse(query.as_bytes())
    } else {
        // A signed form may carry parameters in both places; the body's win.
        let mut both = body.to_vec();
        if !query.is_empty() {
            both.push(b'&');
            both.extend_from_slice(query.as_bytes());
        }
        Parameters::parse(&both)
    };
    let source = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip());
    let call = Call {
        request_id,
        now: core.clock.seconds(),
        action: target
            .map(cloudtrail::operation)
            .or_else(|| parameters.text("Action"))
            .unwrap_or_default()
            .to_owned(),
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query,
        headers: parts.headers,
        body: body.to_vec(),
        parameters,
        source,
    };
    run(&core, &call).await
}

async fn run(core: &Core, call: &Call) -> Response {
    let service = match service_of(call) {
        Ok(service) => service,
        Err(fault) => return failure(core, &call.request_id, Service::Sts, &fault),
    };
    let mut journal = Journal {
        proof: Proof::new(&call.request_id, &call.action, iso(call.now)),
        event: Event::default(),
    };
    let begun = core.keeper.epoch();
    let answered =
        |namespace, result| xml::answer(&call.action, namespace, &call.request_id, result);
    let outcome = match service {
        Service::Sts => sts::run(core, call, &mut journal)
            .await
            .map(|result| answered(sts::NAMESPACE, result)),
        Service::Iam => iam::run(core, call, &mut journal)
            .await
            .map(|result| answered(iam::NAMESPACE, result)),
        Service::CloudTrail => {
            cloudtrail::run(core, call, &mut journal).map(|answer| answer.to_string())
        }
    };
    // Refusals rest on the world too, so they wait as well.
    let outcome = core.keeper.settled(begun).await.and(outcome);
    let fault = outcome.as_ref().err();
    if let Some(fault) = fault {
        tracing::info!(
            request_id = call.request_id,
            action = call.action,
            code = fault.code().as_str(),
            note = fault.note().unwrap_or_default(),
            "refused"
        );
    }
    let account = journal.event.recipient.clone();
    core.trail
        .record(call, service.name(), journal.event, fault, core.messages);
    if service == Service::Sts && (sts::decides(&call.action) || fault.is_some()) {
        let mut decision = journal.proof.finish(fault, core.messages);
        if let Some(account) =
            account.filter(|_| fault.is_some_and(|fault| fault.code() == Code::AccessDenied))
        {
            decision.encoded_message = sts::encode_denial(core, &account, &decision);
        }
        core.decisions.keep(decision);
    }
    match outcome {
        Ok(text) => respond(&call.request_id, service, StatusCode::OK, text),
        Err(fault) => failure(core, &call.request_id, service, &fault),
    }
}

/// The services that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Sts,
    Iam,
    CloudTrail,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::CloudTrail => "cloudtrail",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Sts | Self::Iam => "text/xml",
            Self::CloudTrail => "application/x-amz-json-1.1",
        }
    }
}

/// Which service an action belongs to. The version decides; without one the action's name does.
fn service_of(call: &Call) -> Result<Service, Fault> {
    if call.header("x-amz-target").is_some() {
        return Ok(Service::CloudTrail);
    }
    if call.action.is_empty() {
        return Err(Fault::new(&catalogue::NO_ACTION));
    }
    let version = call.parameters.text("Version");
    let unknown = || {
        Fault::new(&catalogue::INVALID_ACTION)
            .with("action", call.action.clone())
            .with("version", version.unwrap_or_default())
    };
    let fits = |wanted: &str| version.is_none_or(|version| version == wanted);
    if sts::knows(&call.action) && fits(sts::VERSION) {
        Ok(Service::Sts)
    } else if iam::knows(&call.action) && fits(iam::VERSION) {
        Ok(Service::Iam)
    } else {
        Err(unknown())
    }
}

fn failure(core: &Core, request_id: &str, service: Service, fault: &Fault) -> Response {
    let message = fault.message(core.messages);
    let (status, text) = match service {
        Service::CloudTrail => {
            let (code, status) = cloudtrail::code(fault.code());
            let body = serde_json::json!({"__type": code, "message": message});
            (status, body.to_string())
        }
        Service::Sts | Service::Iam => {
            let namespace = match service {
                Service::Iam => iam::NAMESPACE,
                _ => sts::NAMESPACE,
            };
            let code = fault.code();
            let text = xml::error(
                namespace,
                request_id,
                code.as_str(),
                code.status(),
                &message,
            );
            (code.status(), text)
        }
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(request_id, service, status, text)
}

fn respond(request_id: &str, service: Service, status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(service.content_type()),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// Longer than any request of STS or IAM.
const BODY_LIMIT: usize = 1 << 20;
