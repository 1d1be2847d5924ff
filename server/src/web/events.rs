//! An app's events as they happen, by server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderName, request::Parts},
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::IntoParams;

use super::{
    Context, Ctx,
    auth::Reader,
    feed::Feed,
    problem::ApiError,
    request::{AtLeast, Known, query},
};
use crate::{
    api::answers::Problem,
    core::{app::App, names::LogNumber},
};

/// A comment is sent in a silence of so long, so that neither end nor anything between takes it for the end.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// How long a node that has not seen the reader's last number yet waits for it.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(2);

/// Where a reader was before.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Resume {
    /// Begin with the log's entries after this number; the header `Last-Event-ID` says the same.
    last_event_id: Option<u64>,
}

impl FromRequestParts<Arc<Context>> for Resume {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<Context>) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct Text {
            last_event_id: Option<String>,
        }
        let wrong =
            |field| ApiError::invalid(field, format!("{field} must be the ID of an event, a log number"));
        // A reader that reconnects by itself has its address from the start, and its header from now.
        if let Some(header) = parts.headers.get("last-event-id") {
            let number = header.to_str().ok().and_then(|text| text.trim().parse().ok());
            return number
                .map(|number| Self { last_event_id: Some(number) })
                .ok_or_else(|| wrong("Last-Event-ID"));
        }
        let Text { last_event_id } = query(parts)?;
        let number = last_event_id.map(|text| text.parse()).transpose();
        number.map(|last_event_id| Self { last_event_id }).map_err(|_| wrong("last_event_id"))
    }
}

/// What happens to an app, as server-sent events.
///
/// `census`, `campaign` and `log` carry what the calls of that name answer; a campaign is told at every percent of its
/// progress and whenever anything else of it changes. Every event's ID is the app's log number as of it.
/// A reader that comes back with the last ID it has seen gets the log's entries after it first, at most 1000 (`gap` says
/// that some are left out), and then the levels as they are now. Levels are never queued: a slow reader gets the latest.
/// The stream ends when the node drains or the token is no longer valid.
#[utoipa::path(get, operation_id = "follow_events", path = "/v1/apps/{app}/events", security(("token" = [])),
    params(("app" = crate::core::names::AppName, Path), Resume, AtLeast),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "default", body = Problem)))]
pub async fn events(
    State(context): Ctx,
    reader: Reader,
    Known(app): Known,
    resume: Resume,
) -> Result<impl IntoResponse, ApiError> {
    if context.fleet.draining() {
        return Err(ApiError::unavailable(
            "this node is going away; follow another one, or this one later",
            None,
        ));
    }
    let seen = resume.last_event_id.map(LogNumber);
    if let Some(seen) = seen {
        catch_up(&context, &app, seen).await;
    }
    let Some(feed) = Feed::new(context, reader, &app.name, seen) else {
        return Err(ApiError::not_found(format!("there is no app '{}'", app.name)));
    };
    let stream =
        Sse::new(stream_of(feed)).keep_alive(KeepAlive::new().interval(COMMENT_EVERY).text("still here"));
    // Or nginx collects what is meant to be seen at once.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], stream))
}

/// Waits until this node knows what the reader knows from another one.
async fn catch_up(context: &Context, app: &App, seen: LogNumber) {
    let mut states = context.ledger.watch();
    // Too late: the feed says that there is a gap.
    let _ = timeout(CATCHES_UP_WITHIN, states.wait_for(|state| state.app(&app.name).number >= seen)).await;
}

/// Asked for the next event only when the one before is on its way: nothing piles up for a slow reader.
fn stream_of(feed: Feed) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(feed, |mut feed| async move { feed.next().await.map(|event| (Ok(event), feed)) })
}
