//! The snippet, embedded in the binary: its core, and the lazily loaded parts at addresses that never change.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::Context;

/// One file, with its compressed twins.
struct Asset {
    path: &'static str,
    kind: &'static str,
    immutable: bool,
    etag: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

pub fn routes() -> Router<Arc<Context>> {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        router.route(asset.path, get(move |headers: HeaderMap| async move { serve(asset, &headers) }))
    })
}

fn serve(asset: &'static Asset, request: &HeaderMap) -> Response {
    let (encoding, body) = encoded(asset, request);
    // Each encoding is another sequence of bytes, so a strong ETag must tell them apart.
    let etag = match encoding {
        Some(encoding) => format!("{}-{encoding}\"", asset.etag.trim_end_matches('"')),
        None => asset.etag.to_owned(),
    };
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let unchanged = known.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*");
    let mut response =
        if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let caching = if asset.immutable { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, asset.kind);
    set(header::CACHE_CONTROL, caching);
    set(header::ETAG, &etag);
    set(header::VARY, "accept-encoding");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(encoding) = encoding.filter(|_| !unchanged) {
        set(header::CONTENT_ENCODING, encoding);
    }
    response
}

/// The smallest form that the client takes.
fn encoded(asset: &'static Asset, request: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let accepted =
        request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |name: &str| {
        accepted.split(',').any(|part| {
            let mut parts = part.split(';').map(str::trim);
            let refused = |quality: &str| {
                quality.strip_prefix("q=0").is_some_and(|rest| !rest.contains(|c| ('1'..='9').contains(&c)))
            };
            parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case(name)) && !parts.any(refused)
        })
    };
    if takes("br") {
        (Some("br"), asset.brotli)
    } else if takes("gzip") {
        (Some("gzip"), asset.gzip)
    } else {
        (None, asset.plain)
    }
}
