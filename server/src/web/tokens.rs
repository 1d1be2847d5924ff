//! Operators' tokens.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{
    Context, Ctx,
    auth::{Admin, Caller, hash},
    change::{check_text, invalid},
    minimum::Nothing,
    page::PageQuery,
    problem::ApiError,
    request::{AtLeast, ChangeHeaders, ChangeQuery, Fresh, Wish},
};
use crate::{
    api::{
        answers::{Problem, TokenAnswer, TokenChanged, TokensAnswer},
        bodies::TokenBody,
    },
    core::{
        app::Refusal,
        change::{Change, Topic},
        names::LogNumber,
        state::State as LogState,
        time::Moment,
        token::{Issued, Token, TokenChange},
    },
    log::ledger::{Proposal, ProposeError},
};

/// All tokens, oldest first, without their secrets.
#[utoipa::path(get, operation_id = "list_tokens", path = "/v1/tokens", security(("token" = [])), params(PageQuery, AtLeast),
    responses((status = 200, body = TokensAnswer), (status = "default", body = Problem)))]
pub async fn list(_: Admin, Fresh(state): Fresh, page: PageQuery) -> Result<Json<TokensAnswer>, ApiError> {
    let after = page.after::<Uuid>()?;
    let all = state.tokens.tokens.list();
    let start =
        after.and_then(|id| all.iter().position(|issued| issued.token.id == id)).map_or(0, |at| at + 1);
    let (tokens, next) = page.take(all[start..].iter(), |issued| issued.token.id.to_string())?;
    Ok(Json(TokensAnswer { tokens: tokens.into_iter().map(|issued| answer(issued)).collect(), next }))
}

/// Makes a token. Its secret is in this answer and nowhere else.
#[utoipa::path(post, operation_id = "create_token", path = "/v1/tokens", security(("token" = [])), request_body = TokenBody,
    params(ChangeQuery, ChangeHeaders),
    responses((status = 201, body = TokenChanged), (status = "default", body = Problem)))]
pub async fn create(
    State(context): Ctx,
    Admin(caller): Admin,
    wish: Wish<TokenBody>,
) -> Result<(StatusCode, Json<TokenChanged>), ApiError> {
    check_text("name", Some(&wish.body.name))?;
    let secret = format!("fw_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let now = crate::clock::now();
    let token = Token {
        id: Uuid::new_v4(),
        name: wish.body.name.clone(),
        scope: wish.body.scope,
        app: wish.body.app.clone(),
        expires_at: wish.body.expires_in.map(|period| now + period),
        hash: hash(&secret),
    };
    let number = propose(&context, &caller, &wish, |_| Ok(TokenChange::Create(token.clone()))).await?;
    let issued = Issued { token, at: now, by: caller.name };
    let status = if wish.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    let secret = (!wish.dry_run).then_some(secret);
    Ok((status, Json(TokenChanged { number, token: answer(&issued), secret, dry_run: wish.dry_run })))
}

/// From now on the token is no longer taken.
#[utoipa::path(delete, operation_id = "revoke_token", path = "/v1/tokens/{id}", security(("token" = [])),
    params(("id" = Uuid, Path), ChangeQuery, ChangeHeaders),
    responses((status = 200, body = TokenChanged), (status = "default", body = Problem)))]
pub async fn revoke(
    State(context): Ctx,
    Admin(caller): Admin,
    Path(id): Path<String>,
    wish: Wish<Nothing>,
) -> Result<Json<TokenChanged>, ApiError> {
    let id =
        Uuid::parse_str(&id).map_err(|_| ApiError::invalid("id", format!("'{id}' is not a token's ID")))?;
    let known = context.ledger.state().tokens.tokens.get(id).cloned();
    let issued =
        known.ok_or_else(|| ApiError::not_found("no such token; list them with: freshwire token list"))?;
    let number = propose(&context, &caller, &wish, |_| Ok(TokenChange::Revoke(id))).await?;
    Ok(Json(TokenChanged { number, token: answer(&issued), secret: None, dry_run: wish.dry_run }))
}

async fn propose<T>(
    context: &Context,
    caller: &Caller,
    wish: &Wish<T>,
    make: impl Fn(&LogState) -> Result<TokenChange, Refusal>,
) -> Result<LogNumber, ApiError> {
    if wish.request.is_some() && wish.if_number.is_some() {
        return Err(invalid("If-Match", "tokens take either If-Match or Idempotency-Key").into());
    }
    let proposal = Proposal {
        actor: caller.name.clone(),
        request: wish.request.clone(),
        if_number: wish.if_number,
        topic: Topic::Tokens,
    };
    let change = |state: &LogState| make(state).map(Change::Token);
    let now = || -> Moment { crate::clock::now() };
    let accepted = if wish.dry_run {
        context.ledger.try_out(&proposal, now(), change)?
    } else {
        match context.ledger.propose(&proposal, now, change).await {
            Err(ProposeError::Answered(answered))
                if wish.request.as_ref().is_some_and(|request| request.hash == answered.hash) =>
            {
                return Err(ApiError::conflict(format!(
                    "this request was carried out before, as entry {}; a secret is told once: if it was lost, revoke \
                     the token and make another under a fresh key",
                    answered.number
                )));
            }
            outcome => outcome?,
        }
    };
    Ok(accepted.number)
}

fn answer(issued: &Issued) -> TokenAnswer {
    let Token { id, name, scope, app, expires_at, .. } = issued.token.clone();
    TokenAnswer { id, name, scope, app, created_at: issued.at, created_by: issued.by.clone(), expires_at }
}
