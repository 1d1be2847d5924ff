//! `/`: one calm screen that says what this is and where to go next.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{Html, IntoResponse},
};

const PAGE: &str = include_str!("screen.html");

/// The screen.
pub async fn screen() -> impl IntoResponse {
    let page = PAGE.replace("{version}", env!("CARGO_PKG_VERSION"));
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'");
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, Html(page))
}
