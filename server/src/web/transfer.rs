//! The whole log, out and in: to keep a copy of it, or to go from one store to another.
//!
//! A line of JSON for each entry, void ones too, in the order of their numbers. Neither way holds more than a few of them
//! in memory.

use std::time::Duration;

use axum::{
    Json,
    body::{Body, BodyDataStream},
    extract::State,
    http::{HeaderName, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::{Buf, BytesMut};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;
use utoipa::IntoParams;

use super::{Ctx, auth::Admin, problem::ApiError, request::query};
use crate::{
    api::{NUMBER_HEADER, answers::Problem, transfer::Imported},
    core::{change::Entry, names::LogNumber},
    log::{
        LogError,
        import::{Import, ImportError},
        stored,
    },
};

/// Where both are.
pub const PATH: &str = "/v1/log";
/// JSON, an entry a line.
const LINES: &str = "application/jsonl";
/// Longest line of an import: more than any change that is taken.
const LONGEST_LINE: usize = 4 << 20;
/// How long the next piece of an import is waited for.
const SENDS_WITHIN: Duration = Duration::from_secs(30);

/// The whole log as lines of JSON, oldest entry first. `Freshwire-Number` is the last one's: an answer that ends before it
/// is not whole.
#[utoipa::path(get, operation_id = "export_log", path = "/v1/log", security(("token" = [])),
    responses((status = 200, content_type = "application/jsonl", body = String), (status = "default", body = Problem)))]
pub async fn export(State(context): Ctx, _: Admin) -> Result<Response, ApiError> {
    let state = context.ledger.state();
    if let Some((topic, frozen)) = state.frozen.first_key_value() {
        return Err(ApiError::unavailable(frozen.explain(topic), None));
    }
    let log = context.ledger.log();
    let last = log.last().await?;
    let entries = (last > LogNumber(0)).then(|| log.follow(LogNumber(0)));
    let lines = stream::try_unfold(entries, move |entries| async move {
        let Some(mut entries) = entries else { return Ok(None) };
        let entry =
            entries.next().await.unwrap_or_else(|| Err(LogError::Unavailable("it was closed".into())));
        let line = entry.and_then(|entry| Ok((line(&entry)?, entry.number)));
        match line {
            Ok((line, number)) => Ok(Some((line, (number < last).then_some(entries)))),
            Err(error) => {
                tracing::warn!(%error, "an export of the log broke off");
                Err(error)
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(LINES)),
        (HeaderName::from_static(NUMBER_HEADER), HeaderValue::from(last.0)),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

fn line(entry: &Entry) -> Result<Vec<u8>, LogError> {
    let unreadable =
        |error: serde_json::Error| LogError::Unreadable { number: entry.number, reason: error.to_string() };
    let mut line = serde_json::to_vec(entry).map_err(unreadable)?;
    line.push(b'\n');
    Ok(line)
}

/// What an import may say beside its entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// What the first line counts as when one is named that is wrong; default: 1.
    #[serde(default = "first")]
    first_line: u64,
}

const fn first() -> u64 {
    1
}

/// Takes in lines as the export has them. Their entries keep their numbers, so that the log must be empty or begin with the
/// same entries; what is there already is passed over, and an import that broke off goes on when it is repeated.
#[utoipa::path(post, operation_id = "import_log", path = "/v1/log", security(("token" = [])), params(ImportQuery),
    request_body(content_type = "application/jsonl", content = String),
    responses((status = 200, body = Imported), (status = "default", body = Problem)))]
pub async fn import(
    State(context): Ctx,
    Admin(caller): Admin,
    parts: Parts,
    body: Body,
) -> Result<Json<Imported>, ApiError> {
    let ImportQuery { first_line } = query(&parts)?;
    let mut lines = Lines { body: body.into_data_stream(), buffer: BytesMut::new(), number: first_line };
    let mut import = Import::begin(&context.ledger).await?;
    let (mut entries, mut added) = (0, 0);
    while let Some(line) = lines.next().await? {
        let number = lines.number - 1;
        let entry = read(&line).map_err(|reason| wrong(number, &reason))?;
        added += u64::from(import.take(entry).await.map_err(|error| refused(number, &error))?);
        entries += 1;
    }
    let state = import.end().await.map_err(|error| ApiError::unavailable(error.to_string(), None))?;
    let number = state.number;
    tracing::info!(entries, added, %number, actor = caller.name, "a log was imported");
    Ok(Json(Imported { entries, added, number, digest: state.digest().to_string() }))
}

fn read(line: &[u8]) -> Result<Entry, String> {
    let mut said: Value = serde_json::from_slice(line).map_err(|error| format!("it is not JSON: {error}"))?;
    let number = said.as_object_mut().and_then(|fields| fields.remove("number"));
    let number = number.and_then(|number| number.as_u64()).ok_or("it has no 'number'")?;
    Ok(Entry { number: LogNumber(number), draft: stored::read(&said)? })
}

fn wrong(line: u64, reason: &str) -> ApiError {
    ApiError::invalid(
        format!("line {line}"),
        format!("line {line} is no entry that this version understands: {reason}"),
    )
}

fn refused(line: u64, error: &ImportError) -> ApiError {
    let detail = format!("line {line}: {error}");
    match error {
        ImportError::Gap { .. } => ApiError::invalid(format!("line {line}"), detail),
        ImportError::Differs(_) | ImportError::Overtaken { .. } => ApiError::conflict(detail),
        ImportError::Unavailable(_) => ApiError::unavailable(detail, None),
    }
}

/// A body, line after line.
struct Lines {
    body: BodyDataStream,
    buffer: BytesMut,
    /// Of the line that comes next.
    number: u64,
}

impl Lines {
    /// The next line that is not empty; the last one needs no end.
    async fn next(&mut self) -> Result<Option<BytesMut>, ApiError> {
        // What has been looked through has no end of a line.
        let mut looked = 0;
        loop {
            if let Some(end) = self.buffer[looked..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(looked + end);
                self.buffer.advance(1);
                self.number += 1;
                if !line.trim_ascii().is_empty() {
                    return Ok(Some(line));
                }
                looked = 0;
                continue;
            }
            looked = self.buffer.len();
            let number = self.number;
            if looked > LONGEST_LINE {
                return Err(ApiError::too_large(format!(
                    "line {number} is longer than {LONGEST_LINE} bytes"
                )));
            }
            match timeout(SENDS_WITHIN, self.body.next()).await {
                Ok(Some(Ok(piece))) => self.buffer.extend_from_slice(&piece),
                Ok(Some(Err(error))) => {
                    return Err(ApiError::malformed(format!("the body broke off in line {number}: {error}")));
                }
                Ok(None) if self.buffer.trim_ascii().is_empty() => return Ok(None),
                Ok(None) => {
                    self.number += 1;
                    return Ok(Some(self.buffer.split()));
                }
                Err(_) => return Err(ApiError::malformed(format!("line {number} did not come in time"))),
            }
        }
    }
}
