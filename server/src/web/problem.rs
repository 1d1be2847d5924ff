//! Errors as people and programs read them: RFC 9457, with a stable type.

use std::any::Any;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    api::answers::Problem,
    core::{app::Refusal, names::LogNumber},
    log::{LogError, ledger::ProposeError},
    session::close::Close,
};

/// The problem types' common beginning.
const TYPES: &str = "urn:freshwire:problem:";

/// Why a request can't be answered as it wishes.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct ApiError(Box<Problem>);

impl ApiError {
    fn new(status: StatusCode, word: &str, detail: impl Into<String>) -> Self {
        metrics::counter!("freshwire_problems_total", "type" => word.to_owned()).increment(1);
        Self(Box::new(Problem {
            kind: format!("{TYPES}{word}"),
            title: word.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            decided: None,
            number: None,
            close: None,
        }))
    }

    /// 401.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 405.
    pub fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid", detail)
    }

    /// 409.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// 400: can't be read at all.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    /// 422: can be read, but a field can't be so.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
        error.0.field = Some(field.into());
        error
    }

    /// 413.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// 503; `decided` says whether it is known that nothing was changed.
    pub fn unavailable(detail: impl Into<String>, decided: Option<bool>) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        error.0.decided = decided;
        error
    }

    /// What a page is told by HTTP that its socket would be told by a close code, which is said beside it.
    pub fn closed(close: &Close) -> Self {
        let (status, word) = match close {
            Close::BadMessage(_) => (StatusCode::BAD_REQUEST, "invalid"),
            Close::Refused(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Close::UnknownApp => (StatusCode::NOT_FOUND, "not-found"),
            Close::HelloTimeout | Close::SlowConsumer | Close::PongTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "unavailable")
            }
            Close::Replaced => (StatusCode::CONFLICT, "conflict"),
            Close::GoingAway => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self::new(status, word, close.to_string()).with_close(close)
    }

    /// The close code that stands for it.
    pub fn with_close(mut self, close: &Close) -> Self {
        self.0.close = Some(close.code());
        self
    }

    fn log_moved(number: LogNumber, detail: String) -> Self {
        let mut error = Self::new(StatusCode::CONFLICT, "log-moved", detail);
        error.0.number = Some(number);
        error
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NotFound(_) => Self::not_found(detail),
            Refusal::Conflict(_) => Self::conflict(detail),
            Refusal::LocksEveryoneOut(_) => Self::new(StatusCode::CONFLICT, "locks-everyone-out", detail),
            Refusal::OutOfOrder(_) => Self::new(StatusCode::CONFLICT, "out-of-order", detail),
            Refusal::Invalid { field, .. } => Self::invalid(field, detail),
        }
    }
}

impl From<ProposeError> for ApiError {
    fn from(error: ProposeError) -> Self {
        let detail = error.to_string();
        match error {
            ProposeError::Refused(refusal) => refusal.into(),
            ProposeError::Moved(number) => Self::log_moved(number, detail),
            ProposeError::Answered(_) => Self::conflict(detail),
            ProposeError::Unavailable { decided, .. } => Self::unavailable(detail, Some(decided)),
        }
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        Self::unavailable(error.to_string(), None)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A handler's panic: 500 for its caller, and nobody else notices.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message =
        panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    tracing::error!(message = message.unwrap_or("?"), "a handler panicked");
    let detail = "the server made a mistake; its log says more";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
}
