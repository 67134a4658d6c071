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
use crate::{iam, sts};

/// The router: AWS's query protocol on every path, and the emulator's own answers under
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
        return failure(&core, &request_id, sts::NAMESPACE, &fault);
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let parameters = if parts.method == Method::GET {
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
        action: parameters.text("Action").unwrap_or_default().to_owned(),
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
    let (service, namespace) = match service_of(call) {
        Ok(service) => service,
        Err(fault) => return failure(core, &call.request_id, sts::NAMESPACE, &fault),
    };
    let mut journal = Journal {
        proof: Proof::new(&call.request_id, &call.action, iso(call.now)),
        event: Event::default(),
    };
    let begun = core.keeper.epoch();
    let outcome = match service {
        "sts" => sts::run(core, call, &mut journal).await,
        _ => iam::run(core, call, &mut journal).await,
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
        .record(call, service, journal.event, fault, core.messages);
    if service == "sts" && (sts::decides(&call.action) || fault.is_some()) {
        let mut decision = journal.proof.finish(fault, core.messages);
        if let Some(account) =
            account.filter(|_| fault.is_some_and(|fault| fault.code() == Code::AccessDenied))
        {
            decision.encoded_message = sts::encode_denial(core, &account, &decision);
        }
        core.decisions.keep(decision);
    }
    match outcome {
        Ok(result) => {
            let text = xml::answer(&call.action, namespace, &call.request_id, result);
            respond(&call.request_id, StatusCode::OK, text)
        }
        Err(fault) => failure(core, &call.request_id, namespace, &fault),
    }
}

/// Which service an action belongs to. The version decides; without one the action's name does.
fn service_of(call: &Call) -> Result<(&'static str, &'static str), Fault> {
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
        Ok(("sts", sts::NAMESPACE))
    } else if iam::knows(&call.action) && fits(iam::VERSION) {
        Ok(("iam", iam::NAMESPACE))
    } else {
        Err(unknown())
    }
}

fn failure(core: &Core, request_id: &str, namespace: &str, fault: &Fault) -> Response {
    let code = fault.code();
    let text = xml::error(
        namespace,
        request_id,
        code.as_str(),
        code.status(),
        &fault.message(core.messages),
    );
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(request_id, status, text)
}

fn respond(request_id: &str, status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// Longer than any request of STS or IAM.
const BODY_LIMIT: usize = 1 << 20;
