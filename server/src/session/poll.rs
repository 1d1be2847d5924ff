//! A poll: a very short connection, after which its session stays parked until the next.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    close::{Close, parting_by},
    greeting::{self, Client, admit, begin},
    machine::{Now, Session},
    parking::Parking,
};
use crate::{
    core::{
        frames::{Hello, LARGEST, PageFrame},
        outcome::Parting,
    },
    fleet::{
        Fleet,
        hub::{Hub, View},
        records::Returned,
        slot::Slot,
    },
};

/// Largest body of a poll, in bytes.
pub const LARGEST_POLL: usize = 8192;
/// Most frames beside the hello.
const MOST_FRAMES: usize = 16;

/// What a page that polls says: a hello, and frames that are taken in after it.
pub struct Poll {
    hello: Hello,
    frames: Vec<Said>,
}

enum Said {
    /// As by a socket.
    Frame(String),
    /// What closing a socket says otherwise, by the same codes.
    Bye(Option<u16>),
}

/// What it is answered.
#[derive(Debug, Default, Serialize)]
pub struct Answer {
    welcome: Value,
    notice: Option<Value>,
    pushes: Vec<Value>,
    /// All others, in order.
    frames: Vec<Value>,
    next_s: u64,
}

impl Poll {
    /// A poll from its body. It is taken in as a whole or not at all.
    pub fn parse(app: &str, body: &[u8]) -> Result<Self, Close> {
        #[derive(Deserialize)]
        struct Frames {
            #[serde(default)]
            frames: Vec<Value>,
        }
        let bad = |error: serde_json::Error| Close::BadMessage(format!("{error}").into());
        let text = std::str::from_utf8(body).map_err(|_| Close::BadMessage("text is UTF-8".into()))?;
        let PageFrame::Hello(hello) = greeting::parse(text)? else {
            return Err(Close::BadMessage("a poll is a hello".into()));
        };
        if hello.app != app {
            return Err(Close::BadMessage("the hello is of another app than the address".into()));
        }
        let Frames { frames } = serde_json::from_str(text).map_err(bad)?;
        if frames.len() > MOST_FRAMES {
            return Err(Close::BadMessage("a poll has at most 16 frames".into()));
        }
        let frames = frames.iter().map(Said::parse).collect::<Result<_, _>>()?;
        Ok(Self { hello: *hello, frames })
    }
}

impl Said {
    fn parse(frame: &Value) -> Result<Self, Close> {
        if frame["type"] == "bye" {
            // A code that can't be one says as little as none.
            let code = frame["code"].as_u64().and_then(|code| u16::try_from(code).ok());
            return Ok(Self::Bye(code));
        }
        let text = frame.to_string();
        if text.len() > LARGEST {
            return Err(Close::BadMessage("a frame has at most 4096 bytes".into()));
        }
        match greeting::parse(&text)? {
            PageFrame::Hello(_) => Err(Close::BadMessage("a second hello".into())),
            _ => Ok(Self::Frame(text)),
        }
    }
}

/// Takes in a poll. If its page comes from another node, that one is asked for what it has of it first. To be run to its
/// end, even if nobody waits for the answer any more: what another node has given up is this one's.
pub async fn arrive(
    fleet: Arc<Fleet>,
    parking: Arc<Parking>,
    client: Client,
    mut poll: Poll,
) -> Result<Answer, Close> {
    // Before its node gives it up: who may not come in stays where it is.
    let hub = let_in(&fleet, &client, &poll, Now::read())?;
    let brought = fleet.fetch(&mut poll.hello).await;
    take(&fleet, &parking, &hub, client, poll, brought, Now::read())
}

/// The hub of the page's app, if its poll is taken.
fn let_in(fleet: &Fleet, client: &Client, poll: &Poll, now: Now) -> Result<Arc<Hub>, Close> {
    // Who leaves is let go even by a node that goes away itself: or it would be missed for days.
    let leaves = poll.frames.iter().any(|said| matches!(said, Said::Bye(_)));
    if fleet.draining() && !leaves {
        return Err(Close::GoingAway);
    }
    let hub = admit(fleet, client, &poll.hello)?;
    if overtaking(fleet, &poll.hello, now).is_some() {
        return Err(Close::Replaced);
    }
    Ok(hub)
}

/// The session of a socket that was tried beside the polls and was let in while this poll was under way: what it says is
/// of before.
fn overtaking(fleet: &Fleet, hello: &Hello, now: Now) -> Option<Arc<Slot>> {
    let slot = fleet.registry.get(hello.session?)?;
    slot.has_overtaken(hello.resume.as_deref()?, now.wall).then_some(slot)
}

/// The session goes on if it is parked and the page has its secret; else the page is greeted as by a socket.
fn take(
    fleet: &Arc<Fleet>,
    parking: &Parking,
    hub: &Arc<Hub>,
    client: Client,
    poll: Poll,
    brought: Option<Returned>,
    now: Now,
) -> Result<Answer, Close> {
    let Poll { hello, frames: said } = poll;
    let again = parking.hear(&hello, now.mono, |session| {
        let view = hub.view();
        let mut frames = vec![session.hear_again(&hello, &view, now)];
        match take_in(session, &said, &view, now, &mut frames) {
            Ok(None) => {
                frames.extend(session.catch_up(&hello.seen, &view, now));
                (Ok(frames), None)
            }
            Ok(bye) => (Ok(frames), bye),
            Err(close) => (Err(close), None),
        }
    });
    if let Some(frames) = again {
        return Ok(Answer::new(frames?, parking.next_s));
    }
    if let Some(slot) = overtaking(fleet, &hello, now) {
        if let Some(brought) = brought {
            fleet.records.brought(&slot, brought);
        }
        return Err(Close::Replaced);
    }
    let after = hello.after.clone();
    let begun = begin(fleet, hub, client, hello, brought, now);
    let (mut session, mut frames) = (begun.session, begun.frames);
    let view = begun.views.borrow().clone();
    match take_in(&mut session, &said, &view, now, &mut frames)? {
        Some(bye) => session.part(bye),
        None => parking.park(session, after, now.mono),
    }
    Ok(Answer::new(frames, parking.next_s))
}

/// What the page has to say, up to its goodbye.
fn take_in(
    session: &mut Session,
    said: &[Said],
    view: &View,
    now: Now,
    frames: &mut Vec<Utf8Bytes>,
) -> Result<Option<Parting>, Close> {
    for said in said {
        match said {
            Said::Bye(code) => return Ok(Some(parting_by(*code))),
            Said::Frame(text) => {
                let output = session.on_text(text, view, now);
                frames.extend(output.frames);
                if let Some(close) = output.close {
                    return Err(close);
                }
            }
        }
    }
    Ok(None)
}

/// After how many seconds a page may poll again on a node that goes away: the next one has taken over by then.
pub fn back_in_s(fleet: &Fleet, now: Now) -> u64 {
    fleet.farewell().map_or(0, |drain| drain.back_in(now.mono)).div_ceil(1_000).max(1)
}

impl Answer {
    fn new(frames: Vec<Utf8Bytes>, next_s: u64) -> Self {
        let mut answer = Self { next_s, ..Self::default() };
        for frame in frames {
            let frame: Value = serde_json::from_str(frame.as_str()).unwrap_or_default();
            match frame["type"].as_str() {
                Some("welcome") => answer.welcome = frame,
                Some("notice") => answer.notice = Some(frame),
                Some("push") => answer.pushes.push(frame),
                _ => answer.frames.push(frame),
            }
        }
        answer
    }
}
