//! What requests bring: paths, bodies, and how a change wants to be made.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request as HttpRequest, rejection::BytesRejection,
    },
    http::{HeaderMap, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use utoipa::IntoParams;

use super::{Context, auth::hex, problem::ApiError};
use crate::core::{
    app::App,
    change::{Request, Topic},
    names::{AppName, LogNumber},
    state::State,
};

/// How long a read waits for the log number that it asks for.
const CATCHES_UP_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);
/// Longest idempotency key.
const LONGEST_KEY: usize = 128;

/// The state that a read is answered from: at least as new as `?at_least=` asks.
pub struct Fresh(pub Arc<State>);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
/// Reads wait for a log number.
pub struct AtLeast {
    /// Answer from a state with at least this log number; waits up to 2 s for it.
    at_least: Option<u64>,
}

impl FromRequestParts<Arc<Context>> for Fresh {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, ApiError> {
        let AtLeast { at_least } = query(parts)?;
        let Some(number) = at_least else { return Ok(Self(context.ledger.state())) };
        let mut states = context.ledger.watch();
        let caught_up = states.wait_for(|state| state.number >= LogNumber(number));
        match timeout(CATCHES_UP_WITHIN, caught_up).await {
            Ok(Ok(state)) => Ok(Self(state.clone())),
            _ => Err(ApiError::unavailable(format!("this node has not seen log number {number} yet"), None)),
        }
    }
}

/// A query string's fields, with our kind of error.
pub fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, ApiError> {
    Query::try_from_uri(&parts.uri).map(|Query(fields)| fields).map_err(|error| {
        ApiError::invalid("query", format!("the query can't be read: {}", error.body_text()))
    })
}

/// An existing app, as new as was asked for.
pub struct Known(pub Arc<App>);

impl FromRequestParts<Arc<Context>> for Known {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, ApiError> {
        let Fresh(state) = Fresh::from_request_parts(parts, context).await?;
        let Named(name) = Named::from_request_parts(parts, context).await?;
        known(&state, &name).map(Self)
    }
}

/// An app that exists.
pub fn known(state: &State, name: &AppName) -> Result<Arc<App>, ApiError> {
    state.apps.get(name).cloned().ok_or_else(|| {
        let topic = Topic::App(name.clone());
        match state.frozen.get(&topic) {
            Some(frozen) => ApiError::unavailable(frozen.explain(&topic), None),
            None => ApiError::not_found(format!(
                "there is no app '{name}'; its first release or 'freshwire app set' makes it"
            )),
        }
    })
}

/// The app that a path names, whether it exists or not.
pub struct Named(pub AppName);

impl FromRequestParts<Arc<Context>> for Named {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct AppPath {
            app: String,
        }
        let Path(AppPath { app }) = Path::from_request_parts(parts, context)
            .await
            .map_err(|error| ApiError::invalid("app", error.body_text()))?;
        app.parse()
            .map(Self)
            .map_err(|error: crate::core::names::BadName| ApiError::invalid("app", error.to_string()))
    }
}

/// How a change wants to be made, and its body.
pub struct Wish<T> {
    /// Only say what it would do.
    pub dry_run: bool,
    /// Its idempotency key.
    pub request: Option<Request>,
    /// Only if the app's last number is this one.
    pub if_number: Option<LogNumber>,
    /// What it asks for.
    pub body: T,
}

/// Parameters of every change.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangeQuery {
    /// Only say what it would do, and to whom.
    #[serde(default)]
    dry_run: bool,
}

/// Headers of every change.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the headers to OpenAPI")]
pub struct ChangeHeaders {
    /// Repeating a request with the same key within 24 h changes nothing again.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
    /// Only if the app's last log number is this one.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

impl<T: DeserializeOwned> FromRequest<Arc<Context>> for Wish<T> {
    type Rejection = ApiError;
    async fn from_request(request: HttpRequest, context: &Arc<Context>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let ChangeQuery { dry_run } = query(&parts)?;
        let if_number = if_match(&parts.headers)?;
        let key = idempotency_key(&parts.headers)?;
        let bytes =
            Bytes::from_request(HttpRequest::new(body), context).await.map_err(|error| match error {
                BytesRejection::FailedToBufferBody(error) if error.status() == 413 => {
                    ApiError::too_large(format!("the body is larger than {} bytes", super::LARGEST_BODY))
                }
                error => ApiError::malformed(format!("the body can't be read: {}", error.body_text())),
            })?;
        let request = key.map(|key| {
            let digest = Sha256::new()
                .chain_update(parts.method.as_str())
                .chain_update(parts.uri.path())
                .chain_update(&bytes)
                .finalize();
            Request { key, hash: hex(&digest) }
        });
        Ok(Self { dry_run, request, if_number, body: json(&bytes)? })
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<LogNumber>, ApiError> {
    let Some(value) = headers.get("if-match") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().trim_matches('"').parse().ok());
    number.map(|number| Some(LogNumber(number))).ok_or_else(|| {
        ApiError::invalid("If-Match", "If-Match must be a log number, as in an answer's Freshwire-Number")
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        ApiError::invalid(
            "Idempotency-Key",
            format!("Idempotency-Key must be 1 to {LONGEST_KEY} printable characters"),
        )
    })
}

/// A JSON body. An empty one stands for `{}`, which those take that need nothing.
fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    // serde takes an array for an object without names.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::invalid(".", "the body must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let field = field_of(&path, &inner);
            ApiError::invalid(field, inner.to_string())
        } else {
            ApiError::malformed(format!("the body is not JSON: {inner}"))
        }
    })?;
    deserializer.end().map_err(|error| ApiError::malformed(format!("the body is not JSON: {error}")))?;
    Ok(value)
}

/// The path of the field that is wrong. serde names a missing or unknown one in its message only.
fn field_of(path: &str, error: &serde_json::Error) -> String {
    let message = error.to_string();
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix)?.split_once('`').map(|(name, _)| name.to_owned()));
    match named {
        Some(name) if path == "." => name,
        Some(name) if !path.ends_with(&name) => format!("{path}.{name}"),
        _ => path.to_owned(),
    }
}
