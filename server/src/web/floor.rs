//! The floor that an app's own API can check its pages against.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Ctx,
    change::{current_ref, minimum_ref},
    request::Known,
};
use crate::api::answers::FloorAnswer;

/// `GET /v1/apps/{app}/floor`: public, cacheable for 5 s.
pub async fn floor(State(_): Ctx, Known(app): Known, headers: HeaderMap) -> Response {
    let etag = format!("\"{}\"", app.number);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // A cache that compresses makes the tag a weak one.
    let is_it = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag;
    let unchanged = known.split(',').any(|tag| is_it(tag.trim()));
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(FloorAnswer {
            app: app.name.clone(),
            number: app.number,
            minimum: minimum_ref(&app),
            retired: app.retired.keys().cloned().collect(),
            current: current_ref(&app),
        })
        .into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=5"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}
