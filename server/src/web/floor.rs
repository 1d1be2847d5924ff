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
    let unchanged =
        headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
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
