//! Who asks, and what they may do. Authorisation is a value that a handler takes as an argument: without it, it doesn't
//! compile.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{header, request::Parts},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::{
    Modify,
    openapi::{
        OpenApi,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{Context, problem::ApiError};
use crate::core::{names::AppName, token::Scope};

/// A caller with at least the scope `read`.
pub struct Reader(Caller);
/// A caller with at least the scope `release`.
pub struct Releaser(pub Caller);
/// A caller with at least the scope `operate`.
pub struct Operator(pub Caller);
/// A caller with the scope `admin`.
pub struct Admin(pub Caller);

/// Whose token it is.
pub struct Caller {
    /// The actor in the history.
    pub name: String,
    scope: Scope,
    app: Option<AppName>,
    /// Hash of the token's secret. None: the admin token, which is valid for as long as the server runs.
    hash: Option<String>,
}

impl Reader {
    /// The token has neither expired nor been revoked since: for answers that go on and on.
    pub fn is_still_valid(&self, context: &Context) -> bool {
        let known =
            |hash: &String| context.ledger.state().tokens.tokens.find(hash, crate::clock::now()).is_some();
        self.0.hash.as_ref().is_none_or(known)
    }

    /// Whether the caller may see an app.
    pub fn may_see(&self, app: &AppName) -> bool {
        self.0.app.as_ref().is_none_or(|own| own == app)
    }
}

macro_rules! extractor {
    ($type:ident, $scope:expr) => {
        impl FromRequestParts<Arc<Context>> for $type {
            type Rejection = ApiError;
            async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, ApiError> {
                authorize(parts, context, $scope).await.map(Self)
            }
        }
    };
}
extractor!(Reader, Scope::Read);
extractor!(Releaser, Scope::Release);
extractor!(Operator, Scope::Operate);
extractor!(Admin, Scope::Admin);

async fn authorize(parts: &mut Parts, context: &Arc<Context>, needed: Scope) -> Result<Caller, ApiError> {
    let caller = authenticate(parts, context)?;
    if caller.scope < needed {
        return Err(ApiError::forbidden(format!(
            "this needs a token of scope '{needed}'; yours has '{}'",
            caller.scope
        )));
    }
    if let Some(own) = &caller.app {
        let params = RawPathParams::from_request_parts(parts, context).await.ok();
        let asked = params.as_ref().and_then(|params| params.iter().find(|(name, _)| *name == "app"));
        // Reading the list of apps is filtered by its handler; what else is about no app in particular is about all.
        let allowed = match asked {
            Some((_, app)) => app == own.as_str(),
            None => needed == Scope::Read,
        };
        if !allowed {
            return Err(ApiError::forbidden(format!("your token is for the app '{own}' only")));
        }
    }
    Ok(caller)
}

fn authenticate(parts: &Parts, context: &Context) -> Result<Caller, ApiError> {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = header
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim());
    let Some(secret) = secret else {
        return Err(ApiError::unauthorized("send a token: 'Authorization: Bearer …'"));
    };
    let hash = hash(secret);
    if let Some(admin) = &context.admin_token_hash
        && bool::from(admin.as_bytes().ct_eq(hash.as_bytes()))
    {
        return Ok(Caller { name: "admin".to_owned(), scope: Scope::Admin, app: None, hash: None });
    }
    let state = context.ledger.state();
    match state.tokens.tokens.find(&hash, crate::clock::now()) {
        Some(token) => Ok(Caller {
            name: token.name.clone(),
            scope: token.scope,
            app: token.app.clone(),
            hash: Some(hash),
        }),
        None => Err(ApiError::unauthorized("this token is unknown, revoked or expired")),
    }
}

/// What is kept of a secret: SHA-256 in hexadecimal. Secrets are random, so nothing slower is needed.
pub fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string doesn't fail");
        text
    })
}

/// Tells OpenAPI of the tokens.
pub struct BearerScheme;

impl Modify for BearerScheme {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}
